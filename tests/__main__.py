"""All tests: gets what the suites need, runs every one of them, ends with what could not run and why.

`make test` runs this. A suite that cannot run is named, and under CI=true it is a failure.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support import (
    alertmanager,
    browser,
    helm,
    kafka_jars,
    log_programs,
    postgresql_server,
    prometheus_server,
)
from tests.support.fixtures import fixtures_path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]


@dataclass(frozen=True)
class Suite:
    """A command to run; `needs` is the module that must be installed for it."""

    name: str
    command: list[str]
    needs: str = ""


SUITES = [
    Suite("style", [str(BIN / "ruff"), "check", "."], "ruff"),
    Suite("format", [str(BIN / "ruff"), "format", "--check", "."], "ruff"),
    Suite("types", [str(BIN / "mypy")], "mypy"),
    Suite("layers", [str(BIN / "lint-imports")], "importlinter"),
    Suite("kafka", [*PYTEST, "-m", "kafka", "-p", "no:xdist"], "pytest"),
    Suite("alertmanager", [*PYTEST, "-m", "alertmanager and not kafka", "-p", "no:xdist"], "pytest"),
    Suite("prometheus", [*PYTEST, "-m", "prometheus and not kafka", "-p", "no:xdist"], "pytest"),
    Suite("postgresql", [*PYTEST, "-m", "postgresql and not kafka", "-p", "no:xdist"], "pytest"),
    # Last, so that a long output ends with the counts of the larger part.
    Suite(
        "unit",
        [*PYTEST, "-m", "not kafka and not alertmanager and not prometheus and not postgresql", "-n", "2"],
        "xdist",
    ),
]


def main() -> int:
    """Run everything; 0 only where everything ran and held."""
    unmet: list[tuple[str, str]] = []
    if not postgresql_server.named_server():
        # Several suites need it; those that then lack it say so themselves.
        postgresql_server.provision()
    failed = [suite.name for suite in SUITES if not _run(suite, unmet)]
    if not fixtures_path().is_dir():
        unmet.append(("fixtures", "the folder of real logs is absent (PRIVWATCH_FIXTURES names it)"))
    return _verdict(failed, unmet)


def _run(suite: Suite, unmet: list[tuple[str, str]]) -> bool:
    """Whether the suite held; what it could not run is added to `unmet`."""
    print(f"\n=== {suite.name} ===", flush=True)
    if importlib.util.find_spec(suite.needs) is None:
        unmet.append((suite.name, f"{suite.needs} is not installed (`make setup` does that)"))
        return True
    if suite.name == "kafka" and not os.environ.get("PRIVWATCH_TEST_KAFKA"):
        reason = kafka_jars.provision()
        if reason:
            unmet.append((suite.name, reason))
            return True
    if suite.name in {"kafka", "alertmanager"} and not os.environ.get("PRIVWATCH_TEST_ALERTMANAGER"):
        # What cannot be had is told by the tests that miss it.
        alertmanager.provision()
    if suite.name == "kafka":
        # Some of these tests have a Prometheus watch the daemon; they say so where it is missing.
        prometheus_server.provision()
        # One has nginx and rsyslog before it, and says the same.
        log_programs.provision()
    if suite.name == "prometheus" and (reason := prometheus_server.provision()):
        unmet.append((suite.name, reason))
        return True
    if suite.name == "unit":
        log_programs.provision()
        browser.provision()
        helm.provision()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "skipped.json"
        environment = {**os.environ, "PRIVWATCH_TEST_REPORT": str(report)}
        done = subprocess.run(suite.command, cwd=ROOT, env=environment, check=False)
        if report.exists():
            unmet.extend(tuple(pair) for pair in json.loads(report.read_text(encoding="utf-8")))
    return done.returncode == 0


def _verdict(failed: list[str], unmet: list[tuple[str, str]]) -> int:
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
