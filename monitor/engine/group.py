"""Matches to violations: grouped inside polars first; only distinct fingerprints become objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import polars as pl

from monitor.engine.counted import spread
from monitor.engine.keys import Keyring
from monitor.engine.match import Matches
from monitor.engine.plan import Atom, RulePlan, test_name
from monitor.frames import OFFSET, PARTITION, PATH, ROW, TEXT, TIME
from monitor.model import MAX_SAMPLES, MAX_SUBJECTS, Evidence, Part, Position, Violation
from monitor.redact import mask, mask_name, mask_path
from monitor.rules.compile import any_test_expr, regex_text
from monitor.rules.tree import RegexTest, Test

PERIOD_FORMATS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V", "forever": "always"}
"""`x_alert.per` to the text of the period an event falls in (UTC)."""

UNDATED = "undated"
"""Period of events without an event time."""

_WHO = "__who"
_PERIOD = "__period"
_SUBJECT = "__subject"
_FIELD = "__field "


def parts(matches: Matches, keyring: Keyring) -> list[Part]:
    """One part per partition and fingerprint of the batch (`Matches.placed`), for the rules that report."""
    found: list[Part] = []
    for plan, rows in zip(matches.rules, matches.rows, strict=True):
        if plan.rule.reported and len(rows):
            evidence = _every_subject(plan, _evidence_rows(plan, rows, matches), matches.further)
            found += _rule_parts(plan, evidence, keyring)
    return found


def _every_subject(plan: RulePlan, rows: pl.DataFrame, further: pl.DataFrame) -> pl.DataFrame:
    """The rows, and again with each further data subject of their events; events are counted by ROW."""
    subject = _own_name(plan.rule.privacy.subject)
    if subject not in rows.columns or further.is_empty():
        return rows
    named = further.with_columns((pl.lit(_FIELD) + pl.col("field")).alias("field"))
    return spread(rows, [subject], named, "__repeated")


def _evidence_rows(plan: RulePlan, rows: pl.Series, matches: Matches) -> pl.DataFrame:
    """One row per matched event and evidence leaf; for an event without any leaf one of the rule's leads."""
    context = matches.context.join(rows.to_frame(), on=ROW, how="semi").rename(_own_name)
    leaves = [_named(matches.found[a.name], a.test) for a in plan.evidence if a.name in matches.found]
    plain = context.with_columns(_lead(plan.leads), *_nothing_found()).unnest("lead")
    if not leaves:
        return plain
    evidenced = context.join(pl.concat(leaves), on=ROW)
    return pl.concat([evidenced, plain.join(evidenced, on=ROW, how="anti")], how="diagonal")


def _own_name(column: str) -> str:
    """The column of a context field beside those of leaves: events have fields called `path` and `state`."""
    return column if column in (ROW, OFFSET, TIME, PARTITION) else f"{_FIELD}{column}"


def _lead(leads: Sequence[Atom]) -> pl.Expr:
    """Struct `lead` of PATH, TEXT, `test`, `start`, `end`: the first of the leads that holds for the event.

    The context of an irregular event has only the first value at each path, for which none may hold: then the
    first lead stands there without a text.
    """
    chosen = _standing(leads[0] if leads else None, pl.lit(None, dtype=pl.String))
    # Neighbours that would stand there alike are one step: a list of a thousand words is not as many deep.
    for _, alike in groupby(reversed(leads), key=_kind):
        atoms = list(alike)
        text = pl.col(_own_name(atoms[0].field or ""))
        holds = any_test_expr([a.test for a in atoms], text)
        chosen = pl.when(holds).then(_standing(atoms[0], text)).otherwise(chosen)
    return chosen.alias("lead")


def _kind(atom: Atom) -> tuple[object, ...]:
    """What an atom that stands for a match shows of itself; of a regular expression where it matched."""
    regex = atom.test if isinstance(atom.test, RegexTest) else None
    return atom.field, test_name(atom.test), regex


def _standing(atom: Atom | None, text: pl.Expr) -> pl.Expr:
    start, end = _regex_span(atom.test if atom else None, text)
    path, name = (atom.field, test_name(atom.test)) if atom else ("", "rule")
    return pl.struct(
        pl.lit(path).alias(PATH),
        text.alias(TEXT),
        pl.lit(name).alias("test"),
        start.alias("start"),
        end.alias("end"),
    )


def _regex_span(test: Test | None, text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Where a regular expression matches, in characters; null for other tests."""
    nowhere = pl.lit(None, dtype=pl.Int64)
    if not isinstance(test, RegexTest):
        return nowhere, nowhere
    matched = text.str.extract(regex_text(test), 0)
    start = text.str.split(matched).list.first().str.len_chars().cast(pl.Int64)
    start = pl.when(matched != "").then(start)
    return start, start + matched.str.len_chars()


def _nothing_found() -> list[pl.Expr]:
    return [pl.lit(None, dtype=pl.String).alias(name) for name in ("detector", "state", "steps")]


def _named(found: pl.DataFrame, test: object) -> pl.DataFrame:
    """FOUND with the name evidence gives the test: the detector's, else the modifier's."""
    name = type(test).__name__.removesuffix("Test").lower()
    detector = pl.when(pl.col("detector") != "").then(pl.col("detector"))
    return found.with_columns(pl.coalesce(detector, pl.lit(name)).alias("test"))


def _subject(plan: RulePlan, columns: Sequence[str]) -> pl.Expr:
    """Whose data it is: the rule's subject field, else the item a detector found, in lower case."""
    item = pl.when(pl.col("state").is_not_null()).then(
        pl.when(pl.col("start").is_not_null())
        .then(pl.col(TEXT).str.slice(pl.col("start"), pl.col("end") - pl.col("start")))
        .otherwise(pl.col(TEXT))
        .str.to_lowercase()
    )
    field = _own_name(plan.rule.privacy.subject)
    return pl.coalesce(pl.col(field), item) if field in columns else item


def _period(per: str) -> pl.Expr:
    at = pl.from_epoch(pl.col(TIME), time_unit="us").dt.strftime(PERIOD_FORMATS[per])
    return at.fill_null(UNDATED)


def _masked(frame: pl.DataFrame, resource: str) -> pl.DataFrame:
    """Paths and resources as they may be shown: data in them would make a fingerprint per person."""
    shown: list[tuple[str, Callable[[str], str]]] = [(PATH, mask_path)]
    if resource in frame.columns:
        shown.append((resource, mask_name))
    return frame.with_columns(
        pl.col(name).replace({text: show(text) for text in frame[name].unique() if text is not None})
        for name, show in shown
    )


def _rule_parts(plan: RulePlan, rows: pl.DataFrame, keyring: Keyring) -> list[Part]:
    identity = [pl.col(_own_name(f)) for f in plan.identity]
    keys = [f"{_WHO}{i}" for i in range(len(identity))]
    grouped = (
        _masked(rows, _own_name(plan.rule.privacy.resource))
        .with_columns(
            _period(plan.rule.alert.per).alias(_PERIOD),
            _subject(plan, rows.columns).alias(_SUBJECT),
            *(e.alias(k) for e, k in zip(identity, keys, strict=True)),
        )
        .sort(PARTITION, OFFSET, PATH, "start", "test", "end", TEXT, "state", "steps", nulls_last=True)
        .group_by([PARTITION, *keys, PATH, _PERIOD], maintain_order=True)
        .agg(
            pl.col(ROW).n_unique().alias("count"),
            pl.col(TIME).min().alias("first"),
            pl.col(TIME).max().alias("last"),
            pl.col(OFFSET).unique().bottom_k(MAX_SAMPLES).sort().alias("samples"),
            pl.col(_SUBJECT).drop_nulls().unique().alias("subjects"),
            pl.col("test", "state", "steps", TEXT, "start", "end").first(),
        )
    )
    return [Part(row[PARTITION], _violation(plan, row, keyring)) for row in grouped.iter_rows(named=True)]


def _violation(plan: RulePlan, row: dict[str, Any], keyring: Keyring) -> Violation:
    header, privacy = plan.rule.header, plan.rule.privacy
    who = dict(zip(plan.identity, (row[f"{_WHO}{i}"] for i in range(len(plan.identity))), strict=True))
    path, period = row[PATH] or "", row[_PERIOD]
    hashes = {keyring.number("subject", [s]) for s in row["subjects"]}
    return Violation(
        fingerprint=keyring.fingerprint([header.id, *who.values(), path, period]),
        rule=header.id,
        digest=header.digest,
        level=header.level,
        status=header.status,
        kind="event",
        actor=keyring.pseudonym(who.get(privacy.actor)),
        resource=who.get(privacy.resource) or "",
        path=path,
        period=period,
        group=keyring.fingerprint([header.id, *who.values(), path]),
        count=row["count"],
        first=row["first"],
        last=row["last"],
        samples=tuple(Position(row[PARTITION], offset) for offset in row["samples"]),
        evidence=_evidence(row, path),
        subjects=tuple(sorted(hashes)[:MAX_SUBJECTS]),
    )


def _evidence(row: dict[str, Any], path: str) -> Evidence:
    text = row[TEXT] or ""
    spans = () if row["start"] is None else ((row["start"], row["end"], row["test"]),)
    return Evidence(
        path=path,
        test=row["test"],
        state=row["state"] or "",
        steps=row["steps"] or "",
        extract=re.sub(r"\s+", " ", mask(text, spans)),
    )
