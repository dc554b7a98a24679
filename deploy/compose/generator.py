"""Logs of a company that does not exist, as they come: requests to its shop, records of its applications.

What `privwatch demo` writes into files, played in the time of the day: what yesterday and today brought so
far is told at once, then each line when its time comes. Requests go to nginx, which writes the access log
itself and therefore says "now" of each; so of the past only those of the last hour are made, or of as many as
`--asked-hours` says.
"""

import argparse
import json
import re
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from kafka import KafkaProducer

from monitor.clock import SystemClock
from monitor.demo import generate

CLOCK = SystemClock()
HOUR = 3_600_000_000
RECORDS = ("application.ndjson", "database.ndjson")
LINE = re.compile(
    r'(?P<ip>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "GET (?P<path>\S+) [^"]*" '
    r'\S+ \S+ "(?P<from>[^"]*)" "(?P<agent>[^"]*)"'
)


def day(now: int) -> date:
    """The day of a time in microseconds."""
    return datetime.fromtimestamp(now / 1e6, UTC).date()


def micros(at: datetime) -> int:
    """Microseconds UTC."""
    return int(at.timestamp() * 1e6)


def clock(at: str) -> int:
    """Microseconds UTC of a time as access logs write it."""
    return micros(datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z"))


def lines(seed: int, start: date, days: int, events: int) -> list[tuple[int, str, str]]:
    """(microseconds, file, line) of some days, in order of time."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), seed=seed, start=start, days=days, events_per_day=events)
        for name in RECORDS:
            for line in Path(folder, name).read_text(encoding="utf-8").splitlines():
                at = datetime.fromisoformat(json.loads(line)["@timestamp"])
                found.append((micros(at), name, line))
        asked = Path(folder, "access.log").read_text(encoding="utf-8").splitlines()
    found += [(clock(said["at"]), "", line) for line in asked if (said := LINE.match(line))]
    return sorted(found)


def endless(now: int, events: int) -> Iterator[tuple[int, str, str]]:
    """Yesterday, today, and each day after them."""
    today = day(now)
    yield from lines(1, today - timedelta(days=1), 2, events)
    for number in range(1, sys.maxsize):
        yield from lines(1 + number, today + timedelta(days=number), 1, events)


def ask(shop: str, line: str) -> None:
    """Make a request as a line of the log says it was made; a shop that is away is asked again next time."""
    said = LINE.match(line)
    if said is None:
        return
    heads = {"User-Agent": said["agent"], "Referer": said["from"], "X-Forwarded-For": said["ip"]}
    request = urllib.request.Request(shop + said["path"], headers=heads)  # noqa: S310 - http://, as started
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
            answer.read()
    except (OSError, urllib.error.URLError):
        return


def main() -> None:
    """Until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--shop", required=True, help="where nginx answers")
    parser.add_argument("--events-per-day", type=int, default=30_000)
    parser.add_argument("--asked-hours", type=int, default=1, help="hours back whose requests are made")
    said = parser.parse_args()
    producer = KafkaProducer(bootstrap_servers=said.bootstrap, linger_ms=20)
    begun = CLOCK.now()
    for at, name, line in endless(begun, said.events_per_day):
        ahead = at - CLOCK.now()
        if ahead > 0:
            producer.flush()
            CLOCK.sleep(ahead / 1e6)
        if name:
            producer.send(said.topic, value=line.encode())
        elif at > begun - said.asked_hours * HOUR:
            ask(said.shop, line)


if __name__ == "__main__":
    main()
