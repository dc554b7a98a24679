"""A real Prometheus that scrapes what a test tells it to, and promtool; both from Debian's `prometheus`."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from monitor.clock import SystemClock
from tests.support import debian
from tests.support.ports import free_ports

CLOCK = SystemClock()
PATIENCE = 60


def tool(name: str) -> str | None:
    """The program, of the folder PRIVWATCH_TEST_PROMETHEUS names, else where the shell finds it."""
    return shutil.which(name, path=os.environ.get("PRIVWATCH_TEST_PROMETHEUS") or None)


def missing() -> str:
    """Why no Prometheus can be started here, or an empty string."""
    lacking = [name for name in ("prometheus", "promtool") if tool(name) is None]
    return f"no {' and '.join(lacking)} on this machine (Debian: prometheus)" if lacking else ""


def provision() -> str:
    """Install what is missing where we may; returns why it could not be had, or an empty string."""
    if missing():
        debian.install(["prometheus"])
    return missing()


def lint(page: bytes) -> str:
    """What `promtool check metrics` says of a page: nothing where it has no complaint."""
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=page, capture_output=True, check=False, timeout=60
    )
    return (done.stdout + done.stderr).decode()


def ask(url: str, expression: str) -> list[dict]:
    """The instant vector of an expression, of the server at an address."""
    where = f"{url}/api/v1/query?query={urllib.parse.quote(expression)}"
    with urllib.request.urlopen(where, timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def ask_over(url: str, expression: str, start: float, end: float, step: float) -> list[dict]:
    """Series of an expression with their `values`, between two Unix times in seconds."""
    asked = urllib.parse.urlencode({"query": expression, "start": start, "end": end, "step": step})
    with urllib.request.urlopen(f"{url}/api/v1/query_range?{asked}", timeout=30) as answer:
        return json.load(answer)["data"]["result"]


class Prometheus:
    """One server on a free port of the loopback address, scraping one target every second.

    Args:
        scrape: what is scraped, as an entry of `scrape_configs`.
        rules: files of rules, evaluated every second.
    """

    def __init__(self, scrape: dict[str, object], rules: Iterable[Path] = ()) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="privwatch-prometheus-"))
        job = {"job_name": "privwatch", "scrape_interval": "1s", **scrape}
        config = self._folder / "prometheus.yml"
        said = {
            "global": {"evaluation_interval": "1s"},
            "rule_files": [str(file) for file in rules],
            "scrape_configs": [job],
        }
        config.write_text(json.dumps(said), encoding="utf-8")  # JSON is YAML
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                tool("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=self._log,
            stderr=self._log,
        )

    def query(self, expression: str) -> list[dict]:
        """The instant vector of an expression; empty also while the server is starting."""
        try:
            return ask(self.url, expression)
        except (OSError, urllib.error.URLError):
            return []

    def over(self, expression: str, start: float, end: float, step: float) -> list[dict]:
        """Series of an expression with their `values`, between two Unix times in seconds."""
        return ask_over(self.url, expression, start, end, step)

    def wait_for(self, expression: str) -> list[dict]:
        """The same, once it holds anything."""
        until = CLOCK.monotonic() + PATIENCE
        while not (found := self.query(expression)):
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert CLOCK.monotonic() < until, f"no {expression} in {PATIENCE} s"
            CLOCK.sleep(0.3)
        return found

    def close(self) -> None:
        """Stop it and forget its data."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
