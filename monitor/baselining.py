"""The command `privwatch baseline`: learn what is normal from an archive, show it, draw it."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import printable
from monitor.errors import InputError, SettingsError
from monitor.lazily import Lazily
from monitor.options import (
    DATA,
    Category,
    Fields,
    Format,
    KafkaRecords,
    Product,
    RecordFormat,
    Rules,
    Service,
    Since,
    TimeFields,
    Until,
    Year,
    bounds,
    decoding,
)

if TYPE_CHECKING:
    from monitor import app as composition
    from monitor import detecting, learning
    from monitor import settings as daemon
    from monitor.review import charted, drawn, portrayed
else:
    composition, learning = Lazily("monitor.app"), Lazily("monitor.learning")
    detecting = Lazily("monitor.detecting")
    daemon = Lazily("monitor.settings")
    charted, drawn = Lazily("monitor.review.charted"), Lazily("monitor.review.drawn")
    portrayed = Lazily("monitor.review.portrayed")

baseline = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Learn what is normal from an archive; show it; draw it. See docs/baselines.md.",
)

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings of run: take its rules, store, namespace and key."),
]
Store = Annotated[
    str | None, typer.Option(help="Database: a file or a URL (default: .privwatch/privwatch.db).")
]
Key = Annotated[Path | None, typer.Option(help="Key of pseudonyms (default: the store's name with .key).")]
Namespace = Annotated[str | None, typer.Option(help="Which results of the store (default: replay).")]
_WHO = (
    "An actor: its pseudonym or group as violations have it, or its name in the logs, which is hashed at "
    "once; - reads it from stdin."
)
Who = Annotated[str, typer.Argument(metavar="WHO", help=_WHO)]
Anybody = Annotated[str | None, typer.Argument(metavar="[WHO]", help=f"{_WHO} Without it: who is known.")]
OneRule = Annotated[str, typer.Option("--rule", help="Only this rule (id or name).")]
OfDay = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="The day (UTC; default: that of the newest violation, or the last)."),
]


@baseline.command()
def learn(
    inputs: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Archived logs, as of replay: files, folders, globs.")
    ],
    config: Config = None,
    rules: Rules = None,
    store: Store = None,
    key: Key = None,
    namespace: Namespace = None,
    format: RecordFormat = Format.auto,  # noqa: A002 - the option's name
    kafka_records: KafkaRecords = False,
    since: Since = None,
    until: Until = None,
    field: Fields = None,
    time_field: TimeFields = None,
    year: Year = None,
    category: Category = None,
    product: Product = None,
    service: Service = None,
) -> None:
    """Take the habits of archived logs for known: nothing in them is judged, everything later is by them.

    Doing it again changes nothing. Exits 0, or 2 where nothing could be learned.
    """
    place, named = _place(config, rules, store, key, namespace)
    lesson = learning.Lesson(
        inputs=tuple(inputs),
        rules=named,
        decoding=decoding(format, (category, product, service), field, time_field, year),
        bounds=bounds(since, until),
        kafka_records=kafka_records,
    )
    report = learning.learn(place, lesson)
    _say(
        portrayed.learned(
            [(one.rule, one.groups, one.people, one.days, one.first, one.last) for one in report.rules]
        )
    )
    _say([*report.totals.read_lines()], err=True)
    if cure := report.totals.cure():
        raise InputError(cure)


@baseline.command()
def show(
    who: Anybody = None,
    config: Config = None,
    rules: Rules = None,
    store: Store = None,
    key: Key = None,
    namespace: Namespace = None,
    rule: OneRule = "",
    day: OfDay = None,
) -> None:
    """Say what is normal for an actor by hour and kind of day, what broke it, and what it would take."""
    place, named = _place(config, rules, store, key, namespace)
    if who is None:
        for one, lines in learning.known(place, named, rule=rule):
            _say([portrayed.named(one), *portrayed.table([_listed(line) for line in lines]), ""])
        return
    for found in learning.show(place, named, _asked(who), rule=rule, day=_day(day)):
        said = portrayed.lines(found.rule, _called(found), found.portrait, found.other, found.violations)
        _say([*said, ""])


@baseline.command()
def plot(
    who: Who,
    config: Config = None,
    rules: Rules = None,
    store: Store = None,
    key: Key = None,
    namespace: Namespace = None,
    rule: OneRule = "",
    day: OfDay = None,
    svg: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw a picture (SVG) instead; of several rules one file each."),
    ] = None,
) -> None:
    """Draw a day of an actor over what is normal for it, and the days before: here, or as a picture."""
    place, named = _place(config, rules, store, key, namespace)
    shown = learning.show(place, named, _asked(who), rule=rule, day=_day(day))
    for found in shown:
        said = found.said()
        if svg is not None:
            name = found.rule.header.name or found.rule.header.id
            path = svg if len(shown) == 1 else svg.with_name(f"{svg.stem}-{name}{svg.suffix}")
            _write(path, drawn.picture(found.rule.header.title, _called(found), found.portrait, said))
            continue
        _say(
            [
                portrayed.named(found.rule),
                f"{_called(found)}, {portrayed.weekday_of(found.portrait.day)}",
                f"by hour ({found.portrait.clock})",
                *charted.chart(charted.hours(found.portrait)),
                "",
                "by day",
                *charted.chart(charted.days(found.portrait, said)),
                "",
            ]
        )


def _place(
    config: Path | None,
    rules: list[Path] | None,
    store: str | None,
    key: Path | None,
    namespace: str | None,
) -> tuple[learning.Place, tuple[Path, ...]]:
    """Where habits are, and by which rules: as the settings say, or as replay has it; options go first."""
    if namespace == "":
        raise SettingsError("--namespace is empty; give it a name, or leave the option out")
    if config is None:
        named = store or str(DATA / "privwatch.db")
        place = learning.Place(named, namespace or "replay", key or _key_beside(named))
        return place, composition.named_rules(rules or ())
    settings = daemon.load_settings(config, os.environ)
    place = learning.Place(
        store or settings.store,
        namespace or settings.namespace,
        key or settings.key,
        settings.store_password_file,
        detecting.Detection(settings.detectors),
    )
    return place, composition.named_rules(rules or settings.rules)


def _key_beside(store: str) -> Path:
    if "://" in store:
        raise SettingsError("--store is a URL; say with --key which file holds the key of its pseudonyms")
    if not Path(store).name:
        raise SettingsError(f"--store {store} is a folder; name a file")
    return Path(store).with_suffix(".key")


def _asked(who: str) -> str:
    """Who is asked for; a name need not stand on the command line, where others see it."""
    name = sys.stdin.readline().rstrip("\r\n") if who == "-" else who
    if not name:
        raise SettingsError("the name of the actor is empty")
    return name


def _day(text: str | None) -> int | None:
    """A date as days since the epoch."""
    if text is None:
        return None
    try:
        return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days
    except ValueError:
        raise SettingsError(f"--day {text!r} is no date; write 2026-11-16") from None


def _called(found: learning.Shown) -> str:
    return f"actor {found.actor}" if found.actor else f"group {found.group}"


def _listed(line: learning.Line) -> tuple[str, str, int, float, int, int, int]:
    who = line.actor or line.group
    return who, line.peers, line.days, line.usual, line.week, line.last, line.violations


def _say(lines: list[str], *, err: bool = False) -> None:
    """Lines on a stream; nothing that others wrote acts on the terminal."""
    for line in lines:
        typer.echo(printable.line(line), err=err)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        shown = printable.path_text(path)
        raise InputError(f"{shown} cannot be written: {error.strerror}. Name another place.") from None
    typer.echo(f"drawn in {printable.path_text(path)}")
