"""The in-memory twin of the outbox: the rules of docs/alerts.md, one after the other, over two dicts."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.model import Alert, Violation
from monitor.outbox import CLOCKS_APART, OVERFLOW, Claim, Settled

HOUR = 3_600_000_000


@dataclass
class Raised:
    """One alert. `first` is what receivers know it by; `held`: told of together with others."""

    alert: Alert
    first: str
    raised_at: int
    told_at: int
    tellings: int = 1
    held: bool = False


@dataclass
class Outgoing:
    """What one target is still to be told of one alert. `since`: None while it knows all there is to know."""

    due: int
    since: int | None
    wanted: int = 1
    told: int = 0
    told_at: int | None = None
    attempts: int = 0


class MemoryOutbox:
    """See `monitor.outbox.Outbox`; `take` is what a turn's transaction does."""

    def __init__(self, violation: Callable[[str], Violation | None]) -> None:
        self._violation = violation
        self._raised: dict[tuple[str, int], Raised] = {}
        self._out: dict[str, dict[tuple[str, int], Outgoing]] = {}

    def take(self, alerts: Sequence[Alert]) -> None:
        """What the alerts of a turn come to."""
        fresh = [alert for alert in alerts if self._is_new(alert)]
        held = self._held_back(fresh)
        for alert in alerts:
            if alert not in fresh:
                self._goes_on(alert)
        for alert in fresh:
            self._raise(alert, held=alert in held)
        for alert in {one.rule: one for one in held}.values():
            stand_in = replace(
                alert, key=f"{OVERFLOW}.{alert.rule}", violation=OVERFLOW, starts=alert.at,
                ends=alert.at + HOUR, newest=alert.at, realert=HOUR,
            )  # fmt: skip
            if self._is_new(stand_in):
                self._raise(stand_in, held=False)
            else:
                self._goes_on(stand_in)

    def _number(self, key: str) -> int:
        return max((number for name, number in self._raised if name == key), default=0)

    def _latest(self, key: str) -> Raised | None:
        return self._raised.get((key, self._number(key)))

    def _is_new(self, alert: Alert) -> bool:
        known = self._latest(alert.key)
        if known is None:
            return True
        return not quiet(alert, known) and not is_open(alert, known)

    def _held_back(self, fresh: Sequence[Alert]) -> list[Alert]:
        """Those beyond what a rule may raise within the hour."""
        since = min((alert.at for alert in fresh), default=0) - HOUR
        until = max((alert.at for alert in fresh), default=0) + CLOCKS_APART
        recent = [o for o in self._raised.values() if not o.held and since < o.raised_at <= until]
        raised = Counter(one.alert.rule for one in recent)
        held = []
        for alert in fresh:
            raised[alert.rule] += 1
            if raised[alert.rule] > alert.burst:
                held.append(alert)
        return held

    def _raise(self, alert: Alert, *, held: bool) -> None:
        place = alert.key, self._number(alert.key) + 1
        self._raised[place] = Raised(alert, alert.violation, alert.at, alert.at, held=held)
        for target in () if held else alert.targets:
            self._out.setdefault(target, {})[place] = Outgoing(alert.at, alert.at)

    def _goes_on(self, alert: Alert) -> None:
        """The alert that there is hears of it: it is said again, prolonged, or nothing changes."""
        known = self._latest(alert.key)
        assert known is not None
        longest = is_open(alert, known) and alert.ends >= known.alert.ends
        again = not quiet(alert, known)
        if longest and (again or alert.violation != known.alert.violation or alert.ends > known.alert.ends):
            newest = max(alert.newest, known.alert.newest)
            known.alert = replace(
                known.alert, violation=alert.violation, facts=alert.facts, ends=alert.ends, newest=newest
            )
        if again:
            known.alert = replace(known.alert, newest=max(alert.newest, known.alert.newest))
            known.told_at, known.tellings = alert.at, known.tellings + 1
            for rows in self._out.values():
                if one := rows.get((alert.key, self._number(alert.key))):
                    one.wanted, one.due = known.tellings, alert.at
                    one.since = alert.at if one.since is None else one.since

    def claim(self, target: str, now: int, until: int, limit: int) -> Sequence[Claim]:
        rows = self._out.get(target, {})
        ahead = now + CLOCKS_APART
        due = sorted(
            (one.due, place)
            for place, one in rows.items()
            if one.due <= now or max(one.since or 0, one.told_at or 0) > ahead
        )[:limit]
        found = tuple(self._claim(place, rows[place]) for _, place in due)
        for _, place in due:
            one = rows[place]
            one.due = until
            one.since = now if one.since is not None and one.since > ahead else one.since
            one.told_at = now if one.told_at is not None and one.told_at > ahead else one.told_at
        return found

    def _claim(self, place: tuple[str, int], out: Outgoing) -> Claim:
        raised = self._raised[place]
        alert = raised.alert
        others = [o for o in self._raised.values() if o.held and o.alert.rule == alert.rule]
        stands_for = sum(o.raised_at >= raised.raised_at for o in others) if raised.first == OVERFLOW else 0
        return Claim(
            *place, raised.first, alert.rule, alert.level, alert.tier, alert.facts, alert.starts, alert.ends,
            out.wanted, out.told, out.told_at, out.attempts, self._violation(alert.violation), stands_for,
        )  # fmt: skip

    def settle(self, target: str, settled: Sequence[Settled], now: int) -> None:
        rows = self._out.get(target, {})
        for one in settled:
            place = one.claim.key, one.claim.number
            out = rows.get(place)
            if out is None:
                continue
            if one.done and out.wanted == one.told and self._raised[place].alert.ends <= now:
                del rows[place]
                continue
            out.told, out.told_at, out.attempts = one.told, one.told_at, one.attempts
            out.due = now if out.wanted > one.claim.wanted else one.due
            waits = out.wanted > one.told or bool(one.error)
            out.since = (now if out.since is None else out.since) if waits else None

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        since = {t: [o.since for o in rows.values() if o.since is not None] for t, rows in self._out.items()}
        return {target: (len(times), min(times)) for target, times in since.items() if times}


def quiet(alert: Alert, known: Raised) -> bool:
    """Whether nothing is said of it now: too soon after the last word, or over nothing new."""
    lately = -CLOCKS_APART <= alert.at - known.told_at < alert.realert
    return lately or alert.newest <= known.alert.newest


def is_open(alert: Alert, known: Raised) -> bool:
    """Whether the alert that there is has not ended yet."""
    return known.alert.ends > alert.at and not known.held
