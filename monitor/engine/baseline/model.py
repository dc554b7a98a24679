"""The figures of the model, each in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """What counts as unusual. People are data subjects; x is ln(1 + people); z is robust.

    Attributes:
        history: days before a day that its norms are made of.
        min_history: days since a group's first read before its own norms are used.
        floor: least scale of x: nobody is so regular that half as much again is alarming.
        bound: z at which history is cut, so that an attack does not train the model.
        enough: days of a class (working days, weekend) that a pool must have; else it takes both.
        least: people below which nothing is reported (the rule's own floor). What is only high for the hour
            takes twice as many.
        score: z of an hour that is high for the hour.
        above: what such an hour lies above the largest x the group had: half as much again.
        whole_day: an hour with so many times the people of the group's usual day is a burst whatever z says.
        near_peers: how far such an hour may lie below the largest x of the peers.
        soft_score: z of a soft hour, and of a day.
        soft_least: people of a soft hour, and twice as many of a day.
        night_least: people read in off-hours in a week.
        night_times, night_peer_times: how many times what the group, and its peers, used to read.
        steps: people an hour whose numbers lie next to one another, at least.
        steps_share: share of them.
        slack: what the CUSUM of a drip takes off each day.
        threshold: where a drip is one.
        clip: bound of a day's z in the CUSUM.
        new_weight: weight of new people's z, the others' being all people's.
        drip_days: days the CUSUM looks back at.
        week_least: people in the last seven days of a drip.
        new_share: of today's people new to the group, at least.
        new_usual: the same of its history, at most: who reads nobody twice cannot be told by it.
        new_times: how many times the usual number of new people.
        new_least: new people of a day.
        wait: whether who is unknown is left alone until something is known.
        sums: whether what is counted are events, or what they add up to, in place of people.
        cap: people an hour that nobody may exceed, whatever is usual; None: no such limit.
    """

    history: int = 42
    min_history: int = 14
    floor: float = 0.35
    bound: float = 3.5
    enough: int = 4
    least: int = 50
    score: float = 3.5
    above: float = math.log(1.5)
    whole_day: float = 1.25
    near_peers: float = 0.5
    soft_score: float = 3.0
    soft_least: int = 20
    night_least: int = 60
    night_times: float = 3.0
    night_peer_times: float = 1.5
    steps: int = 30
    steps_share: float = 0.4
    slack: float = 0.2
    threshold: float = 5.5
    clip: float = 3.0
    new_weight: float = 0.7
    drip_days: int = 28
    week_least: int = 100
    new_share: float = 0.8
    new_usual: float = 0.95
    new_times: float = 2.5
    new_least: int = 30
    cap: int | None = None
    wait: bool = False
    sums: bool = False

    @property
    def reach(self) -> int:
        """Days before a day that its verdict depends on."""
        return self.history + self.drip_days
