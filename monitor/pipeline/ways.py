"""Ways: how the records of one source are read and asked under the rules in use.

Sources differ in format, in what their records are, and in where those keep fields and times; the rules are
the same for all. So each source has a plan of its own, compiled from the one rule set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from monitor.decode import AUTO
from monitor.engine.gate import Gate
from monitor.engine.plan import Plan, compile_plan
from monitor.frames import EventBatch, RecordBatch
from monitor.model import Logsource
from monitor.rules.tree import RuleSet

Decode = Callable[[RecordBatch], EventBatch]


@dataclass(frozen=True, slots=True)
class Decoding:
    """How records are read: format, where they come from, where fields and the event time are."""

    format: str = AUTO
    logsource: Logsource = field(default_factory=Logsource)
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    time_fields: tuple[str, ...] = ()
    year: int | None = None


@dataclass(frozen=True)
class Way:
    """From a record batch of one source to its matches.

    Attributes:
        digest: identifies everything a result depends on besides the records, for checkpoints.
        gate: remembers anchors of the plan's rules.
    """

    plan: Plan
    digest: str
    decode: Decode
    gate: Gate = field(default_factory=Gate)


WayOf = Callable[[str], Way]
"""The way of a partition."""


def everywhere(way: Way) -> WayOf:
    """The same for every partition."""
    return lambda _: way


def plans(ruleset: RuleSet, decodings: Mapping[str, Decoding]) -> dict[str, Plan]:
    """The plan of each source, by its name; sources that keep their fields in the same places share one.

    Raises:
        CompileError: a node of a rule has no expression.
    """
    asked = replace(ruleset, rules=(*ruleset.rules, *ruleset.hidden))
    places = {name: (one.aliases, one.time_fields) for name, one in decodings.items()}
    compiled = {place: compile_plan(asked, *place) for place in dict.fromkeys(places.values())}
    return {name: compiled[place] for name, place in places.items()}


def way_digest(plan: Plan, decoding: Decoding, bounds: object) -> str:
    """Identifies everything a result depends on besides the records; `bounds` are those of event times."""
    settled = repr(
        (version("privwatch"), decoding.format, decoding.logsource, decoding.year, bounds)
    ).encode()
    return hashlib.sha256(plan.digest.encode() + settled).hexdigest()
