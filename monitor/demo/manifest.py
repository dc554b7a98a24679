"""What was planted where, so that a test can ask whether exactly that is found."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Planted:
    """One case that a shipped rule must report.

    Attributes:
        rule: `name` of the rule, which is also its file's name.
        kind: the rule's family: unencrypted, unanonymised or bulk.
        file: name of the log file it stands in.
        actor: who or what did it: a service, an account, an address; empty where the log does not say.
        lines: line numbers from 0 (the offsets of the records), in order.
        note: the case in a few words.
    """

    rule: str
    kind: str
    file: str
    actor: str
    lines: tuple[int, ...]
    note: str

    @property
    def count(self) -> int:
        """Events that belong to the case."""
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a call of `generate` wrote.

    Attributes:
        seed, start, days: as asked; `start` is the first day, `2026-11-16`.
        files: (name, number of lines) of each log file.
        planted: the cases, in the order of their rules' names.
    """

    seed: int
    start: str
    days: int
    files: tuple[tuple[str, int], ...]
    planted: tuple[Planted, ...]

    @property
    def events(self) -> int:
        """Lines of all files together."""
        return sum(lines for _, lines in self.files)

    def save(self, path: Path) -> None:
        """Write it as JSON, but not among the logs, where it would be replayed with them.

        Raises:
            OSError: the file cannot be written.
        """
        path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def load(path: Path) -> Manifest:
    """Read what `Manifest.save` wrote.

    Raises:
        OSError: the file cannot be read.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    planted = tuple(Planted(**{**case, "lines": tuple(case["lines"])}) for case in data["planted"])
    files = tuple((name, lines) for name, lines in data["files"])
    return Manifest(data["seed"], data["start"], data["days"], files, planted)
