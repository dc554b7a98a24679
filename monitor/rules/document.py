"""YAML text to nodes that remember line and column. Strict: what YAML lets slip is a diagnostic here.

Scalars are read by YAML 1.1, as PyYAML and pySigma read them, with two differences: a date stays text, and a
plain word that YAML 1.1 turns into something surprising (`on`, `yes`, `010`, `1:30`) is warned about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from monitor.rules.diagnostics import Problems
from monitor.rules.tree import Span

MAX_BYTES = 1 << 20
"""Largest rule file, in bytes."""
MAX_DEPTH = 64
"""Deepest nesting of lists and maps."""
MAX_NODES = 100_000
"""Most nodes in one file, aliases counted as often as they are used."""

Value: TypeAlias = str | int | float | bool | None

_TAG = "tag:yaml.org,2002:"
_RESOLVER = Resolver()
_CONSTRUCTOR = SafeConstructor()


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: as YAML reads it, and as text with quotes and escapes resolved."""

    span: Span
    value: Value
    text: str


@dataclass(frozen=True, slots=True)
class ListNode:
    """A YAML sequence."""

    span: Span
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapNode:
    """A YAML mapping with text keys, none twice, in file order."""

    span: Span
    pairs: tuple[tuple[Scalar, Node], ...]


Node: TypeAlias = Scalar | ListNode | MapNode


def plain(node: Node) -> Any:  # noqa: ANN401 - JSON-like data has no narrower name
    """The node as str, int, float, bool, None, list and dict."""
    match node:
        case Scalar():
            return node.value
        case ListNode():
            return [plain(item) for item in node.items]
        case MapNode():
            return {key.text: plain(value) for key, value in node.pairs}


def read(file: str, data: bytes, problems: Problems) -> tuple[Node, ...] | None:
    """The documents of one file, empty ones left out; None where the file could not be read to its end.

    Args:
        file: name for spans.
        data: the file's bytes.
        problems: takes the diagnostics; nothing is raised.
    """
    text = _decode(file, data, problems)
    if text is None:
        return None
    problems.open(file, text)
    try:
        documents = tuple(_Composer(file, problems, _events(file, text)).documents())
    except _Refused as refused:
        problems.add(refused.code, refused.span, refused.message, refused.cure)
        return None
    if not documents:
        cure = "Write a rule; in `lookups` a table, `[]` for one without rows; or remove the file."
        problems.add("file-empty", Span(file, 1, 1), "The file holds nothing.", cure)
    return documents


class _Refused(Exception):  # noqa: N818 - never leaves this module, so it is no one's error
    """Reading this file stops here."""

    def __init__(self, code: str, span: Span, message: str, cure: str) -> None:
        super().__init__(message)
        self.code, self.span, self.message, self.cure = code, span, message, cure


def _decode(file: str, data: bytes, problems: Problems) -> str | None:
    if len(data) > MAX_BYTES:
        message = f"The file has more than {MAX_BYTES:,} bytes, the most a rule file may have."
        problems.add(
            "file-too-large", Span(file, 1, 1), message, "Split it, or check that it is a rule file."
        )
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        span = Span(file, before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        message = f"Byte {data[error.start]:#04x} at offset {error.start} is not UTF-8."
        problems.add("file-not-utf8", span, message, "Save the file as UTF-8.")
        return None


def _events(file: str, text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        span = _span(file, error.problem_mark or error.context_mark)
        if "nesting depth" in (error.problem or ""):  # libyaml 0.2.6 looks ahead, and has a bound of its own
            raise _too_deep(span) from None
        message = f"This is not YAML: {error.problem or error.context}."
        raise _Refused("yaml-syntax", span, message, _syntax_cure(text, span)) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        span = Span(file, before.count("\n") + 1, error.position - before.rfind("\n"))
        message = f"This is not YAML: the character {error.character:#06x} is not allowed in it."
        raise _Refused("yaml-syntax", span, message, "Write it as an escape in double quotes.") from None


def _too_deep(span: Span) -> _Refused:
    message = f"Lists and maps are nested deeper than {MAX_DEPTH} levels."
    return _Refused("yaml-too-deep", span, message, "Check that this is a rule file.")


def _syntax_cure(text: str, span: Span) -> str:
    lines = text.split("\n")
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    if "\t" in line[: span.column]:
        return "Indent with spaces; YAML does not take tabs."
    return "Check indentation, brackets and quotes here and on the line above."


@dataclass
class _Composer:
    """Parser events to nodes. Not PyYAML's own composer: that one recurses in C and expands without bound."""

    file: str
    problems: Problems
    events: Iterator[yaml.Event]
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    count: int = 0

    def documents(self) -> Iterator[Node]:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors.clear()
                node = self.node(next(self.events), 0)
                if not (isinstance(node, Scalar) and node.value is None):
                    yield node

    def node(self, event: yaml.Event, depth: int) -> Node:
        span = _span(self.file, event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, span)
        before = self.count
        self.spend(1, span)
        if depth > MAX_DEPTH:
            raise _too_deep(span)
        node = self.content(event, span, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self.anchors[anchor] = node, self.count - before
        return node

    def content(self, event: yaml.Event, span: Span, depth: int) -> Node:
        tag = getattr(event, "tag", None)
        if tag is not None:
            cure = "Remove the tag; quote a value to make it text."
            self.problems.add("yaml-tag", span, f"The tag '{tag}' is not used in rules.", cure)
        if isinstance(event, yaml.SequenceStartEvent):
            return ListNode(span, tuple(self.items(depth)))
        if isinstance(event, yaml.MappingStartEvent):
            return MapNode(span, tuple(self.pairs(depth)))
        text: str = getattr(event, "value", "")
        plain_style: bool = getattr(event, "implicit", (False,))[0]
        return self.scalar(text, span) if plain_style else Scalar(span, text, text)

    def items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, depth + 1)

    def pairs(self, depth: int) -> Iterator[tuple[Scalar, Node]]:
        seen: dict[str, Span] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if self.key_is_fine(key, seen) and isinstance(key, Scalar):
                seen[key.text] = key.span
                yield key, value

    def key_is_fine(self, key: Node, seen: dict[str, Span]) -> bool:
        if not isinstance(key, Scalar):
            self.problems.add("yaml-key", key.span, "A key is a list or a map.", "Use a word as the key.")
            return False
        if key.text == "<<":
            cure = "Write the keys out; rules are read by people too."
            self.problems.add("yaml-key", key.span, "Merge keys are not read here.", cure, width=2)
            return False
        if key.text in seen:
            message = f"The key '{key.text}' is already there in line {seen[key.text].line}."
            cure = "Keep one of the two; two values of one key are a list."
            self.problems.add("duplicate-key", key.span, message, cure, width=len(key.text))
            return False
        return True

    def scalar(self, text: str, span: Span) -> Scalar:
        """A scalar without quotes, which may be something else than text."""
        tag: str = _RESOLVER.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # stubs - untyped
        value = _construct(tag.removeprefix(_TAG), text)
        if _surprising(text, value):
            message = f"YAML reads '{text}' as {str(value).lower()}."
            cure = "Quote it to mean the text, or write the value plainly (true, false, 30)."
            self.problems.add("yaml-ambiguous", span, message, cure, width=len(text))
        return Scalar(span, value, text)

    def alias(self, event: yaml.AliasEvent, span: Span) -> Node:
        if event.anchor not in self.anchors:
            message = f"The alias '*{event.anchor}' stands for nothing that is complete before it."
            raise _Refused("yaml-alias", span, message, "Write the value out.")
        node, size = self.anchors[event.anchor]
        self.spend(size, span)
        return node

    def spend(self, nodes: int, span: Span) -> None:
        self.count += nodes
        if self.count > MAX_NODES:
            message = f"The file has more than {MAX_NODES} values, aliases written out."
            raise _Refused("yaml-too-big", span, message, "Split it, or write fewer aliases.")


def _span(file: str, mark: Any) -> Span:  # noqa: ANN401 - the C and the Python parser have a mark class each
    return Span(file, 1, 1) if mark is None else Span(file, mark.line + 1, mark.column + 1)


def _construct(kind: str, text: str) -> Value:
    node = ScalarNode(_TAG + kind, text)
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return bool(_CONSTRUCTOR.construct_yaml_bool(node))
            case "int":
                return int(_CONSTRUCTOR.construct_yaml_int(node))
            case "float":
                return float(_CONSTRUCTOR.construct_yaml_float(node))
    except ValueError:  # `0x_` looks like a number to the resolver only
        pass
    return text


def _surprising(text: str, value: Value) -> bool:
    if isinstance(value, bool):
        return text.lower() not in {"true", "false"}
    if isinstance(value, (int, float)):
        digits = text.lstrip("+-")
        octal = isinstance(value, int) and len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
        return octal or ":" in text or "_" in text
    return False
