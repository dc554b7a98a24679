"""A real Alertmanager for tests: started, waited for, stopped, started again."""

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from monitor.clock import SystemClock
from tests.support import debian
from tests.support.ports import free_ports
from tests.support.receiver import Receiver
from tests.support.unmet import cannot_run

CLOCK = SystemClock()
PACKAGE = "prometheus-alertmanager"
NAMES = (PACKAGE, "alertmanager")
START_SECONDS = 30
CONFIG = """\
route:
  receiver: hook
  group_by: ['...']
  group_wait: 100ms
  group_interval: 100ms
  repeat_interval: 24h
receivers:
  - name: hook
    webhook_configs: [{{url: '{url}', send_resolved: true}}]
"""


def program() -> str | None:
    """Alertmanager's command, under Debian's name or its own."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def missing() -> str:
    """Why Alertmanager cannot be started here, or an empty string."""
    return "" if program() else f"no Alertmanager on this machine (Debian's package {PACKAGE})"


def provision() -> str:
    """Get what is missing; returns why it could not be had, or an empty string."""
    if not program():
        debian.install([PACKAGE])
    return missing()


def amtool() -> str:
    """Alertmanager's own tool, which its package brings along."""
    found = shutil.which("amtool")
    if found is None:
        cannot_run(f"no amtool on this machine (Debian's package {PACKAGE})")
    return found


class Alertmanager:
    """What a test asks an Alertmanager."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, alerts: list[dict[str, Any]]) -> None:
        """Tell it of alerts, as Prometheus and privwatch do."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts",
            json.dumps(alerts).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200

    def alerts(self) -> list[dict[str, Any]]:
        """What it holds as firing."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            return json.load(answer)


class AlertmanagerServer(Alertmanager):
    """One Alertmanager on a free port; it forgets everything when stopped, and notifies `receiver`.

    Args:
        config: its configuration, with `{url}` where the receiver's goes.
    """

    def __init__(self, config: str = CONFIG) -> None:
        (port,) = free_ports(1)
        super().__init__(f"http://127.0.0.1:{port}")
        self._address = f"127.0.0.1:{port}"
        self._folder = Path(tempfile.mkdtemp(prefix="privwatch-alertmanager-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.receiver = Receiver()
        (self._folder / "alertmanager.yml").write_text(config.format(url=self.receiver.url))

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program() or PACKAGE,
                    f"--config.file={self._folder / 'alertmanager.yml'}",
                    f"--storage.path={self._folder / 'data'}",
                    f"--web.listen-address={self._address}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        deadline = CLOCK.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or CLOCK.monotonic() > deadline:
                tail = (self._folder / "alertmanager.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Alertmanager did not start:\n{tail}")
            CLOCK.sleep(0.1)

    def notified(self) -> list[tuple[str, dict[str, str]]]:
        """(status, labels) of every alert it told its receiver of, in order."""
        return [
            (one["status"], one["labels"])
            for posted in self.receiver.posted
            for one in posted.document["alerts"]
        ]

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None
            # Killed and emptied: what it is to know, it must be told again.
            shutil.rmtree(self._folder / "data", ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def __enter__(self) -> Self:
        self.receiver.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.receiver.__exit__()
        shutil.rmtree(self._folder, ignore_errors=True)
