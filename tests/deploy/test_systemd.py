"""The units: systemd finds little to object, and what they forbid is not needed."""

import json
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from monitor.store.repository import open_store
from tests.support.confined import allowed, said
from tests.support.shipped import ROOT
from tests.support.unmet import cannot_run

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
LEAK = {"@timestamp": "2026-11-16T09:00:00Z", "message": "sent to ada.wellenbrook@nordwind-shop.de"}
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _systemd() -> None:
    if shutil.which("systemd-analyze") is None:
        cannot_run("no systemd-analyze on this machine (Debian: systemd)")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_the_unit_and_finds_it_hardly_exposed(unit):
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    complaints = [
        line
        for line in checked.stderr.splitlines()
        if "/opt/privwatch/bin/privwatch is not executable" not in line
    ]
    assert complaints == []
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert rated.returncode == 0, rated.stdout
    (score,) = re.findall(r"Overall exposure level for .*: (\S+) OK", rated.stdout)
    assert f"`{unit.name}` {score}" in PAGE, "the page says the score"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_command_of_the_unit_exists(unit):
    command = dict(said(unit))["ExecStart"].split()
    done = subprocess.run(
        [sys.executable, "-m", "monitor", command[1], "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert all(option in done.stdout for option in command[2:] if option.startswith("--"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_cannot_start_is_tried_for_as_long_as_it_takes(unit):
    told = dict(said(unit))
    assert told["Restart"] == "on-failure"
    limit, burst = (
        int(told.get(key, default))
        for key, default in (("StartLimitIntervalSec", 10), ("StartLimitBurst", 5))
    )
    assert limit <= burst * int(told["RestartSec"]), "systemd would give up, and nobody would watch"


def test_the_daemon_lives_under_what_its_unit_forbids(tmp_path):
    (unit,) = (one for one in UNITS if one.stem == "privwatch")
    config = tmp_path / "privwatch.yml"
    config.write_text(
        yaml.safe_dump(
            {"sources": {"stdin": {"format": "json"}}, "metrics": {"port": 0}, "log": {"format": "json"}}
        )
    )
    done = confined(unit, ["-m", "monitor", "run", "-c", str(config)], json.dumps(LEAK) + "\n")
    assert done.returncode == 0, done.stderr
    with closing(open_store(tmp_path / "privwatch.db")) as store:
        assert len(list(store.violations())) == 1


def test_what_the_unit_forbids_fails():
    (unit,) = (one for one in UNITS if one.stem == "privwatch")
    assert not {"mount", "ptrace", "reboot", "init_module", "chown"} & allowed(unit)
    tries = (
        "import mmap, os\n"
        "for what in (lambda: os.chroot('/'), lambda: os.nice(-1),\n"
        "             lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)):\n"
        "    try: what(); print('done')\n"
        "    except OSError: print('refused')\n"
    )
    assert confined(unit, ["-c", tries], "").stdout.split() == ["refused"] * 3


def confined(unit: Path, arguments: list[str], given: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.confined", str(unit), sys.executable, *arguments],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if "libseccomp" in done.stderr or "Linux 6.3" in done.stderr:
        cannot_run("no libseccomp, or a kernel older than 6.3")
    return done
