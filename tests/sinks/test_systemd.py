"""What systemd reads on its socket."""

import socket
from contextlib import closing
from pathlib import Path

import pytest

from monitor.clock import ManualClock
from monitor.sinks.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def listening(request, tmp_path):
    address = (
        str(tmp_path / "notify")
        if request.param == "path"
        else f"@privwatch-test-{tmp_path.name}-{id(request)}"
    )
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind("\0" + address[1:] if address.startswith("@") else address)
        manager.settimeout(5)
        yield manager, address


def heard(manager: socket.socket) -> list[str]:
    found = []
    manager.setblocking(False)
    while True:
        try:
            found.append(manager.recv(4096).decode())
        except BlockingIOError:
            return found


def test_ready_reloading_stopping(listening):
    manager, address = listening
    notifier = Notifier({"NOTIFY_SOCKET": address}, ManualClock(7_000_000))
    notifier.ready("reading logs\nREADY=0")
    notifier.reloading()
    notifier.stopping()
    assert heard(manager) == [
        "READY=1\nSTATUS=reading logs READY=0",
        "RELOADING=1\nMONOTONIC_USEC=7000000",
        "STOPPING=1",
    ]


def test_the_watchdog_is_told_twice_as_often_as_it_asks(listening):
    manager, address = listening
    clock = ManualClock(0)
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "4000000"}, clock)
    notifier.ready("on")
    heard(manager)
    told = []
    for second in range(1, 8):
        clock.sleep(1)
        notifier.alive()
        told += [second] * len(heard(manager))
    assert told == [2, 4, 6]


def test_without_a_watchdog_or_a_socket_nothing_is_sent(listening):
    manager, address = listening
    Notifier({"NOTIFY_SOCKET": address}, ManualClock(9)).alive()
    Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "x"}, ManualClock(9)).alive()
    silent = Notifier({}, ManualClock(9))
    silent.ready("on")
    silent.stopping()
    assert heard(manager) == []


def test_a_manager_that_is_not_there_stops_nobody(tmp_path: Path):
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "absent")}, ManualClock(9)).ready("on")
