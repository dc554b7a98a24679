"""A rule and its verdicts as text: what `privwatch explain` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from monitor.engine.explain import Answer, Explained, explain_rule
from monitor.engine.plan import RulePlan
from monitor.model import WITHIN, Logsource, Reject
from monitor.review.summary import limits, short_articles, within
from monitor.rules.diagnostics import listing
from monitor.rules.tree import Correlation, Rule

NO_LITERALS = "(none: every event is asked)"
"""Said of a rule that no literal gives away."""

_WIDTH = 100
_INDENT = 10
_COUNTED = {
    "event_count": "events",
    "value_count": "distinct values of",
    "new_value": "new values of",
    "value_sum": "the sum of",
    "value_avg": "the average of",
    "value_median": "the median of",
    "value_percentile": "a percentile of",
    "ratio": "the share that the first rule has of events",
    "absence": "events of the first rule that nothing answered within the timespan:",
    "temporal": "rules that matched",
    "temporal_ordered": "rules that matched in their order",
}


def rule_text(explained: Explained) -> str:
    """What a rule is for, what it needs and what it is compiled to; a correlation's base rules after it."""
    rule = explained.rule
    parts = [_heading(rule)]
    if isinstance(rule, Correlation):
        parts.append(_counting(rule, explained.decided_by))
    for plan in explained.decided_by:
        if plan.rule is not rule:
            parts.append(_heading(plan.rule))
        parts.append(_compiled(plan))
    return "\n".join(parts)


def _heading(rule: Rule) -> str:
    header = rule.header
    articles = short_articles(rule.privacy.articles)
    facts = f"level {header.level}, status {header.status}" + (f", GDPR Art. {articles}" if articles else "")
    described = textwrap.fill(header.description, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines = (f"{header.name or header.id}: {header.title}", f"  {facts}", described)
    return "\n".join(line for line in lines if line)


def _counting(rule: Correlation, bases: tuple[RulePlan, ...]) -> str:
    what = (
        _COUNTED[rule.type] if not rule.threshold.percentile else f"percentile {rule.threshold.percentile} of"
    )
    counted = f"{what} {' and '.join(rule.threshold.fields)}".strip()
    by = f" for each {', '.join(rule.group_by)}" if rule.group_by else ""
    names = ", ".join(b.rule.header.name or b.rule.header.id for b in bases)
    return (
        f"counts    {counted}{by}, {within(rule)}\n"
        f"reports   {limits(rule)}\n"
        f"events    those that match {names}, explained below\n{_chained(rule)}"
    )


def _chained(rule: Correlation) -> str:
    """A line for each correlation that it counts."""
    said = ((one.header.name or one.header.id, limits(one), within(one)) for one in rule.inner)
    return "".join(
        f"          through {name}: {most}, {over}, each as one event\n" for name, most, over in said
    )


def _compiled(plan: RulePlan) -> str:
    explained = explain_rule(plan)
    applies = f"applies   to {_logsource(plan.rule.logsource)}"
    fields = _listed("fields", explained.fields)
    if explained.rests_for:
        return f"{applies}\n{fields}\nrests     until there is a table {listing(explained.rests_for)}"
    return "\n".join(
        (
            applies,
            fields,
            _listed("literals", map(repr, explained.literals) if explained.literals else (NO_LITERALS,)),
            f"compiled  {explained.expression}",
        )
    )


def _listed(label: str, items: Iterable[str]) -> str:
    """Items under a label, as many on a line as fit; none is broken, they may hold blanks."""
    lines = [f"{label:<{_INDENT}}"]
    for item in items:
        if len(lines[-1]) > _INDENT and len(lines[-1]) + len(item) > _WIDTH:
            lines.append(" " * _INDENT)
        lines[-1] += f"{item}, "
    return "\n".join(lines).replace(", \n", ",\n").removesuffix(", ")


def _logsource(wanted: Logsource) -> str:
    said = (("category", wanted.category), ("product", wanted.product), ("service", wanted.service))
    named = " ".join(f"{name} {value}" for name, value in said if value)
    wider = [name for name, held in WITHIN.items() if wanted.category in held]
    named = ", ".join([named, *(f"of category {name}" for name in wider)])
    return f"logs of {named}, and logs of which nothing is said" if named else "all logs"


def answer_lines(answer: Answer | Reject, *, name_rule: bool) -> Iterator[str]:
    """One event: the answer, then every selection and every line of it."""
    if isinstance(answer, Reject):
        yield f"line {answer.offset + 1}: no event ({answer.reason}), its outline is {answer.sample!r}"
        return
    rule, verdict = answer.rule, answer.verdict
    asked = f", asked {rule.header.name or rule.header.id}" if name_rule else ""
    yield f"line {verdict.offset + 1}{asked}: {'match' if verdict.matched else 'no match'}"
    if not verdict.routed:
        yield f"  the rule is not asked: it is for {_logsource(rule.logsource)}"
    for selection in verdict.selections:
        yield f"  {_mark(selection.holds)} {selection.name}"
        for item in selection.items:
            yield f"      {_mark(item.holds)} {item.text}"
            yield from (f"            {found}" for found in item.found)


def _mark(holds: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return "yes" if holds else " no"
