"""Options that several commands have: where rules are, how records are read, which times are looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.errors import SettingsError
from monitor.lazily import Lazily
from monitor.model import Logsource

if TYPE_CHECKING:
    from monitor.pipeline import runner, ways
else:
    runner, ways = Lazily("monitor.pipeline.runner"), Lazily("monitor.pipeline.ways")

DATA = Path(".privwatch")
"""Where store and key are kept unless said otherwise, in the current folder."""


class Format(StrEnum):
    """Format of records: `auto`, or one of `monitor.decode.FORMATS`."""

    auto = "auto"
    json = "json"
    access = "access"
    text = "text"
    table = "table"


Rules = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules",
        "-r",
        help="Rule file or folder, or the word shipped (the default); may be given again.",
    ),
]

Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="FIELD=PATH",
        help="Where the logs hold a field of the rules, e.g. user.name=login; may be given again.",
    ),
]

TimeFields = Annotated[
    list[str] | None,
    typer.Option(metavar="PATH", help="Where the event time is (default: in the usual places)."),
]

RecordFormat = Annotated[
    Format,
    typer.Option(
        metavar="FORMAT",
        help="Format of the logs: json, access, text or table (CSV, Parquet); auto looks at each file.",
    ),
]

Year = Annotated[
    int | None,
    typer.Option(min=1971, max=2199, help="Year of text lines whose times have none (syslog)."),
]

Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only events at or after this time, e.g. 2026-11-16T09:30."),
]

Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only events before this time.")]

Category = Annotated[str | None, typer.Option(help="Logsource category of these logs.")]
Product = Annotated[str | None, typer.Option(help="Logsource product of these logs.")]
Service = Annotated[str | None, typer.Option(help="Logsource service of these logs.")]

KafkaRecords = Annotated[
    bool,
    typer.Option(
        "--kafka-records", help="PATHs are Parquet of Kafka records: topic, partition, offset, value."
    ),
]


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Settings of run, of which the section detectors holds here (default: none).",
    ),
]


def instant(text: str | None) -> int | None:
    """A time on the command line as microseconds UTC.

    Raises:
        SettingsError: it is none.
    """
    if text is None:
        return None
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is not a time; write 2026-11-16 or 2026-11-16T09:30:00+01:00 (without a zone: UTC)"
        ) from None
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return round(at.timestamp() * 1_000_000)


def bounds(since: str | None, until: str | None) -> runner.Bounds:
    """Both ends of the times to look at.

    Raises:
        SettingsError: one is no time, or nothing lies between them.
    """
    found = runner.Bounds(instant(since), instant(until))
    if found.since is not None and found.until is not None and found.since >= found.until:
        raise SettingsError(f"--since {since} is not before --until {until}: no event could lie between")
    return found


def aliases(options: Sequence[str] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """FIELD=PATH options as the decoder takes them.

    Raises:
        SettingsError: one is not of that form.
    """
    found: dict[str, tuple[str, ...]] = {}
    for option in options or ():
        name, _, path = option.partition("=")
        if not (name and path):
            raise SettingsError("--field wants FIELD=PATH, for example --field user.name=login")
        found[name] = (*found.get(name, ()), path)
    return tuple(found.items())


def decoding(
    form: Format,
    logsource: tuple[str | None, str | None, str | None],
    fields: Sequence[str] | None,
    time_fields: Sequence[str] | None,
    year: int | None,
) -> ways.Decoding:
    """How records are read; `logsource` is category, product and service.

    Raises:
        SettingsError: a field is not of its form.
    """
    category, product, service = logsource
    return ways.Decoding(
        format=form.value,
        logsource=Logsource(category or None, product or None, service or None),
        aliases=aliases(fields),
        time_fields=tuple(time_fields or ()),
        year=year,
    )
