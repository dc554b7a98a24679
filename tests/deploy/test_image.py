"""The image without a container engine: its steps are run in an empty folder, and what they make is started.

Not run: the base images, the packages of Debian, the user, the read-only root.
"""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from monitor.clock import SystemClock
from tests.support.dockerfile import Stage, stages
from tests.support.ports import free_ports
from tests.support.shipped import ROOT

FILE = ROOT / "deploy" / "docker" / "Dockerfile"
BUILD, IMAGE = stages(FILE)
PLACES = ("/opt/privwatch", "/opt/build", "/src")
CLOCK = SystemClock()
PATIENCE = 60


def sent() -> list[str]:
    """What .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*", "everything is left out first"
    return [line[1:] for line in lines if line.startswith("!")]


def copied() -> list[tuple[list[str], str]]:
    """(sources, target) of every COPY from the project."""
    found = [rest.split() for rest in BUILD.all("COPY") + IMAGE.all("COPY")]
    return [(words[:-1], words[-1]) for words in found if not words[0].startswith("--from=")]


def here(folder: Path, text: str) -> str:
    """Paths of the builder, below a folder."""
    return re.sub(rf"(?<![\w.-])({'|'.join(PLACES)})\b", lambda found: f"{folder}{found[1]}", text)


def built(stage: Stage, folder: Path) -> None:
    """Do what the stage says, COPY and RUN in their order."""
    work = folder / "src"
    work.mkdir()
    for word, rest in stage.said:
        if word == "COPY":
            *sources, target = rest.split()
            place = Path(here(folder, target)) if target.startswith("/") else work / target
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
                    continue
                to = place / Path(source).name if target.endswith("/") else place
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, to)
        elif word == "RUN":
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            run(["/bin/sh", "-c", here(folder, rest)], cwd=work, PATH=path)


def run(command: list[str], cwd: Path, **environment: str) -> str:
    # Nothing of this checkout: what the image lacks must be missed.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PRIVWATCH"))}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=850,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_copied_is_sent_to_the_builder_and_little_else():
    allowed = sent()
    for sources, _ in copied():
        for source in sources:
            assert any(fnmatch.fnmatch(source, one) for one in allowed), f".dockerignore keeps {source} back"
            assert (ROOT / source).exists()
    wanted = {source for sources, _ in copied() for source in sources}
    for one in allowed:
        assert any(fnmatch.fnmatch(source, one) for source in wanted), f"{one} is sent and not copied"


def test_the_image_runs_as_nobody_and_says_how_it_is():
    (user,) = IMAGE.all("USER")
    chart = yaml.safe_load(
        (ROOT / "deploy" / "helm" / "privwatch" / "values.yaml").read_text(encoding="utf-8")
    )
    assert int(user) == chart["runAsUser"], "a number, so that a cluster sees that it is not root"
    assert f"--uid {user} " in IMAGE.all("RUN")[0]
    assert [word for word, _ in IMAGE.said].index("USER") > [word for word, _ in IMAGE.said].index("COPY")
    assert IMAGE.listed("ENTRYPOINT") == ["privwatch"]
    assert not [
        text for text in BUILD.all("RUN") if "pip install" in text and "--require-hashes" not in text
    ][1:]


@pytest.mark.timeout(900)
def test_the_steps_of_the_image_make_a_privwatch_that_runs(tmp_path):
    built(BUILD, tmp_path)
    home = tmp_path / "opt" / "privwatch"
    (entry,) = IMAGE.listed("ENTRYPOINT")
    program = str(home / "bin" / entry)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run([program, "--version"], elsewhere).startswith("privwatch ")
    assert "0 errors" in run([program, "check", str(tmp_path / "src" / "rules")], elsewhere)
    assert not (home / "bin" / "pip").exists()
    found = run([str(home / "bin" / "python"), "-c", "import monitor; print(monitor.__file__)"], elsewhere)
    assert found.startswith(str(home)), "the package, not this checkout"

    python, script = IMAGE.listed("HEALTHCHECK")
    (port,) = free_ports(1)
    look = [str(home / "bin" / python), here(tmp_path, script)]
    where = {"PRIVWATCH_HEALTH": f"http://127.0.0.1:{port}/healthz"}
    assert subprocess.run(look, env=os.environ | where, check=False, timeout=30).returncode == 1
    (elsewhere / "privwatch.yml").write_text(
        yaml.safe_dump(
            {"sources": {"files": {"logs": {"paths": str(elsewhere / "*.log")}}}, "metrics": {"port": port}}
        ),
        encoding="utf-8",
    )
    words = [
        str(elsewhere / "privwatch.yml") if word.endswith(".yml") else word for word in IMAGE.listed("CMD")
    ]
    with (elsewhere / "said").open("wb") as said:
        daemon = subprocess.Popen([program, *words], cwd=elsewhere, stdout=said, stderr=said)
    try:
        until = CLOCK.monotonic() + PATIENCE
        while subprocess.run(look, env=os.environ | where, check=False, timeout=30).returncode:
            assert daemon.poll() is None, (elsewhere / "said").read_text()
            assert CLOCK.monotonic() < until, (elsewhere / "said").read_text()
            CLOCK.sleep(0.2)
    finally:
        daemon.terminate()
        assert daemon.wait(30) == 0
