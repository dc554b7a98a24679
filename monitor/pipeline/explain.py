"""The question `privwatch explain` asks: of one rule by name, and of events one by one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace

import polars as pl

from monitor.decode import AUTO, decoder
from monitor.engine.explain import Answer, Explained, explain_events
from monitor.engine.plan import Plan
from monitor.errors import RuleError
from monitor.frames import OFFSET, EventBatch, RecordBatch
from monitor.model import Reject
from monitor.rules.tree import Correlation, Rule


def find_rule(plan: Plan, name: str) -> Explained:
    """The rule of that id, name or title.

    Raises:
        RuleError: there is none; the message names those that come near.
    """
    plans = {p.rule.header.id: p for p in plan.rules}
    rules: list[Rule] = [*(p.rule for p in plan.rules), *plan.correlations]
    for rule in rules:
        if name in {rule.header.id, rule.header.name, rule.header.title}:
            counted = rule.events if isinstance(rule, Correlation) else (rule.header.id,)
            return Explained(rule, tuple(plans[each] for each in counted if each in plans))
    known = sorted(rule.header.name or rule.header.id for rule in rules)
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the rules are {', '.join(known)}"
    raise RuleError(f"there is no rule {name!r}; {hint}")


def ask(
    plan: Plan,
    explained: Explained,
    batches: Iterable[RecordBatch],
    *,
    line: int | None = None,
) -> Iterator[Answer | Reject]:
    """What each of the deciding rules says of each event; a record that is no event is its reject.

    Args:
        plan: the rule set's.
        explained: from `find_rule`.
        batches: records, their format said.
        line: ask of this record only, counted from 1.
    """
    read = decoder(AUTO, plan.projection)
    for batch in batches:
        if line is not None and not (batch.offsets and batch.offsets[0] < line <= batch.offsets[-1] + 1):
            continue
        decoded = _only(read.decode(batch), line)
        yield from decoded.rejects
        for rule in explained.decided_by:
            yield from (Answer(rule.rule, verdict) for verdict in explain_events(plan, rule, decoded))


def _only(batch: EventBatch, line: int | None) -> EventBatch:
    if line is None:
        return batch
    wanted = batch.frame.select(pl.col(OFFSET) == line - 1).to_series()
    return replace(
        batch,
        frame=batch.frame.filter(wanted),
        irregular=batch.irregular.filter(wanted),
        rejects=tuple(r for r in batch.rejects if r.offset == line - 1),
    )
