"""Events to matches: one polars pass over the columns for all rules, and the same over leaves where needed.

Most events are flat where the rules look, and their columns answer. Irregular events (arrays, JSON inside a
string, a field whose type changes) are taken apart into leaves and asked the same rules over those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from monitor.engine.atoms import column_leaves, leaves_for, satisfied, satisfied_keys, select_leaves
from monitor.engine.candidates import candidates
from monitor.engine.gate import Gate, searches
from monitor.engine.plan import Atom, Plan, RulePlan, answered_by_column
from monitor.frames import KEY, OFFSET, PARTITION, PATH, ROW, TEXT, TIME, Cells, EventBatch
from monitor.rules.compile import asks_absence, test_expr

FURTHER: dict[str, pl.DataType] = {ROW: pl.UInt32(), "field": pl.String(), TEXT: pl.String()}
"""One row for each value of a field of an event but its first: lists have several."""


@dataclass(frozen=True)
class Matches:
    """Which events satisfied which rules.

    Attributes:
        rules: the rules that were asked, in plan order; others do not apply to the batch's logsource.
        rows: per rule of `rules`, ROW (UInt32, ascending) of the events that satisfied it.
        found: per atom name, the FOUND leaves that satisfied it (evidence; not for tests of absence); an atom
            without any may be left out.
        context: ROW, OFFSET, TIME and the plan's context fields of every matched event.
        further: FURTHER, values of context fields after the first, which stands in `context`.
    """

    rules: tuple[RulePlan, ...]
    rows: tuple[pl.Series, ...]
    found: dict[str, pl.DataFrame]
    context: pl.DataFrame
    further: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FURTHER))

    def placed(self, where: str | pl.Series) -> Matches:
        """The same, with PARTITION in the context: one for all events, or String by ROW."""
        places = pl.lit(where) if isinstance(where, str) else where.gather(self.context[ROW])
        return replace(self, context=self.context.with_columns(places.alias(PARTITION)))

    def counted(self) -> dict[str, tuple[tuple[str, str, int], ...]]:
        """(rule id, level, events that matched) for each partition, after `placed`."""
        found = [
            rows.to_frame(ROW).with_columns(pl.lit(number, dtype=pl.Int64).alias("rule"))
            for number, rows in enumerate(self.rows)
            if len(rows)
        ]
        if not found:
            return {}
        each = pl.concat(found).join(self.context.select(ROW, PARTITION), on=ROW)
        told: dict[str, tuple[tuple[str, str, int], ...]] = {}
        for place, number, count in each.group_by(PARTITION, "rule").len().sort("rule").iter_rows():
            header = self.rules[number].rule.header
            told[place] = (*told.get(place, ()), (header.id, header.level, count))
        return told


@dataclass(frozen=True)
class _Answers:
    """What one pass over some events found, rows by rule id; see `Matches`."""

    rows: dict[str, pl.Series]
    found: dict[str, pl.DataFrame]


def screen(plan: Plan, batch: EventBatch, gate: Gate | None = None) -> EventBatch:
    """The events of a batch that some rule could match, with as little read of each as there is.

    Rules with anchors are asked of the raw text (a run keeps one gate for all its batches), the others of the
    columns that were read first. Where the format has no cheap look, that is every event.
    """
    if batch.detail is None or batch.cells is not None:
        return batch
    rules = _admitted(plan, batch)
    passed = (gate or Gate()).passed([r for r in rules if r.anchors], batch)
    unanchored = [r for r in rules if not r.anchors]
    others = _first_look(unanchored, batch, dict(plan.projection.aliases))
    searched = [passed.searched, *([others] if any(map(searches, unanchored)) else [])]
    return batch.suspects(pl.concat([passed.rows, others]).unique(), pl.concat(searched))


def _first_look(
    rules: Sequence[RulePlan], batch: EventBatch, aliases: dict[str, tuple[str, ...]]
) -> pl.Series:
    """ROW of the events that rules without anchors match, and of all that columns cannot hold."""
    irregular = batch.frame.filter(batch.irregular)[ROW]
    if not rules:
        return irregular.clear()
    atoms = _atoms(rules)
    searched = [a for a in atoms if not answered_by_column(a)]
    found = _search(searched, batch, aliases)
    return pl.concat([_over_columns(rules, searched, found, batch)[ROW], irregular])


def evaluate(plan: Plan, batch: EventBatch, gate: Gate | None = None) -> Matches:
    """Ask every rule that applies to the batch's logsource about every event it could match."""
    return judge(plan, screen(plan, batch, gate))


def judge(plan: Plan, suspects: EventBatch) -> Matches:
    """Ask every rule that applies to the logsource about every event `screen` let through."""
    rules = _admitted(plan, suspects)
    aliases = dict(plan.projection.aliases)
    read = suspects.detail is None or suspects.cells is not None
    near = suspects if read else suspects.narrowed(suspects.frame[ROW])
    asked = _ask(rules, near, aliases)
    matched = pl.concat([pl.Series(ROW, [], dtype=pl.UInt32), *asked.rows.values()]).unique()
    context, further = _context(plan, near.narrowed(matched), aliases)
    return Matches(
        rules=rules,
        rows=tuple(asked.rows[r.rule.header.id] for r in rules),
        found=asked.found,
        context=context,
        further=further,
    )


def _admitted(plan: Plan, batch: EventBatch) -> tuple[RulePlan, ...]:
    return tuple(r for r in plan.rules if batch.logsource.admits(r.rule.logsource))


def _ask(rules: Sequence[RulePlan], batch: EventBatch, aliases: dict[str, tuple[str, ...]]) -> _Answers:
    """Ask the rules of every event of the batch, whose columns hold every field of theirs."""
    atoms = _atoms(rules)
    searched = [a for a in atoms if not answered_by_column(a)]
    found = [_search(searched, batch, aliases)]
    absent = _unfound(searched, found[0]) | _unheld(atoms, batch)
    tables = [_over_columns([r for r in rules if r.possible(absent)], searched, found[0], batch)]
    irregular = batch.frame.filter(batch.irregular)[ROW]
    tangled = leaves_for(atoms, batch, irregular) if len(irregular) else None
    if tangled is not None:
        found.append(_satisfied(atoms, tangled, aliases))
        absent = _unfound(atoms, found[1])
        tables.append(_over_leaves([r for r in rules if r.possible(absent)], atoms, found[1], irregular))
    answers = pl.concat(tables, how="diagonal").sort(ROW)
    none = answers[ROW].clear()
    # A series filters itself; a frame would plan a query for each rule.
    rows = {name: answers[ROW].filter(answers[name]) for name in answers.columns if name != ROW}
    return _Answers({r.rule.header.id: rows.get(r.rule.header.id, none) for r in rules}, _joined(found))


def _unfound(searched: Sequence[Atom], found: dict[str, pl.DataFrame]) -> frozenset[str]:
    """Names of the atoms that were searched for and not found."""
    return frozenset(a.name for a in searched if a.name not in found or found[a.name].is_empty())


def _unheld(atoms: Sequence[Atom], batch: EventBatch) -> frozenset[str]:
    """Names of the atoms that ask a column that holds nothing."""
    if batch.cells is not None:
        return frozenset()
    void = {c.name for c in batch.frame.get_columns() if c.null_count() == c.len()}
    return frozenset(a.name for a in atoms if answered_by_column(a) and a.field in void)


def _search(
    atoms: Sequence[Atom], batch: EventBatch, aliases: dict[str, tuple[str, ...]]
) -> dict[str, pl.DataFrame]:
    """FOUND per searched atom that any of the regular events satisfies."""
    if batch.frame.is_empty():
        return {}
    named = {a.name: a for a in atoms if a.named}
    found = {
        name: satisfied(named[name], leaves)
        for name, leaves in column_leaves(batch, list(named.values())).items()
    }
    unnamed = [a for a in atoms if not a.named]
    rows = candidates(unnamed, batch)
    if rows.is_empty():
        return found
    return found | _satisfied(unnamed, leaves_for(unnamed, batch, rows), aliases)


def _satisfied(
    atoms: Sequence[Atom], leaves: pl.DataFrame, aliases: dict[str, tuple[str, ...]]
) -> dict[str, pl.DataFrame]:
    """FOUND per atom over the leaves of some events."""
    keyed: list[Atom] = []
    others: list[Atom] = []
    for atom in atoms:
        (others if atom.key is None or asks_absence(atom.test) else keyed).append(atom)
    return satisfied_keys(keyed, leaves) | {
        a.name: satisfied(a, select_leaves(a, leaves, aliases)) for a in others
    }


def _atom_column(atom: Atom, found: dict[str, pl.DataFrame]) -> pl.Expr:
    """The atom as a Boolean column of a frame with ROW."""
    rows = found[atom.name][ROW] if atom.name in found else None
    holds = pl.lit(value=False) if rows is None or rows.is_empty() else pl.col(ROW).is_in(rows.implode())
    return (~holds if asks_absence(atom.test) else holds).alias(atom.name)


def _over_columns(
    rules: Sequence[RulePlan], atoms: Sequence[Atom], found: dict[str, pl.DataFrame], batch: EventBatch
) -> pl.DataFrame:
    if batch.cells is not None:
        return _over_cells(rules, atoms, found, batch, batch.cells)
    answers = [r.over_columns.alias(r.rule.header.id) for r in rules]
    asked = _asked(rules, atoms)
    return _any_true(
        batch.frame.lazy().filter(~batch.irregular).with_columns(_atom_column(a, found) for a in asked),
        answers,
    )


def _over_cells(
    rules: Sequence[RulePlan],
    searched: Sequence[Atom],
    found: dict[str, pl.DataFrame],
    batch: EventBatch,
    cells: Cells,
) -> pl.DataFrame:
    """The same over a table, whose columns are asked by their distinct texts."""
    atoms = filter(answered_by_column, _atoms(rules))
    holds = cells.tested([(a.field or "", a.name, test_expr(a.test, pl.col(TEXT))) for a in atoms])
    if holds.height != batch.frame.height:
        holds = holds[batch.frame[ROW]]
    frame = batch.frame.select(ROW).hstack(holds.get_columns()).lazy().filter(~batch.irregular)
    answers = [r.over_leaves.alias(r.rule.header.id) for r in rules]
    return _any_true(frame.with_columns(_atom_column(a, found) for a in _asked(rules, searched)), answers)


def _over_leaves(
    rules: Sequence[RulePlan], atoms: Sequence[Atom], found: dict[str, pl.DataFrame], rows: pl.Series
) -> pl.DataFrame:
    answers = [r.over_leaves.alias(r.rule.header.id) for r in rules]
    asked = _asked(rules, atoms)
    return _any_true(rows.to_frame().lazy().with_columns(_atom_column(a, found) for a in asked), answers)


def _atoms(rules: Sequence[RulePlan]) -> tuple[Atom, ...]:
    """The atoms of the rules, each once, told apart by their names: tests take long to compare."""
    return tuple({a.name: a for r in rules for a in r.atoms}.values())


def _asked(rules: Sequence[RulePlan], atoms: Sequence[Atom]) -> list[Atom]:
    """Those of the atoms that some of the rules ask."""
    used = {a.name for r in rules for a in r.atoms}
    return [a for a in atoms if a.name in used]


def _any_true(frame: pl.LazyFrame, answers: Sequence[pl.Expr]) -> pl.DataFrame:
    """ROW and the answers, of the events for which at least one is true."""
    names = [e.meta.output_name() for e in answers]
    if not names:
        return frame.select(ROW).filter(pl.lit(value=False)).collect()
    return frame.select(ROW, *answers).filter(pl.any_horizontal(names)).collect()


def _joined(found: Sequence[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    held: dict[str, list[pl.DataFrame]] = {}
    for frames in found:
        for name, frame in frames.items():
            if not frame.is_empty():
                held.setdefault(name, []).append(frame)
    return {name: pl.concat(frames).unique() for name, frames in sorted(held.items())}


def _context(
    plan: Plan, batch: EventBatch, aliases: dict[str, tuple[str, ...]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The context fields of some events, and FURTHER.

    Of an irregular event the first value counts as the field's, and those of its own name before aliases.
    """
    regular = batch.frame.select(ROW, OFFSET, TIME, *plan.context)
    irregular = batch.frame.filter(batch.irregular)[ROW]
    if irregular.is_empty() or not plan.context:
        return regular, pl.DataFrame(schema=FURTHER)
    names = [
        (path, field, rank)
        for field in plan.context
        for rank, path in enumerate((field, *aliases.get(field, ())))
    ]
    ranked = pl.DataFrame(names, schema=[PATH, "field", "rank"], orient="row")
    values = (
        batch.leaves(irregular)
        .filter(pl.col(TEXT).is_not_null() & (pl.col(KEY) != ""))
        .join(ranked, on=PATH, maintain_order="left")
        .sort(ROW, "field", "rank", maintain_order=True)
        .filter(pl.col("rank") == pl.col("rank").first().over(ROW, "field"))
        .with_columns(nth=pl.int_range(pl.len()).over(ROW, "field"))
    )
    firsts = values.filter(pl.col("nth") == 0).pivot(
        on="field", on_columns=list(plan.context), index=ROW, values=TEXT
    )
    further = values.filter(pl.col("nth") > 0).select(list(FURTHER))
    return regular.update(firsts, on=ROW), further
