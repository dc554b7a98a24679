"""What every document says of itself, and its digest."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable

from monitor.printable import cell
from monitor.rules.diagnostics import Severity, listing
from monitor.rules.document import Node, plain
from monitor.rules.reader import Reader
from monitor.rules.tree import Header
from monitor.rules.vocabulary import LEVELS, STATUSES

_NAMESPACE = uuid.UUID("6f6ad4f0-2f0e-5d0b-9a43-6c52f6f3f6b1")
"""Of the ids given to documents that have none."""


def read_header(rule: Reader) -> Header:
    """The keys that rules, correlations and filters share."""
    title = _one_line(rule, "title") if rule.require("title") else ""
    return Header(
        id=_identity(rule, title),
        title=title,
        span=rule.node.span,
        digest=digest_of(rule.node),
        name=_one_line(rule, "name"),
        status=rule.choice("status", STATUSES, "stable"),
        level=_level(rule),
        description=rule.text("description"),
        author=rule.text("author"),
        date=rule.text("date"),
        modified=rule.text("modified"),
        references=rule.texts("references"),
        tags=rule.texts("tags"),
        fields=rule.texts("fields"),
        falsepositives=rule.texts("falsepositives"),
    )


def is_ours(rule: Reader) -> bool:
    """Whether the document carries a key of ours; stock Sigma files are judged more gently."""
    return any(key.text.startswith("x_") for key, _ in rule.node.pairs)


def digest_of(node: Node) -> str:
    """SHA-256 (hex) of the content; comments, order of keys and layout do not matter."""
    content = json.dumps(plain(node), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def combined(digest: str, others: Iterable[str]) -> str:
    """SHA-256 (hex) of a digest and those of everything else that decides what it matches."""
    return hashlib.sha256("\n".join((digest, *others)).encode()).hexdigest()


def _one_line(rule: Reader, key: str) -> str:
    """A text that ends up in tables, alerts and logs."""
    text = rule.text(key)
    shown = cell(text)
    if shown != text:
        message = f"'{key}' holds a line break, a tab or another character that is not shown."
        rule.problems.add("invalid-value", rule.at(key), message, "Write it as plain text on one line.")
    return shown


def _level(rule: Reader) -> str:
    if not rule.has("level") and not rule.has("filter"):
        message = f"{rule.subject} has no level; it counts as medium."
        rule.problems.add("missing-level", rule.node.span, message, f"Add level: {listing(LEVELS)}.")
    return rule.choice("level", LEVELS, "medium")


def _identity(rule: Reader, title: str) -> str:
    written = rule.scalar("id")
    if written is None:
        return _given(rule, title)
    try:
        return str(uuid.UUID(written.text))
    except ValueError:
        cure = "Write a UUID, such as one that `uuidgen` prints."
        rule.invalid(written, f"'{written.text}' is no UUID.", cure)
        return _given(rule, title, report=False)


def _given(rule: Reader, title: str, *, report: bool = True) -> str:
    """An id that stays the same while name and title do."""
    if report:
        severity = Severity.ERROR if is_ours(rule) else Severity.WARNING
        message = f"{rule.subject} has no id, so its violations have no lasting name."
        cure = "Add `id:` with a UUID, such as one that `uuidgen` prints."
        rule.problems.add("missing-id", rule.node.span, message, cure, severity=severity)
    return str(uuid.uuid5(_NAMESPACE, rule.text("name") or title))
