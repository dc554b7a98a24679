"""When a week's report is due, and which week's."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from monitor.review.clocks import micros, moment
from monitor.review.weeks import Week, week_at


def due(now: int, weekday: int, hour: int, zone: ZoneInfo) -> Week:
    """The week whose report is due: the last that was over at the newest such hour.

    Args:
        now: microseconds UTC.
        weekday: 0 is Monday.
        hour: of that day, on the clock of the zone.
        zone: weeks themselves are those of UTC, like everywhere.
    """
    here = moment(now).astimezone(zone)
    day = here.date() - dt.timedelta(days=(here.weekday() - weekday) % 7)
    at = micros(dt.datetime.combine(day, dt.time(hour), zone))
    if at > now:
        at = micros(dt.datetime.combine(day - dt.timedelta(days=7), dt.time(hour), zone))
    return week_at(at).moved(-1)
