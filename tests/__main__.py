"""All tests: gets what the suites need, runs every one of them, ends with what could not run and why.

`make test` runs this. A suite that cannot run is named, and under CI=true it is a failure. Tests with servers
wait for these much of the time: the unit suite runs beside them, and is shown after them.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.clock import SystemClock
from tests.support import (
    alertmanager,
    browser,
    helm,
    kafka_jars,
    log_programs,
    pango,
    postgresql_server,
    prometheus_server,
)
from tests.support.fixtures import fixtures_path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
CLOCK = SystemClock()
WORKERS = max(1, (os.cpu_count() or 2) // 2)
"""Of the unit suite: half of the machine."""

SERVERS = "kafka or alertmanager or prometheus or postgresql"


@dataclass(frozen=True)
class Suite:
    """A command to run; `needs` is the module that must be installed for it."""

    name: str
    command: list[str]
    needs: str = ""


CHECKS = [
    Suite("style", [str(BIN / "ruff"), "check", "."], "ruff"),
    Suite("format", [str(BIN / "ruff"), "format", "--check", "."], "ruff"),
    Suite("types", [str(BIN / "mypy")], "mypy"),
    Suite("layers", [str(BIN / "lint-imports")], "importlinter"),
]
# Two workers at least: who waits for a server leaves the processor to others. A file starts its servers once.
WITH_SERVERS = Suite(
    "servers",
    [*PYTEST, "-m", SERVERS, "-n", str(max(2, WORKERS)), "--dist", "loadfile", "--durations", "10"],
    "xdist",
)
UNIT = Suite("unit", [*PYTEST, "-m", f"not ({SERVERS})", "-n", str(WORKERS)], "xdist")

Unmet = list[tuple[str, str]]


def main() -> int:
    """Run everything; 0 only where everything ran and held."""
    unmet: Unmet = []
    began = CLOCK.monotonic()
    _provision()
    failed = [suite.name for suite in CHECKS if not _run(suite, unmet)]
    # Last, so that a long output ends with the counts of the larger part.
    with _beside(UNIT, unmet) as unit_held:
        failed += [] if _run(WITH_SERVERS, unmet) else [WITH_SERVERS.name]
        failed += [] if unit_held() else [UNIT.name]
    if not fixtures_path().is_dir():
        unmet.append(("fixtures", "the folder of real logs is absent (PRIVWATCH_FIXTURES names it)"))
    print(f"\nAll suites took {(CLOCK.monotonic() - began) / 60:.1f} minutes.")
    return _verdict(failed, unmet)


def _provision() -> None:
    """Get what the suites need, before any of them runs; what cannot be had is told by who misses it."""
    if not postgresql_server.named_server():
        postgresql_server.provision()
    if not os.environ.get("PRIVWATCH_TEST_ALERTMANAGER"):
        alertmanager.provision()
    if not os.environ.get("PRIVWATCH_TEST_KAFKA"):
        kafka_jars.provision()
    for support in (prometheus_server, log_programs, browser, helm, pango):
        support.provision()


def _run(suite: Suite, unmet: Unmet) -> bool:
    """Whether the suite held; what it could not run is added to `unmet`."""
    print(f"\n=== {suite.name} ===", flush=True)
    if reason := _not_installed(suite):
        unmet.append((suite.name, reason))
        return True
    with _reporting(unmet) as environment:
        done = subprocess.run(suite.command, cwd=ROOT, env=environment, check=False)
    return done.returncode == 0


@contextmanager
def _beside(suite: Suite, unmet: Unmet) -> Iterator[Callable[[], bool]]:
    """Runs a suite beside what is done meanwhile; asked whether it held, it shows what it said."""
    if reason := _not_installed(suite):
        unmet.append((suite.name, reason))
        yield lambda: True
        return
    with tempfile.TemporaryFile() as said, _reporting(unmet) as environment:
        process = subprocess.Popen(suite.command, cwd=ROOT, env=environment, stdout=said, stderr=said)

        def held() -> bool:
            print(f"\n=== {suite.name} ===", flush=True)
            code = process.wait()
            said.seek(0)
            shutil.copyfileobj(said, sys.stdout.buffer)
            sys.stdout.flush()
            return code == 0

        try:
            yield held
        finally:
            process.terminate()
            process.wait()


def _not_installed(suite: Suite) -> str:
    missing = importlib.util.find_spec(suite.needs) is None
    return f"{suite.needs} is not installed (`make setup` does that)" if missing else ""


@contextmanager
def _reporting(unmet: Unmet) -> Iterator[dict[str, str]]:
    """The environment of a suite that leaves there what it could not run."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "skipped.json"
        yield {**os.environ, "PRIVWATCH_TEST_REPORT": str(report)}
        if report.exists():
            unmet.extend(tuple(pair) for pair in json.loads(report.read_text(encoding="utf-8")))


def _verdict(failed: list[str], unmet: Unmet) -> int:
    """Print what failed and what could not run; the exit code says the same."""
    print()
    for name in failed:
        print(f"FAILED: {name}")
    if not unmet:
        print("Every suite could run.")
    else:
        rows = Counter(unmet)
        width = max(len("suite"), *(len(name) for name, _ in rows))
        print("Could not run here:")
        print(f"  {'suite':<{width}}  tests  why")
        for (name, reason), count in sorted(rows.items()):
            print(f"  {name:<{width}}  {count:>5}  {reason}")
    strict = os.environ.get("CI", "").lower() == "true"
    if unmet and strict:
        print("CI=true: what could not run is a failure.")
    return 1 if failed or (unmet and strict) else 0


if __name__ == "__main__":
    sys.exit(main())
