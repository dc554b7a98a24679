"""A `privwatch run` of a test's own, asked over its page and stopped by a signal."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import HTTPResponse
from pathlib import Path
from typing import ClassVar

from monitor.clock import SystemClock

CLOCK = SystemClock()
PATIENCE = 60
"""Seconds a daemon may take to read some thousand records on a busy machine."""


class Daemon:
    """Started at once; `running` are those that nobody has stopped yet."""

    running: ClassVar[list["Daemon"]] = []

    def __init__(self, config: Path) -> None:
        self._log = config.with_suffix(".log").open("wb")
        command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=self._log, text=True)
        self.running.append(self)
        assert self.process.stderr is not None
        self.said, found = "", None
        # A library may have something to say before; the line with the address ends the start.
        while found is None:
            line = self.process.stderr.readline()
            self.said += line
            assert line, self.said
            found = re.search(r"https?://\S+/metrics", line)
        self.url = found.group()

    def page(self) -> HTTPResponse:
        return urllib.request.urlopen(self.url, timeout=5)

    def metrics(self) -> dict[str, float]:
        """Every sample of the page, by its name with labels as the page has them."""
        with urllib.request.urlopen(self.url, timeout=5) as page:
            rows = [line.rpartition(" ") for line in page.read().decode().splitlines() if line[0] != "#"]
        return {name: float(value) for name, _, value in rows}

    def ready(self) -> tuple[int, dict[str, str]]:
        """What `/readyz` says."""
        try:
            with urllib.request.urlopen(self.url.replace("/metrics", "/readyz"), timeout=5) as page:
                return page.status, json.load(page)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def records(self) -> int:
        with urllib.request.urlopen(self.url, timeout=5) as page:
            text = page.read().decode()
        return int(float(re.search(r"^privwatch_records_total (\S+)$", text, re.MULTILINE).group(1)))

    def lag(self) -> list[int]:
        """Records of each partition that are still to be read."""
        with urllib.request.urlopen(self.url, timeout=5) as page:
            text = page.read().decode()
        return [int(float(n)) for n in re.findall(r"^privwatch_lag_records{.*} (\S+)$", text, re.MULTILINE)]

    def catch_up(self, partitions: int) -> None:
        until = CLOCK.monotonic() + PATIENCE
        while self.lag() != [0] * partitions:
            assert CLOCK.monotonic() < until, f"{self.lag()} behind after {PATIENCE} s"
            assert self.process.poll() is None, self.process.stderr.read()
            CLOCK.sleep(0.1)

    def wait_for(self, records: int) -> None:
        until = CLOCK.monotonic() + PATIENCE
        while self.records() < records:
            assert CLOCK.monotonic() < until, f"{self.records()} of {records} records in {PATIENCE} s"
            assert self.process.poll() is None, self.process.stderr.read()
            CLOCK.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        _, self.rest = self.process.communicate(timeout=15)
        code = self.process.returncode
        self._log.close()
        self.running.remove(self)
        return code

    @classmethod
    def end_all(cls) -> None:
        """Kill those of a test that failed: they would read on beside the tests after it."""
        while cls.running:
            one = cls.running.pop()
            one.process.kill()
            one.process.communicate()
            one._log.close()
