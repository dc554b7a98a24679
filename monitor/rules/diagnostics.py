"""Problems of rule files: each has a code, a place, a sentence and a cure, and they come all at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from monitor import printable
from monitor.detectors.scrub import veiled
from monitor.rules.tree import Span

MAX_SHOWN = 160
"""Most characters shown of a source line."""
MAX_SENTENCE = 600
"""Most characters of a message and of a cure; only text of the file makes them longer."""

# YAML's own, so that lines count as the parser counts them.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


SUFFIXES = frozenset({".yml", ".yaml"})
"""How rule files are named."""


class Severity(StrEnum):
    """An error keeps the rule set from loading; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


CODES: dict[str, Severity] = {
    "all-single": Severity.WARNING,
    "condition-pipe": Severity.ERROR,
    "condition-syntax": Severity.ERROR,
    "correlation-unsupported": Severity.ERROR,
    "duplicate-id": Severity.ERROR,
    "duplicate-key": Severity.ERROR,
    "duplicate-name": Severity.ERROR,
    "empty-list": Severity.ERROR,
    "file-empty": Severity.ERROR,
    "file-not-utf8": Severity.ERROR,
    "file-too-large": Severity.ERROR,
    "file-unreadable": Severity.ERROR,
    "filter-expired": Severity.WARNING,
    "filter-unused": Severity.WARNING,
    "filter-without-not": Severity.WARNING,
    "invalid-field": Severity.ERROR,
    "invalid-value": Severity.ERROR,
    "key-unsupported": Severity.ERROR,
    "missing-article": Severity.WARNING,
    "missing-id": Severity.ERROR,
    "missing-key": Severity.ERROR,
    "missing-level": Severity.WARNING,
    "missing-test": Severity.ERROR,
    "modifier-conflict": Severity.ERROR,
    "modifier-needs-field": Severity.ERROR,
    "modifier-order": Severity.ERROR,
    "modifier-unsupported": Severity.ERROR,
    "modifier-value": Severity.ERROR,
    "no-rules": Severity.ERROR,
    "not-a-rule": Severity.ERROR,
    "not-portable": Severity.WARNING,
    "regex-invalid": Severity.ERROR,
    "test-personal-data": Severity.ERROR,
    "table-duplicate": Severity.ERROR,
    "table-invalid": Severity.ERROR,
    "timespan-approximate": Severity.WARNING,
    "unknown-key": Severity.ERROR,
    "unknown-modifier": Severity.ERROR,
    "unknown-rule": Severity.ERROR,
    "unknown-selection": Severity.ERROR,
    "unknown-table": Severity.ERROR,
    "unused-selection": Severity.WARNING,
    "wrong-type": Severity.ERROR,
    "yaml-alias": Severity.ERROR,
    "yaml-ambiguous": Severity.WARNING,
    "yaml-key": Severity.ERROR,
    "yaml-syntax": Severity.ERROR,
    "yaml-tag": Severity.ERROR,
    "yaml-too-big": Severity.ERROR,
    "yaml-too-deep": Severity.ERROR,
}
"""Every code and its usual severity. `docs/diagnostics.md` has one section for each."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem.

    Attributes:
        code: a key of `CODES`.
        severity: usually that of the code; some lint codes only warn about stock Sigma rules.
        span: where, counted from 1.
        message: what is wrong, one sentence.
        cure: what to do about it, one sentence.
        source_line: the line of the file, personal data in it starred out; empty where there is none or where
            it must not be shown.
        width: characters the caret underlines.
    """

    code: str
    severity: Severity
    span: Span
    message: str
    cure: str
    source_line: str = ""
    width: int = 1

    def render(self) -> str:
        """`path:line:column: severity[code]: message`, the source line with a caret, the cure."""
        head = f"{self.span}: {self.severity}[{self.code}]: {self.message}"
        return "\n".join((head, *self._excerpt(), f"  cure: {self.cure}"))

    def _excerpt(self) -> tuple[str, ...]:
        if not self.source_line:
            return ()
        # A long line is shown around the place; the column in the head stays that of the file.
        start = 0 if len(self.source_line) <= MAX_SHOWN else max(0, self.span.column - 1 - MAX_SHOWN // 2)
        shown = printable.line(self.source_line[start : start + MAX_SHOWN])
        before = self.span.column - 1 - start
        # Tabs stay tabs under the line, so that the caret stands below its character.
        lead = "".join("\t" if char == "\t" else " " for char in shown[:before])
        room = max(1, len(shown) - before)
        return f"  {shown}", f"  {lead}{'^' * min(self.width, room)}"


@dataclass
class Problems:
    """Collects the diagnostics of one load; knows the text of the files, to show the line.

    `detectors` are the words that `|pii` takes; none: those of the shipped catalogue.
    """

    items: list[Diagnostic] = field(default_factory=list)
    detectors: tuple[str, ...] = ()
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def open(self, file: str, text: str) -> None:
        """Remember a file's text, to quote from."""
        # What is not named like a rule may be a log, given by mistake: nothing of it is quoted.
        if Path(file).suffix in SUFFIXES:
            self._lines[file] = _LINE_BREAK.split(text)

    def line(self, file: str, number: int) -> str:
        """A line of a file, counted from 1; empty where there is none."""
        lines = self._lines.get(file, [])
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def add(
        self,
        code: str,
        span: Span,
        message: str,
        cure: str,
        *,
        severity: Severity | None = None,
        width: int = 1,
        show: bool = True,
    ) -> None:
        """Add one problem; `show=False` keeps the source line out of the output."""
        line = self.line(span.file, span.line) if show else ""
        line, message, cure = veiled(line), *(_short(veiled(each), MAX_SENTENCE) for each in (message, cure))
        self.items.append(Diagnostic(code, severity or CODES[code], span, message, cure, line, max(1, width)))

    def sorted(self) -> list[Diagnostic]:
        """By file, line, column; the same problem reported twice is one."""
        return sorted(dict.fromkeys(self.items), key=lambda each: (each.span, each.code, each.message))


def _short(text: str, most: int) -> str:
    return printable.line(text if len(text) <= most else text[: most - 1] + "…")


def failed(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error."""
    return any(each.severity is Severity.ERROR for each in diagnostics)


def suggestion(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'? ` where some known word is near, else nothing."""
    near = get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'? " if near else ""


def listing(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
