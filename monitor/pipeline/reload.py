"""Changed rules, taken into use while the daemon runs.

The rules are read, checked with the tests inside them, and compiled in a thread of their own. Only when all
of that went well does the loop change over, between two turns, when no record is in flight: no record is ever
evaluated by half of one set and half of another. Where anything is wrong the former rules stay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from monitor.clock import Clock
from monitor.engine.plan import Plan
from monitor.errors import PrivwatchError
from monitor.pipeline.within import aside
from monitor.rules.diagnostics import SUFFIXES
from monitor.rules.lookups import table_files
from monitor.rules.tree import RuleSet

log = logging.getLogger(__name__)

DAY = 86_400_000_000
"""Microseconds."""

PATIENCE_SECONDS = 300.0
"""How long reading the rules may take: a pipe among the files, or a network's folder, may never answer."""

Signature = tuple[object, ...]


@dataclass(frozen=True)
class Ruling:
    """A rule set, checked and compiled, with a plan for each source."""

    ruleset: RuleSet
    plans: Mapping[str, Plan]


class RuleFiles:
    """Notices that rule files, or tables beside them, changed; looked at now and then.

    Changed is what has another name, inode, size or time of change.

    A change counts once two looks in a row saw the same, so that a file half written is not read. A new UTC
    day counts as a change too: filters expire.
    """

    def __init__(self, paths: Sequence[Path], clock: Clock, every_seconds: float) -> None:
        self._paths = tuple(paths)
        self._clock = clock
        self._every = every_seconds
        self._taken = self._seen = self._signature()
        self._looked = clock.monotonic()

    def changed(self) -> bool:
        """Whether the files are others than at the last True, or than at the start; once for each change."""
        now = self._clock.monotonic()
        if not self._every or now - self._looked < self._every:
            return False
        self._looked = now
        before, self._seen = self._seen, self._signature()
        if self._seen == self._taken or self._seen != before:
            return False
        self._taken = self._seen
        return True

    def _signature(self) -> Signature:
        return (
            self._clock.now() // DAY,
            *sorted(_look(file) for path in self._paths for file in _files(path)),
        )


class Reloader:
    """Takes changed rules into use between turns.

    Args:
        prepare: reads, checks and compiles the rules; called in a thread of its own. Raises PrivwatchError.
        take: changes over to them; called between turns. Raises PrivwatchError where it could not.
        begun: told that an attempt begins.
        ended: told how it ended: with the ruling in use, or with None where the former stays.
        clock: for how long it may take; what comes later is not taken into use.
    """

    def __init__(
        self,
        *,
        current: Ruling,
        prepare: Callable[[], Ruling],
        take: Callable[[Ruling], None],
        begun: Callable[[], None],
        ended: Callable[[Ruling | None], None],
        clock: Clock,
    ) -> None:
        self._current = current
        self._prepare = prepare
        self._take = take
        self._begun = begun
        self._ended = ended
        self._clock = clock
        self._coming: Future[Ruling] | None = None
        self._since = 0.0
        self._again = False

    def between(self, *, wanted: bool) -> None:
        """Begin where it is wanted, change over where new rules are ready; never waits."""
        self._again = self._again or wanted
        if self._coming is None and self._again:
            self._again = False
            self._begun()
            self._since = self._clock.monotonic()
            self._coming = aside(self._prepare, "rules")
        elif self._coming is not None and self._coming.done():
            coming, self._coming = self._coming, None
            self._finish(coming)
        elif self._coming is not None and self._clock.monotonic() - self._since > PATIENCE_SECONDS:
            self._coming = None
            log.error(
                "rules: reading the changed ones has not ended within %.0f s, the former stay in use; "
                "is there a pipe among the files, or a folder of a network that does not answer?",
                PATIENCE_SECONDS,
            )
            self._ended(None)

    def _finish(self, coming: Future[Ruling]) -> None:
        try:
            ruling = coming.result()
            if ruling.ruleset.digest == self._current.ruleset.digest:
                log.info("rules: looked at again, nothing in them changed what they say")
            else:
                self._take(ruling)
                log.info("rules: taken into use: %s", difference(self._current.ruleset, ruling.ruleset))
                self._current = ruling
        except PrivwatchError as error:
            log.error("rules: the changed ones cannot be used, the former stay in use\n%s", error)  # noqa: TRY400 - its words say where and what to do
            self._ended(None)
        except Exception:
            log.exception("rules: the changed ones cannot be used, the former stay in use")
            self._ended(None)
        else:
            self._ended(self._current)


def difference(old: RuleSet, new: RuleSet) -> str:
    """What is new, changed and gone, by name."""
    before, after = _digests(old), _digests(new)
    parts = {
        "new": after.keys() - before.keys(),
        "changed": {one for one in after.keys() & before.keys() if after[one] != before[one]},
        "gone": before.keys() - after.keys(),
    }
    told = [f"{word} {', '.join(sorted(names))}" for word, names in parts.items() if names]
    return f"{len(new.rules)} event rules, {len(new.correlations)} correlations; {'; '.join(told)}"


def _digests(ruleset: RuleSet) -> dict[str, str]:
    headers = [
        *(one.header for one in ruleset.rules),
        *(one.header for one in ruleset.correlations),
        *(one.header for one in ruleset.filters),
    ]
    return {one.name or one.id: one.digest for one in headers}


def _files(path: Path) -> list[Path]:
    rules = [one for one in path.rglob("*") if one.suffix in SUFFIXES] if path.is_dir() else [path]
    return [*rules, *(one for one in table_files(path) if one not in rules)]


def _look(file: Path) -> tuple[str, int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, 0, 0
    return str(file), found.st_ino, found.st_size, found.st_mtime_ns
