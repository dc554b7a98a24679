"""Why a rule matched an event, or why it did not: the same atoms as production, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from monitor.engine.atoms import satisfied, select_leaves, with_times
from monitor.engine.match import evaluate
from monitor.engine.plan import Atom, Plan, RulePlan, item_atoms
from monitor.frames import LEAVES, OFFSET, PATH, ROW, TEXT, TIME, EventBatch
from monitor.redact import mask, mask_path
from monitor.rules.binding import rests_for
from monitor.rules.compile import asks_absence, item_expr, selection_expr
from monitor.rules.tree import (
    BoolTest,
    CidrTest,
    CompareTest,
    EventRule,
    ExistsTest,
    Item,
    LookupTest,
    NullTest,
    NumberTest,
    Pattern,
    PiiTest,
    PlaintextTest,
    RegexTest,
    Rule,
    Selection,
    StateTest,
    Test,
    TextTest,
    Wild,
)


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """One line of a selection, asked of one event. `found`: masked `path: extract` of what satisfied it."""

    text: str
    holds: bool
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SelectionVerdict:
    """One selection, asked of one event."""

    name: str
    holds: bool
    items: tuple[ItemVerdict, ...]


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """One event. `offset` is its line from 0; `routed` is false where the rule is for another logsource."""

    offset: int
    matched: bool
    routed: bool
    selections: tuple[SelectionVerdict, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule is compiled to."""

    fields: tuple[str, ...]
    literals: tuple[str, ...]
    expression: str
    rests_for: tuple[str, ...] = ()
    """Tables that have yet to be given before the rule says anything."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule, and the event rules that decide: itself, or those whose events a correlation counts."""

    rule: Rule
    decided_by: tuple[RulePlan, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one event rule says of one event."""

    rule: EventRule
    verdict: EventVerdict


def explain_rule(rule: RulePlan) -> Explanation:
    """Fields, literals that a record must hold one of, and the polars expression.

    In the expression `found("…")` is an atom that is asked of the values of an event, not of one column.
    """
    items = [i for s in rule.rule.selections for items in s.alternatives for i in items]
    fields = sorted({i.field if i.field is not None else "(whole record)" for i in items})
    wanted = sorted(rule.anchors[0].needles) if rule.anchors else []
    names = {a.name: f'found("{_asked(a)}")' for a in rule.atoms}
    expression = re.sub(r'col\("(\w+)"\)', lambda m: names.get(m[1], m[0]), str(rule.over_columns))
    return Explanation(tuple(fields), tuple(wanted), expression, rests_for(rule.rule))


def _asked(atom: Atom) -> str:
    return f"{atom.field or 'any value'}{_modifier(atom.test)}: {_value_text(atom.test)}"


def explain_events(plan: Plan, rule: RulePlan, batch: EventBatch) -> Iterator[EventVerdict]:
    """Ask the rule of every event, selection by selection."""
    asked = evaluate(plan, batch)
    ids = [p.rule.header.id for p in asked.rules]
    routed = rule.rule.header.id in ids
    matched = set(asked.rows[ids.index(rule.rule.header.id)]) if routed else set()
    leaves = with_times(batch.leaves(batch.frame[ROW]), batch).partition_by(ROW, as_dict=True)
    for row, offset in zip(batch.frame[ROW], batch.frame[OFFSET], strict=True):
        mine = leaves.get((row,), pl.DataFrame(schema={**LEAVES, TIME: pl.Int64}))
        selections = tuple(_selection(s, mine, plan) for s in rule.rule.selections)
        yield EventVerdict(offset, row in matched, routed, selections)


def _selection(selection: Selection, leaves: pl.DataFrame, plan: Plan) -> SelectionVerdict:
    verdicts: list[ItemVerdict] = []

    def item(one: Item) -> pl.Expr:
        verdict = _item(one, leaves, plan)
        verdicts.append(verdict)
        return pl.lit(verdict.holds)

    holds = bool(pl.select(selection_expr(selection, item)).item())
    return SelectionVerdict(selection.name, holds, tuple(verdicts))


def _item(item: Item, leaves: pl.DataFrame, plan: Plan) -> ItemVerdict:
    aliases = dict(plan.projection.aliases)
    atoms = item_atoms(item)
    found = [satisfied(a, select_leaves(a, leaves, aliases)) for a in atoms]
    exprs = [pl.lit(asks_absence(a.test) == f.is_empty()) for a, f in zip(atoms, found, strict=True)]
    shown = pl.concat(found).select(PATH, TEXT, "start", "end", "detector").unique(maintain_order=True)
    return ItemVerdict(
        text=describe(item),
        holds=bool(pl.select(item_expr(item, exprs)).item()),
        found=tuple(_shown(*row) for row in shown.head(5).iter_rows()),
    )


def _shown(path: str, text: str, start: int | None, end: int | None, detector: str | None) -> str:
    spans = () if start is None or end is None else ((start, end, detector or "found"),)
    return f"{mask_path(path)}: {mask(text, spans)}"


def describe(item: Item) -> str:
    """The item as it stands in a rule: `url.original|pii: email`."""
    joined = (" and " if item.every else " or ").join(_value_text(t) for t in item.tests)
    modifiers = {_modifier(t) for t in item.tests} | {"|neq" if item.negated else ""}
    return f"{item.field or 'any value'}{''.join(sorted(modifiers))}: {joined}"


_MODIFIERS = {
    ExistsTest: "|exists",
    RegexTest: "|re",
    CidrTest: "|cidr",
    PiiTest: "|pii",
    PlaintextTest: "|plaintext",
    StateTest: "|state",
}


def _modifier(test: Test) -> str:
    if isinstance(test, LookupTest):
        return "|in" if test.always else "|lookup"
    return _MODIFIERS.get(type(test), "")


def _value_text(test: Test) -> str:
    match test:
        case TextTest(pattern, cased):
            said = _quoted(pattern) + (" (cased)" if cased else "")
        case NullTest():
            said = "null"
        case CompareTest(operator, number):
            said = f"{operator} {number}"
        case RegexTest(expression, flags):
            said = f"/{expression}/{flags}"
        case CidrTest(network):
            said = network
        case PiiTest(names) | StateTest(names):
            said = ", ".join(names)
        case LookupTest(table, column):
            said = f"{table}.{column}" if column else table
        case NumberTest(value) | BoolTest(value) | ExistsTest(value) | PlaintextTest(value):
            said = str(value).lower()
    return said


def _quoted(pattern: Pattern) -> str:
    parts = (p.value if isinstance(p, Wild) else re.sub(r"([*?\\])", r"\\\1", p) for p in pattern.parts)
    return "'" + "".join(parts) + "'"
