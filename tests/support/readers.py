"""Logs of a made-up workforce that reads customers' records: what baselines learn from and judge."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

from monitor.demo.workload import Workload, make_workload

DAY = 86_400_000_000
KEY = "00" * 32
"""With a key that is always the same, pseudonyms are too."""


def write_logs(folder: Path, *, people: int = 24, seed: int = 5) -> Workload:
    """Four quiet weeks in `september.ndjson`, and four with attacks in `october.ndjson`."""
    workload = make_workload(seed, people=people, services=0)
    roles = {member.name: member.role for member in workload.members}
    turn = workload.start + 28 * DAY
    with (
        (folder / "september.ndjson").open("w", encoding="utf-8") as quiet,
        (folder / "october.ndjson").open("w", encoding="utf-8") as later,
    ):
        for actor, at, subject, _ in workload.reads.sort("at", "actor", "subject").iter_rows():
            event = {
                "@timestamp": dt.datetime.fromtimestamp(at / 1e6, dt.UTC).isoformat(timespec="milliseconds"),
                "service": {"name": "crm"},
                "event": {"action": "read"},
                "user": {"name": actor, "roles": [roles[actor]]},
                "customer": {"id": f"C{subject}"},
            }
            (quiet if at < turn else later).write(json.dumps(event) + "\n")
    return workload


def write_key(folder: Path) -> None:
    """The key beside the store that replay and baseline take unless told otherwise."""
    (folder / ".privwatch").mkdir()
    file = folder / ".privwatch" / "privwatch.key"
    file.write_text(KEY + "\n", encoding="ascii")
    file.chmod(0o600)


def main(folder: Path) -> None:
    """What docs/baselines.md goes through: the logs, and the key with which its pseudonyms come out."""
    write_logs(folder)
    write_key(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
