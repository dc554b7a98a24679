"""A rule set compiled once: what to decode, one expression per rule, and the atoms they are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeGuard

import polars as pl

from monitor.engine.anchors import Anchor, anchors_of
from monitor.frames import Projection
from monitor.rules.binding import rests_for
from monitor.rules.compile import asks_absence, condition_expr, item_expr, selection_expr, test_expr
from monitor.rules.tree import (
    And,
    Condition,
    Correlation,
    EventRule,
    ExistsTest,
    Item,
    LookupTest,
    Not,
    NullTest,
    Or,
    PiiTest,
    PlaintextTest,
    Ref,
    RuleSet,
    StateTest,
    Test,
    TextTest,
    Wild,
)

ANYWHERE = "*."
"""Prefix of a field that means: this key at any depth."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One test of one field, evaluated once per batch for every rule that asks it.

    `name` is the Boolean column it becomes; `field` is as in `tree.Item`.
    """

    name: str
    field: str | None
    test: Test

    @property
    def key(self) -> str | None:
        """The key in lower case where the atom asks for a key at any depth."""
        anywhere = self.field is not None and self.field.startswith(ANYWHERE)
        return self.field[len(ANYWHERE) :].lower() if self.field is not None and anywhere else None

    @property
    def named(self) -> bool:
        """Whether the atom asks one dotted path."""
        return self.field is not None and self.key is None


@dataclass(frozen=True, slots=True)
class RulePlan:
    """One event rule, compiled.

    Attributes:
        over_columns: Boolean expression over the projected columns and the columns of `atoms`.
        over_leaves: the same over atom columns alone, for irregular rows.
        evidence: atoms whose leaves are the reason of a match (not those under a `not`).
        leads: atoms that columns answer and a match can rest on, those that say most of a value first; the
            first that holds stands for the match where no detector gives evidence.
        identity: fields of the fingerprint besides rule, path and period.
        anchors: what a record must hold to be asked at all, each of them; none asks every event.
        atoms: every atom of the rule.
        needed: sets of names of atoms; of each set one has to hold for the rule to match.
    """

    rule: EventRule
    over_columns: pl.Expr
    over_leaves: pl.Expr
    evidence: tuple[Atom, ...]
    leads: tuple[Atom, ...]
    identity: tuple[str, ...]
    anchors: tuple[Anchor, ...]
    atoms: tuple[Atom, ...]
    needed: tuple[frozenset[str], ...] = ()

    def possible(self, absent: frozenset[str]) -> bool:
        """Whether the rule may match where none of those atoms (by name) holds."""
        return not any(absent.issuperset(names) for names in self.needed)


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule set ready to run.

    Attributes:
        context: fields that name actor, resource, subject, group or value of some rule.
        digest: of the rule set, for checkpoints.
    """

    projection: Projection
    rules: tuple[RulePlan, ...]
    correlations: tuple[Correlation, ...]
    context: tuple[str, ...]
    digest: str


def is_detector(test: Test) -> TypeGuard[PiiTest | PlaintextTest | StateTest]:
    """Whether a detector answers the test rather than an expression."""
    return isinstance(test, PiiTest | PlaintextTest | StateTest)


def is_timed(test: Test) -> bool:
    """Whether the answer depends on the event's time."""
    return isinstance(test, LookupTest) and test.timed


class _Atoms:
    """Gives every (field, test) pair its atom, in order of first use."""

    def __init__(self) -> None:
        self.by_pair: dict[tuple[str | None, Test], Atom] = {}

    def of(self, item: Item) -> list[Atom]:
        return [self._numbered(atom) for atom in item_atoms(item)]

    def _numbered(self, atom: Atom) -> Atom:
        return self.by_pair.setdefault(
            (atom.field, atom.test), Atom(f"__atom_{len(self.by_pair)}", atom.field, atom.test)
        )


def item_atoms(item: Item) -> list[Atom]:
    """The atoms of an item, one per test, not yet numbered."""
    return [Atom("", item.field, test) for test in item.tests]


def answered_by_column(atom: Atom) -> bool:
    """Whether an expression over one column answers the atom.

    Keys at any depth and detectors need leaves, lookups that depend on the time the event's time as well.
    """
    return atom.named and not is_detector(atom.test) and not is_timed(atom.test)


def _column_item(item: Item, atoms: _Atoms) -> pl.Expr:
    exprs = [
        test_expr(a.test, pl.col(a.field or "")) if answered_by_column(a) else pl.col(a.name)
        for a in atoms.of(item)
    ]
    return item_expr(item, exprs)


def _leaf_item(item: Item, atoms: _Atoms) -> pl.Expr:
    return item_expr(item, [pl.col(a.name) for a in atoms.of(item)])


def _needed(rule: EventRule, atoms: _Atoms) -> tuple[frozenset[str], ...]:
    selections = {s.name: s for s in rule.selections}

    def one_of(alternatives: Sequence[list[frozenset[str]]]) -> list[frozenset[str]]:
        if not all(alternatives):
            return []
        return [frozenset().union(*(min(sets, key=len) for sets in alternatives))]

    def of_item(item: Item) -> list[frozenset[str]]:
        if item.negated or any(asks_absence(test) for test in item.tests):
            return []
        tests = [[frozenset({a.name})] for a in atoms.of(item)]
        return list(chain(*tests)) if item.every else one_of(tests)

    def of(condition: Condition) -> list[frozenset[str]]:
        match condition:
            case Ref(name):
                return one_of([list(chain(*map(of_item, i))) for i in selections[name].alternatives])
            case And(operands):
                return list(chain(*map(of, operands)))
            case Or(operands):
                return one_of(list(map(of, operands)))
            case Not():
                return []

    return tuple(dict.fromkeys(one_of(list(map(of, rule.conditions)))))


def positive_items(rule: EventRule) -> Iterator[Item]:
    """The items a match can rest on: those under an even number of negations."""
    selections = {s.name: s for s in rule.selections}

    def walk(condition: Condition, *, positive: bool) -> Iterator[Item]:
        match condition:
            case Ref(name):
                for alternative in selections[name].alternatives:
                    yield from (i for i in alternative if i.negated != positive)
            case Not(operand):
                yield from walk(operand, positive=not positive)
            case And(operands) | Or(operands):
                for operand in operands:
                    yield from walk(operand, positive=positive)

    for condition in rule.conditions:
        yield from walk(condition, positive=True)


def test_name(test: Test) -> str:
    """What evidence calls the test: `text`, `number`, `pii`, `plaintext` and so on."""
    return type(test).__name__.removesuffix("Test").lower()


def _vagueness(atom: Atom) -> int:
    """How little a test says of the value it holds for: a pattern says most, being there says least."""
    if isinstance(atom.test, ExistsTest | NullTest):
        return 2
    return int(
        isinstance(atom.test, TextTest) and not any(isinstance(p, Wild) for p in atom.test.pattern.parts)
    )


def _at_rest(rule: EventRule) -> RulePlan:
    """A rule that matches nothing and asks for no field: a table of its own has yet to be given."""
    never = pl.lit(value=False)
    return RulePlan(rule, never, never, evidence=(), leads=(), identity=(), anchors=(Anchor(),), atoms=())


def _rule_plan(rule: EventRule, atoms: _Atoms, aliases: dict[str, tuple[str, ...]]) -> RulePlan:
    if rests_for(rule):
        return _at_rest(rule)

    def compiled(build: Callable[[Item, _Atoms], pl.Expr]) -> pl.Expr:
        selections = {s.name: selection_expr(s, lambda item: build(item, atoms)) for s in rule.selections}
        return pl.any_horizontal([condition_expr(c, selections) for c in rule.conditions])

    positive = list(positive_items(rule))
    evidence = [
        a for i in positive for a in atoms.of(i) if not answered_by_column(a) and not asks_absence(a.test)
    ]
    answered = [a for i in positive if not i.negated for a in atoms.of(i) if answered_by_column(a)]
    privacy, alert = rule.privacy, rule.alert
    return RulePlan(
        rule=rule,
        over_columns=compiled(_column_item),
        over_leaves=compiled(_leaf_item),
        evidence=tuple(dict.fromkeys(evidence)),
        leads=tuple(sorted(dict.fromkeys(answered), key=_vagueness)),
        anchors=anchors_of(rule, aliases),
        atoms=tuple(
            dict.fromkeys(
                a for s in rule.selections for alt in s.alternatives for i in alt for a in atoms.of(i)
            )
        ),
        identity=alert.fingerprint or tuple(f for f in (privacy.actor, privacy.resource) if f),
        needed=_needed(rule, atoms),
    )


def _context(rules: Iterable[RulePlan], correlations: Iterable[Correlation]) -> tuple[str, ...]:
    """Fields read of matched events: who, what, whose, why, and what correlations group and add up."""
    fields: list[str] = []
    for rule in rules:
        privacy = rule.rule.privacy
        fields += [privacy.actor, privacy.resource, privacy.subject, *rule.rule.alert.fingerprint]
        fields += [lead.field or "" for lead in rule.leads]
    for correlation in correlations:
        privacy = correlation.privacy
        fields += [name for rule in correlation.own for name in correlation.fields_of(rule)]
        fields += [privacy.actor, privacy.resource, privacy.subject]
    return tuple(dict.fromkeys(f for f in fields if f))


def _peers(correlations: Iterable[Correlation]) -> tuple[str, ...]:
    """Fields that say whose peers somebody is; of several values the first."""
    named = (one.baseline.peers for one in correlations if one.baseline is not None)
    return tuple(dict.fromkeys(filter(None, named)))


def _fields(atoms: Iterable[Atom]) -> set[str]:
    return {a.field for a in atoms if a.named and a.field is not None}


def compile_plan(
    ruleset: RuleSet,
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = (),
    time_fields: tuple[str, ...] = (),
) -> Plan:
    """Compile a rule set.

    Raises:
        CompileError: a node of a rule has no expression.
    """
    atoms = _Atoms()
    rules = tuple(_rule_plan(rule, atoms, dict(aliases)) for rule in ruleset.rules)
    peers, told = _peers(ruleset.correlations), _context(rules, ruleset.correlations)
    context = tuple(dict.fromkeys((*told, *peers)))
    every = tuple(atoms.by_pair.values())
    fields = _fields(every)
    unnamed = [a for a in every if not a.named]
    projection = Projection(
        fields=tuple(sorted({*fields, *context})),
        first=tuple(sorted(_fields(a for r in rules if not r.anchors for a in r.atoms))),
        leading=tuple(sorted({*peers}.difference(told, fields))),
        aliases=aliases,
        time_fields=time_fields,
        keys=tuple(sorted({a.key for a in unnamed if a.key is not None})),
        everything=bool(unnamed),
    )
    decoding = repr((aliases, time_fields)).encode()
    digest = hashlib.sha256(ruleset.digest.encode() + decoding).hexdigest()
    return Plan(projection, rules, ruleset.correlations, context, digest)
