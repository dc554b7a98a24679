"""Correlations over correlations: which may be counted by which."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.rules.diagnostics import Problems
from monitor.rules.document import Scalar
from monitor.rules.tree import Correlation
from monitor.rules.vocabulary import TEMPORAL

COUNTING = TEMPORAL | {"event_count", "value_count"}
"""Types that can count violations; the others measure a field of events."""

COUNTED_WINDOWS = frozenset({"sliding", "session"})
"""Windows of correlations that can be counted: their violations begin with an event."""


def check_chain(outer: Correlation, inner: Correlation, reference: Scalar, problems: Problems) -> bool:
    """Whether the inner correlation's violations can be counted by the outer one; reported if not.

    Args:
        outer: as written, its rules and aliases by what they are called there.
        inner: resolved.
        reference: what names the inner one in the outer one.
        problems: takes the diagnostics.
    """
    found = list(_problems(outer, inner, reference.text))
    for message, cure in found:
        width = len(reference.text)
        problems.add("correlation-unsupported", reference.span, message, cure, width=width)
    return not found


def _problems(outer: Correlation, inner: Correlation, called: str) -> Iterator[tuple[str, str]]:
    if outer.baseline is not None or inner.baseline is not None:
        yield "A baseline counts events of rules, and nothing counts its violations.", "Name detection rules."
    if inner.type in {"new_value", "absence"}:
        yield f"'{called}' is of the type {inner.type}, which nothing counts.", "Name detection rules."
    if outer.type not in COUNTING:
        message = f"'{outer.type}' measures events, and '{called}' is a correlation."
        yield message, f"Write one of {', '.join(sorted(COUNTING))}."
    if inner.window.kind not in COUNTED_WINDOWS:
        message = f"'{called}' has {inner.window.kind} windows, which no other correlation counts."
        yield message, f"Give it one of {', '.join(sorted(COUNTED_WINDOWS))}."
    for name in outer.fields_of(called):
        if name not in inner.group_by:
            message = f"'{called}' does not group by '{name}', so its violations do not say it."
            yield message, "Group by it there too, or name in aliases what it is called there."
