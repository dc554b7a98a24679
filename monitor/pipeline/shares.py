"""Seconds of evaluation, rule by rule. All event rules share one pass, so what each costs is sampled.

Now and then one rule is asked alone of some events of a batch, with the clock running. What it took, less
what a pass without rules takes, weighs it against the others, and the seconds that all of them take together
are shared out by these weights. So the seconds of all rules add up to those of the stage `evaluate`. How they
are shared out is an estimate: two rules that search a text for the same thing pay once together, here half
each.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from threading import Lock

from monitor.clock import Clock
from monitor.engine.gate import Gate
from monitor.engine.group import parts
from monitor.engine.keys import Keyring
from monitor.engine.match import evaluate
from monitor.engine.plan import Plan, RulePlan
from monitor.frames import ROW, EventBatch
from monitor.model import Logsource

SAMPLE = 1000
"""Events of a batch that rules are asked of alone."""

TRIES = 3
"""The quickest of so many counts: whatever else runs on the machine only makes it slower."""

REST = 400
"""Times the seconds of a sample that pass until the next: 0.25 % of one processor at most."""

NEWEST = 0.3
"""Weight of the newest sample of a rule against those before."""


@dataclass
class _Weighed:
    """The rules that are asked of one logsource, what each weighs, and whose turn it is to be weighed."""

    rules: tuple[RulePlan, ...]
    weights: dict[str, float] = field(default_factory=dict)
    turn: int = 0


class RuleSeconds:
    """Shares the seconds of a pass out among its rules; threads may share it.

    Args:
        keyring: for the names that grouping a rule's matches asks for.
        clock: the stopwatch.
    """

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._guard = Lock()
        self._next = -inf
        self._texts: tuple[str, ...] = ()
        self._weighed: dict[Logsource, _Weighed] = {}
        self._owed: dict[Logsource, float] = {}

    def of(self, plan: Plan, batch: EventBatch, seconds: float) -> tuple[tuple[str, float], ...]:
        """Rule ids and their seconds of a pass over the batch that took so many.

        Empty while nothing was sampled of the batch's logsource; its seconds are told with the first sample.
        """
        if self._due(plan, batch):
            self._sample(plan, batch)
        return self.shared(batch.logsource, seconds)

    def shared(self, logsource: Logsource, seconds: float) -> tuple[tuple[str, float], ...]:
        """The same without looking at a batch: more seconds of a pass over events of that logsource."""
        with self._guard:
            weighed = self._weighed.get(logsource)
            self._owed[logsource] = self._owed.get(logsource, 0.0) + seconds
            if weighed is None:
                return ()
            whole = self._owed.pop(logsource)
            total = sum(weighed.weights.values())
            even = 1 / max(len(weighed.weights), 1)
            return tuple(
                (name, whole * (weight / total if total else even))
                for name, weight in weighed.weights.items()
            )

    def _due(self, plan: Plan, batch: EventBatch) -> bool:
        with self._guard:
            if (texts := _texts(plan)) != self._texts:
                self._texts, self._weighed, self._next = texts, {}, -inf
            if batch.frame.is_empty() or self._clock.monotonic() < self._next:
                return False
            self._next = inf  # other threads go on with what is known
            return True

    def _sample(self, plan: Plan, batch: EventBatch) -> None:
        """Weigh the rule whose turn it is; at first all of them, once each."""
        began = self._clock.monotonic()
        rules = tuple(r for r in plan.rules if batch.logsource.admits(r.rule.logsource))
        known = self._weighed.get(batch.logsource)
        weighed = known or _Weighed(rules)
        some, tries = _some(batch), TRIES if known else 1
        idle = self._seconds(plan, (), some, tries)
        # Batches differ: against the pass of all rules over the same events a weight stays what it is.
        whole = max(self._seconds(plan, rules, some, tries) - idle, 0.0) or inf
        asked = (rules[weighed.turn % len(rules)],) if known and rules else rules
        fresh = {r.rule.header.id: self._seconds(plan, (r,), some, tries) - idle for r in asked}
        now = self._clock.monotonic()
        with self._guard:
            if _texts(plan) != self._texts:
                return
            # The first look at all of them is a rough one.
            newest = 1.0 if weighed.turn < len(rules) else NEWEST
            for name, took in fresh.items():
                weight = max(took, 0.0) / whole
                before = weighed.weights.get(name, weight)
                weighed.weights[name] = before + newest * (weight - before)
            weighed.turn += 1 if known else 0
            self._weighed[batch.logsource] = weighed
            self._next = now + REST * (now - began)

    def _seconds(self, plan: Plan, rules: tuple[RulePlan, ...], batch: EventBatch, tries: int) -> float:
        """Seconds of a pass of these rules over the batch."""
        plan, gate, quickest = replace(plan, rules=rules), Gate(), inf
        if batch.detail is not None:
            # Which anchor is rare is found out once in many batches.
            gate.passed([r for r in rules if r.anchors], batch)
        for _ in range(tries):
            began = self._clock.monotonic()
            parts(evaluate(plan, batch, gate).placed(batch.partition), self._keyring)
            quickest = min(quickest, self._clock.monotonic() - began)
        return quickest


def _texts(plan: Plan) -> tuple[str, ...]:
    """Which rules these are, wherever the plan looks for their fields."""
    return tuple(r.rule.header.digest for r in plan.rules)


def _some(batch: EventBatch) -> EventBatch:
    """At most SAMPLE events, from all over the batch."""
    step = -(-batch.frame.height // SAMPLE)
    wanted = batch.frame[ROW] % step == 0
    return replace(batch, frame=batch.frame.filter(wanted), irregular=batch.irregular.filter(wanted))
