"""What the image is made of: locked whole and with hashes, listed, not called audited when it was not."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.supply.audit import CLEAN, HOLES, NOT_ASKED, judge
from tests.support.shipped import ROOT
from tests.support.unmet import cannot_run

SUPPLY = ROOT / "deploy" / "supply"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
ENTRY = re.compile(
    r"^([\w.-]+)(?:\[[\w,-]+\])?==([^ \\;]+)(?: ; ([^\\]+?))? \\\n"
    r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)


def locked(name: str) -> dict[str, tuple[str, str]]:
    """Version and marker by name; fails where a line has no hashes."""
    text = (SUPPLY / name).read_text(encoding="utf-8")
    found = ENTRY.findall(text)
    assert len(found) == len(re.findall(r"^\w", text, re.MULTILINE)), "each entry has a version and hashes"
    return {canonicalize_name(name): (version, marker) for name, version, marker, _ in found}


def wanted() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"]
    return [Requirement(one) for one in [*PROJECT["project"]["dependencies"], *chain(*extras.values())]]


def test_the_lock_satisfies_the_project_with_all_its_extras():
    pins = locked("image.txt")
    for one in wanted():
        version, _ = pins[canonicalize_name(one.name)]
        assert one.specifier.contains(version), f"{one} but {version}: run `make lock`"


def test_make_lock_names_every_extra():
    said = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = re.search(r"foreach extra,([\w ]+),", said)
    assert extras is not None
    assert set(extras[1].split()) == set(PROJECT["project"]["optional-dependencies"])


def test_the_lock_is_complete():
    """What is installed here asks for nothing that the lock lacks, on this machine's Python and platform."""
    pins = locked("image.txt")
    seen: set[str] = set()
    waiting = [(canonicalize_name(one.name), one.extras) for one in wanted()]
    while waiting:
        name, extras = waiting.pop()
        assert name in pins, f"{name} is not locked: run `make lock`"
        if name in seen and not extras:
            continue
        seen.add(name)
        for said in metadata.requires(name) or ():
            one = Requirement(said)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append((canonicalize_name(one.name), one.extras))
    assert len(seen) > 40
    for name in set(pins) - seen:
        assert pins[name][1], f"{name} is locked for every platform, and nobody asks for it: run `make lock`"


def test_what_builds_the_package_is_locked():
    said = [line for line in (SUPPLY / "build.in").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    assert said == PROJECT["build-system"]["requires"]
    pins = locked("build.txt")
    for one in map(Requirement, said):
        assert one.specifier.contains(pins[canonicalize_name(one.name)][0])


def test_the_list_of_what_is_inside_names_each_package_with_version_and_licence(tmp_path):
    """The command of `make sbom`, on this installation; it checks what it writes against the schema."""
    made = tmp_path / "sbom.json"
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
    options = ["--pyproject", ROOT / "pyproject.toml", "--mc-type", "application", "--output-reproducible"]
    done = subprocess.run(
        [*command, *options, "--output-format", "JSON", "--output-file", made],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(option in said for option in options if str(option).startswith("--"))
    listed = json.loads(made.read_text(encoding="utf-8"))
    assert (listed["bomFormat"], listed["metadata"]["component"]["name"]) == ("CycloneDX", "privwatch")
    found = {canonicalize_name(one["name"]): one for one in listed["components"]}
    for one in wanted():
        name = canonicalize_name(one.name)
        assert found[name]["version"] == metadata.version(name)
        assert found[name]["licenses"]
        assert found[name]["purl"].startswith("pkg:pypi/")


HOLE = {"id": "PYSEC-0000-1", "fix_versions": ["2.0"]}


@pytest.mark.parametrize(
    ("dependencies", "code", "words"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], CLEAN, "1 packages, nothing known against them"),
        ([{"name": "a", "version": "1", "vulns": [HOLE]}], HOLES, "a 1: PYSEC-0000-1, mended in 2.0"),
        ([{"name": "a", "skip_reason": "not found"}], NOT_ASKED, "NOT AUDITED: 1 of 1 packages"),
        (
            [{"name": "a", "version": "1", "vulns": [HOLE]}, {"name": "b", "skip_reason": "not found"}],
            HOLES,
            "NOT AUDITED: 1 of 2 packages",
        ),
        ([], NOT_ASKED, "NOT AUDITED"),
    ],
)
def test_an_audit_that_could_not_ask_is_not_a_clean_one(dependencies, code, words):
    judged, lines = judge(json.dumps({"dependencies": dependencies, "fixes": []}))
    assert judged == code
    assert words in "\n".join(lines)


def test_an_audit_without_a_way_to_the_advisories_says_so():
    assert judge("") == (NOT_ASKED, ["NOT AUDITED: there is no way to the advisories from here"])


def steps() -> list[dict]:
    said = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return [step for job in said["jobs"].values() for step in job["steps"]]


def test_the_release_names_actions_by_commit_and_grants_little():
    said = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert said["permissions"] == {}
    assert all("permissions" in job for job in said["jobs"].values())
    used = [step["uses"] for step in steps() if "uses" in step]
    assert len(used) >= 7
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in used)
    page = (ROOT / "docs" / "supply-chain.md").read_text(encoding="utf-8")
    for one in set(used):
        name, commit = one.split("@")
        assert f"| {name} | " in page
        assert f"`{commit[:12]}`" in page


def test_what_the_release_calls_is_there():
    text = "\n".join(step["run"] for step in steps() if "run" in step)
    targets = set(re.findall(r"make (\w+)", text))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets == {"audit", "sbom"}
    assert all(f"\n{target}:" in makefile for target in targets)
    for path in re.findall(r"(?:deploy|\.ci)/[\w./-]+", text):
        assert Path(ROOT, path).exists(), path


def test_the_package_is_built_from_what_is_locked_the_same_bytes_each_time(tmp_path):
    """As the workflow builds it; what the lock says of the build is installed with its hashes."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
    got = subprocess.run(
        [*command, "--target", tmp_path / "build", "--requirement", SUPPLY / "build.txt"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if "No matching distribution" in got.stderr or "Max retries" in got.stderr:
        cannot_run("no way to the package index, from which hatchling would come")
    assert got.returncode == 0, got.stderr
    sums = []
    for round_ in ("one", "two"):
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-d", tmp_path / round_],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "build"), "SOURCE_DATE_EPOCH": "1764000000"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        made = sorted((tmp_path / round_).iterdir())
        sums.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in made})
    assert sums[0] == sums[1]
    (wheel,) = (tmp_path / "one").glob("*.whl")
    assert any(name.startswith("monitor/rules/shipped/") for name in zipfile.ZipFile(wheel).namelist())
