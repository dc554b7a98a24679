"""The oracle of baselines: plain loops over reads, one group, day and hour at a time, as docs/baselines.md
says.

Nothing is shared with the engine but the figures of the model. Where two numbers are so near to one another
that rounding decides, `NearError` is raised, and whoever compares takes another example.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from monitor.engine.baseline.model import Model

LN2 = math.log(2)


class NearError(Exception):
    """Two numbers differ by less than rounding may."""


@dataclass(frozen=True)
class Read:
    """One group read one subject in an hour (since the epoch)."""

    group: int
    hour: int
    subject: int
    number: int = -1
    peer: str = ""


def above(one: float, other: float, *, equal: bool = False) -> bool:
    if one != other and abs(one - other) < 1e-9 * max(1.0, abs(one)):
        raise NearError
    return one >= other if equal else one > other


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[math.ceil(round(share * (len(ordered) - 1), 9))]


def robust(values: Sequence[float], floor: float) -> tuple[float, float]:
    centre = median(values)
    return centre, max(1.4826 * median(abs(v - centre) for v in values), floor)


def x_of(people: float) -> float:
    return math.log1p(people)


def weekend(day: int) -> bool:
    return (day + 3) % 7 >= 5


class Oracle:
    """Everything that was read, and what there is to say of it."""

    def __init__(self, reads: Iterable[Read], model: Model) -> None:
        self.model = model
        self.hours: dict[tuple[int, int], set[int]] = defaultdict(set)
        self.days: dict[tuple[int, int], set[int]] = defaultdict(set)
        self.nights: dict[tuple[int, int], set[int]] = defaultdict(set)
        self.numbers: dict[tuple[int, int], set[int]] = defaultdict(set)
        self.peer: dict[tuple[int, int], str] = defaultdict(str)
        for read in reads:
            day, hour = divmod(read.hour, 24)
            self.hours[read.group, read.hour].add(read.subject)
            self.days[read.group, day].add(read.subject)
            if hour >= 22 or hour < 6:
                self.nights[read.group, day].add(read.subject)
            if read.number >= 0:
                self.numbers[read.group, read.hour].add(read.number)
            self.peer[read.group, day] = max(self.peer[read.group, day], read.peer)
        self.groups = sorted({group for group, _ in self.days})

    def new(self, group: int, day: int) -> int:
        before = range(day - self.model.history, day)
        return sum(
            not any(subject in self.days.get((group, one), ()) for one in before)
            for subject in self.days.get((group, day), ())
        )

    def active(self, group: int, day: int) -> list[int]:
        return [one for one in range(day - self.model.history, day) if (group, one) in self.days]

    def pool(self, group: int, day: int) -> list[int]:
        active = self.active(group, day)
        like = [one for one in active if weekend(one) == weekend(day)]
        return active if len(like) < self.model.enough else like

    def hour_values(self, group: int, day: int, hour: int) -> dict[int, list[float]]:
        """Day of the pool to x of the hour and its neighbours."""
        near = (hour - 1, hour, hour + 1)
        return {
            one: [
                x_of(len(self.hours.get((group, one * 24 + at), ())))
                for at in near
                if one * 24 + at < day * 24  # midnight of the day itself is no neighbour
            ]
            for one in self.pool(group, day)
        }

    def cut(self, values: Iterable[float], group_values: Sequence[float]) -> list[float]:
        centre, scale = robust(group_values, self.model.floor)
        return [min(v, centre + self.model.bound * scale) for v in values]

    def hour_norm(self, group: int, day: int, hour: int) -> tuple[float, float, float] | None:
        flat = [v for each in self.hour_values(group, day, hour).values() for v in each]
        return (*robust(flat, self.model.floor), max(self.cut(flat, flat))) if flat else None

    def peer_hours(self, peer: str, day: int, hour: int) -> tuple[float, float, float] | None:
        found: list[float] = []
        for group in self.groups if peer else ():
            values = self.hour_values(group, day, hour)
            flat = [v for each in values.values() for v in each]
            mine = [v for one, each in values.items() if self.peer[group, one] == peer for v in each]
            found += self.cut(mine, flat) if mine else []
        return (*robust(found, self.model.floor), quantile(found, 0.999)) if found else None

    def day_norm(self, group: int, day: int) -> tuple[float, float, float] | None:
        values = [x_of(len(self.days[group, one])) for one in self.pool(group, day)]
        return (*robust(values, self.model.floor), max(self.cut(values, values))) if values else None

    def new_norm(self, group: int, day: int) -> tuple[float, float, float]:
        pool = self.pool(group, day)
        fresh = [self.new(group, one) for one in pool]
        share = sum(fresh) / sum(len(self.days[group, one]) for one in pool)
        return (*robust([x_of(n) for n in fresh], self.model.floor), share)

    def peer_day(self, peer: str, day: int) -> float | None:
        found: list[float] = []
        for group in self.groups if peer else ():
            pool = self.pool(group, day)
            every = [x_of(len(self.days[group, one])) for one in pool]
            mine = [x_of(len(self.days[group, one])) for one in pool if self.peer[group, one] == peer]
            found += self.cut(mine, every) if mine else []
        return quantile(found, 0.95) if found else None

    def night_weeks(self, group: int, day: int) -> list[int]:
        first = day - self.model.history
        return [
            sum(len(self.nights.get((group, one), ())) for one in range(max(at - 6, first), at + 1))
            for at in range(first + 6, day - 6)
        ]

    def peer_nights(self, peer: str, day: int) -> float | None:
        found: list[float] = []
        for group in self.groups if peer else ():
            active = self.active(group, day)
            if active and self.peer[group, active[-1]] == peer:
                found += self.night_weeks(group, day)
        # Where no peer has a day in the pool there is nothing to compare days with, nor nights.
        return quantile(found, 0.99) if found and self.peer_day(peer, day) is not None else None

    def grown(self, group: int, day: int) -> bool:
        active = self.active(group, day)
        return bool(active) and day - active[0] >= self.model.min_history

    def z_of_day(self, group: int, day: int) -> tuple[float, float]:
        norm = self.day_norm(group, day)
        assert norm is not None
        new_centre, new_scale, _ = self.new_norm(group, day)
        z = (x_of(len(self.days[group, day])) - norm[0]) / norm[1]
        return z, (x_of(self.new(group, day)) - new_centre) / new_scale

    def drip(self, group: int, day: int) -> float | None:
        model, best, total = self.model, None, 0.0
        for one in range(day, day - model.drip_days, -1):
            if (group, one) in self.days and self.grown(group, one):
                z, new_z = self.z_of_day(group, one)
                mixed = model.new_weight * new_z + (1 - model.new_weight) * z
                total += max(-model.clip, min(model.clip, mixed)) - model.slack
                best = total if best is None else max(best, total)
        return best

    def verdicts(self, day: int) -> set[tuple[int, int, int | None, str]]:
        """(group, day, hour, signal) of everything that is not normal."""
        found: set[tuple[int, int, int | None, str]] = set()
        for group in self.groups:
            if (group, day) in self.days:
                found |= {(group, day, None, signal) for signal in self.of_day(group, day)}
                for hour in range(24):
                    if (group, day * 24 + hour) in self.hours:
                        found |= {(group, day, hour, signal) for signal in self.of_hour(group, day, hour)}
        return found

    def of_hour(self, group: int, day: int, hour: int) -> set[str]:
        model, found = self.model, set()
        people = len(self.hours[group, day * 24 + hour])
        numbers = sorted(self.numbers.get((group, day * 24 + hour), ()))
        steps = sum(b - a <= 2 for a, b in pairwise(numbers))
        if steps >= model.steps and steps >= model.steps_share * people:
            found.add("enumeration")
        if model.cap is not None and people > model.cap:
            found.add("cap")
        grown, peers = self.grown(group, day), self.peer_hours(self.peer[group, day], day, hour)
        norm = self.hour_norm(group, day, hour)
        if not grown:
            norm = None if peers is None else (peers[0] + LN2, peers[1], peers[2] + LN2)
        if norm is None:
            return found | ({"burst"} if people >= model.least and not model.wait else set())
        x, z = x_of(people), (x_of(people) - norm[0]) / norm[1]
        over_peers = peers is None or above(x, peers[2])
        if above(z, model.soft_score, equal=True) and above(x, norm[2]) and over_peers:
            found |= {"soft"} if people >= model.soft_least else set()
        if above(x, norm[2] + model.above):
            high = above(z, model.score, equal=True) and over_peers and people >= 2 * model.least
            if high or (grown and self.whole_day(group, day, people, peers)):
                found.add("burst")
        return found

    def whole_day(self, group: int, day: int, people: int, peers: tuple[float, float, float] | None) -> bool:
        norm = self.day_norm(group, day)
        assert norm is not None
        near = peers is None or above(x_of(people), peers[2] - self.model.near_peers)
        usual = self.model.whole_day * math.expm1(norm[0])
        return near and above(people, usual, equal=True) and people >= self.model.least

    def of_day(self, group: int, day: int) -> set[str]:
        model, found = self.model, set()
        people, peer = len(self.days[group, day]), self.peer[group, day]
        if not self.grown(group, day):
            peers = self.peer_day(peer, day)
            much = not model.wait if peers is None else above(x_of(people), peers + LN2)
            return {"day"} if much and people >= 2 * model.soft_least else found
        week = sum(len(self.nights.get((group, one), ())) for one in range(day - 6, day + 1))
        own = quantile(self.night_weeks(group, day), 0.99) if self.active(group, day) else 0
        others = self.peer_nights(peer, day) or 0
        if (
            week > model.night_times * own
            and week > model.night_peer_times * others
            and week >= model.night_least
            and self.nights.get((group, day))
        ):
            found.add("off_hours")
        norm, new = self.day_norm(group, day), self.new(group, day)
        assert norm is not None
        z, _ = self.z_of_day(group, day)
        new_centre, _, new_share = self.new_norm(group, day)
        of_peers = self.peer_day(peer, day)
        higher = (
            of_peers is None or above(x_of(people), of_peers) or above(x_of(people), norm[2] + model.above)
        )
        if above(z, model.soft_score, equal=True) and higher and people >= 2 * model.soft_least:
            found.add("day")
        drip = self.drip(group, day)
        total = sum(len(self.days.get((group, one), ())) for one in range(day - 6, day + 1))
        if drip is not None and above(drip, model.threshold, equal=True) and above(z, 0.0):
            found |= {"drip"} if total >= model.week_least else set()
        usual = model.new_times * math.expm1(new_centre)
        if (
            above(new, model.new_share * people, equal=True)
            and above(new, usual, equal=True)
            and new >= model.new_least
            and above(model.new_usual, new_share, equal=True)
        ):
            found.add("novelty")
        return found
