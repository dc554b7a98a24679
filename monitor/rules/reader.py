"""Typed reading of one mapping; whatever is wrong becomes a diagnostic and a default takes its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.rules.diagnostics import Problems, listing, suggestion
from monitor.rules.document import ListNode, MapNode, Node, Scalar
from monitor.rules.tree import Span
from monitor.rules.vocabulary import LATER_KEYS

DURATION_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""Seconds in each unit of a duration."""

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|[smhdw])")
_KINDS: dict[type[Node], str] = {Scalar: "a value", ListNode: "a list", MapNode: "a map"}


@dataclass(frozen=True, slots=True)
class Reader:
    """The keys of one map. `what` names the map in messages, for example `the rule`."""

    node: MapNode
    what: str
    problems: Problems

    @property
    def subject(self) -> str:
        """`what` at the start of a sentence."""
        return self.what[:1].upper() + self.what[1:]

    def check_keys(self, known: Collection[str]) -> None:
        """Report every key that is not known."""
        for key, _ in self.node.pairs:
            if key.text in LATER_KEYS and key.text not in known:
                message = f"'{key.text}' ({LATER_KEYS[key.text]}) is not evaluated in this release."
                self._at_key("key-unsupported", key, message, "Remove the key until it is.")
            elif key.text not in known:
                cure = f"{suggestion(key.text, known)}Known keys: {', '.join(sorted(known))}."
                self._at_key("unknown-key", key, f"{self.subject} has no key '{key.text}'.", cure)

    def _at_key(self, code: str, key: Scalar, message: str, cure: str) -> None:
        self.problems.add(code, key.span, message, cure, width=len(key.text))

    def get(self, key: str) -> Node | None:
        """The value of a key, None where it is not there."""
        return next((value for each, value in self.node.pairs if each.text == key), None)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return self.get(key) is not None

    def at(self, key: str) -> Span:
        """Where the key's value stands, or the map itself."""
        value = self.get(key)
        return self.node.span if value is None else value.span

    def require(self, key: str) -> bool:
        """Whether the key is there; reported if not."""
        if self.has(key):
            return True
        message = f"{self.subject} has no '{key}'."
        self.problems.add("missing-key", self.node.span, message, f"Add the key '{key}'.")
        return False

    def map(self, key: str) -> Reader | None:
        """A nested map."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, MapNode):
            return Reader(value, f"'{key}'", self.problems)
        self.wrong(value, key, "a map of keys and values")
        return None

    def items(self, key: str) -> tuple[Node, ...]:
        """The items of a list; a single value counts as a list of one."""
        value = self.get(key)
        if value is None:
            return ()
        return value.items if isinstance(value, ListNode) else (value,)

    def scalar(self, key: str) -> Scalar | None:
        """A single value that is not null."""
        value = self.get(key)
        if value is None:
            return None
        return self.as_text(value, key)

    def as_text(self, value: Node, key: str) -> Scalar | None:
        """The node if it is a single value that is not null; reported if not."""
        if isinstance(value, Scalar) and value.value is not None:
            return value
        self.wrong(value, key, "text")
        return None

    def text(self, key: str, default: str = "") -> str:
        """Text; numbers and dates as they are written."""
        value = self.scalar(key)
        return default if value is None else value.text

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of text, or one text."""
        read = (self.as_text(item, key) for item in self.items(key))
        return tuple(each.text for each in read if each is not None)

    def choice(self, key: str, options: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self.scalar(key)
        if value is None:
            return default
        if value.text in options:
            return value.text
        cure = f"{suggestion(value.text, options)}Write {listing(options)}."
        self.invalid(value, f"'{value.text}' is no {key}.", cure)
        return default

    def flag(self, key: str) -> bool:
        """`true` or `false`; false where the key is not there."""
        value = self.get(key)
        if value is None:
            return False
        if isinstance(value, Scalar) and isinstance(value.value, bool):
            return value.value
        self.wrong(value, key, "true or false")
        return False

    def seconds(self, key: str, default: float) -> float:
        """A duration such as `10m`, in seconds."""
        value = self.scalar(key)
        if value is None:
            return default
        match = _DURATION.fullmatch(value.text)
        if match is None:
            units = listing(DURATION_UNITS)
            self.invalid(
                value, f"'{value.text}' is no duration.", f"Write a number and {units}, such as 10m."
            )
            return default
        return float(match[1]) * DURATION_UNITS[match[2]]

    def invalid(self, value: Scalar, message: str, cure: str) -> None:
        """Report a value of the right type that makes no sense."""
        span = locate(self.problems, value, 0)
        self.problems.add("invalid-value", span, message, cure, width=len(value.text))

    def wrong(self, value: Node, key: str, wanted: str) -> None:
        """Report a value of the wrong type."""
        given = "null" if isinstance(value, Scalar) and value.value is None else _KINDS[type(value)]
        message = f"'{key}' of {self.what} is {given}."
        self.problems.add("wrong-type", value.span, message, f"Write {wanted}.")


def locate(problems: Problems, value: Scalar, offset: int) -> Span:
    """The place of a character inside a scalar, where the file shows it as it is; else of its start."""
    span = value.span
    line = problems.line(span.file, span.line)
    for quote in (0, 1):
        start = span.column - 1 + quote
        if line[start : start + len(value.text)] == value.text:
            return Span(span.file, span.line, start + offset + 1)
    return span
