"""The command line: options in, words and exit codes out. Everything else happens below."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from monitor import app as composition
from monitor.app import Decoding, ReplayOptions, ReplayReport, shipped_rules
from monitor.clock import SystemClock
from monitor.decode.reasons import INTENDED
from monitor.demo import generate
from monitor.engine.explain import Answer
from monitor.errors import InputError, SettingsError
from monitor.model import Logsource, TurnFacts
from monitor.pipeline.runner import Bounds
from monitor.review.explained import answer_lines, rule_text
from monitor.review.summary import RuleSummary, by_id, summarize
from monitor.review.terminal import documents, ndjson, print_details, print_summary
from monitor.rules.diagnostics import failed
from monitor.rules.report import render_github, render_json, render_junit, render_text
from monitor.settings import load_settings
from monitor.sources.archive import ArchiveSource

app = typer.Typer(
    name="privwatch",
    help="Watches access and application logs for personal data that policy says should not be there.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)

FOUND = 1
"""Exit code of `replay` and `check` where there is something to look at."""

COULD_NOT_RUN = 2
"""Exit code where nothing could be done; the reason is on stderr."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

NEXT_STEPS = """
Where to look next
  where in the logs, and on what evidence (masked)
      {privwatch} replay {logs} --store {store} --output details
  why one line of a log matched
      {privwatch} explain {rule} --event {file} --line {line}
  everything, for programs
      {privwatch} replay {logs} --store {store} --output json
  your own logs
      {privwatch} replay --help"""
"""Printed after the demo."""

RENDER = {"text": render_text, "json": render_json, "junit": render_junit, "github": render_github}
"""How `check` prints, by the name of `Report`."""

DATA = Path(".privwatch")
"""Where store and key are kept unless said otherwise, in the current folder."""


class Format(StrEnum):
    """Format of records: `auto`, or one of `monitor.decode.FORMATS`."""

    auto = "auto"
    json = "json"
    access = "access"
    text = "text"
    table = "table"


class Output(StrEnum):
    """How violations are printed."""

    table = "table"
    details = "details"
    json = "json"
    ndjson = "ndjson"


class Report(StrEnum):
    """How `check` prints."""

    text = "text"
    json = "json"
    junit = "junit"
    github = "github"


Rules = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules", "-r", help="Rule file or folder; may be given again (default: the shipped rules)."
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


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"privwatch {version('privwatch')}")
        raise typer.Exit


@app.callback()
def common(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    """Watches access and application logs for personal data that policy says should not be there."""


def _instant(text: str | None) -> int | None:
    """A time on the command line as microseconds UTC."""
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


def _bounds(since: str | None, until: str | None) -> Bounds:
    bounds = Bounds(_instant(since), _instant(until))
    if bounds.since is not None and bounds.until is not None and bounds.since >= bounds.until:
        raise SettingsError(f"--since {since} is not before --until {until}: no event could lie between")
    return bounds


def _aliases(options: Sequence[str] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """FIELD=PATH options as the decoder takes them."""
    aliases: dict[str, tuple[str, ...]] = {}
    for option in options or ():
        name, _, path = option.partition("=")
        if not (name and path):
            raise SettingsError("--field wants FIELD=PATH, for example --field user.name=login")
        aliases[name] = (*aliases.get(name, ()), path)
    return tuple(aliases.items())


@app.command()
def replay(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Files, folders, globs: NDJSON, access logs, text, CSV, Parquet; also as .gz and .zst.",
        ),
    ],
    rules: Rules = None,
    store: Annotated[Path, typer.Option(help="Database of violations (SQLite).")] = DATA / "privwatch.db",
    key: Annotated[
        Path | None, typer.Option(help="Key of pseudonyms (default: the store's name with .key).")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Replays into different namespaces never meet.")] = "replay",
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option(help="Format of the logs; auto looks at each file.")
    ] = Format.auto,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only events at or after this time, e.g. 2026-11-16T09:30."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only events before this time.")] = None,
    field: Fields = None,
    time_field: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Where the event time is (default: in the usual places)."),
    ] = None,
    year: Annotated[
        int | None, typer.Option(help="Year of text lines whose times have none (syslog).")
    ] = None,
    category: Annotated[str | None, typer.Option(help="Logsource category of these logs.")] = None,
    product: Annotated[str | None, typer.Option(help="Logsource product of these logs.")] = None,
    service: Annotated[str | None, typer.Option(help="Logsource service of these logs.")] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print.")] = Output.table,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 also with violations.")] = False,
) -> None:
    """Run archived logs through the rules and store the violations.

    Doing it again changes nothing. Exits 0 where the store holds no violation of this namespace, 1 where it
    holds some, 2 where the replay could not run or not one record could be read.
    """
    options = ReplayOptions(
        inputs=tuple(inputs),
        rules=tuple(rules or [shipped_rules()]),
        store=store,
        key=key or store.with_suffix(".key"),
        namespace=namespace,
        decoding=Decoding(
            format=format.value,
            logsource=Logsource(category, product, service),
            aliases=_aliases(field),
            time_fields=tuple(time_field or ()),
            year=year,
        ),
        bounds=_bounds(since, until),
    )
    report = _replay(options)
    _print_report(report, output, store)
    if not report.events and set(report.rejects) - INTENDED:
        raise InputError("no record could be read, so nothing was looked at; say their --format")
    if report.violations and not exit_zero:
        raise typer.Exit(FOUND)


def _replay(options: ReplayOptions) -> ReplayReport:
    """The replay, with a progress bar where a person watches."""
    with _bar() as bar:
        task = bar.add_task("reading", total=None)

        def opened(source: ArchiveSource) -> None:
            bar.update(task, total=source.progress.total)
            sources.append(source)

        def observe(_: TurnFacts) -> None:
            bar.update(task, completed=sources[0].progress.done)

        sources: list[ArchiveSource] = []
        try:
            return composition.replay(options, observe=observe, opened=opened)
        except KeyboardInterrupt:
            pass
    typer.echo(
        f"privwatch: stopped; what {options.store} holds by now stays, the same command goes on from there",
        err=True,
    )
    raise typer.Exit(INTERRUPTED)


@contextmanager
def _bar() -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar


def _print_report(report: ReplayReport, output: Output, store: Path) -> list[RuleSummary]:
    rules = by_id(report.ruleset)
    lines = summarize(report.violations, rules)
    match output:
        case Output.json:
            typer.echo(documents(report.violations, rules))
        case Output.ndjson:
            for line in ndjson(report.violations, rules):
                typer.echo(line)
        case Output.details:
            print_details(Console(), lines, rules)
        case Output.table:
            print_summary(Console(), lines)
    typer.echo(_totals(report, store), err=True)
    return lines


def _totals(report: ReplayReport, store: Path) -> str:
    """What was read, what could not be, where the rest is: nothing goes unsaid."""
    found, rules = len(report.violations), len({v.rule for v in report.violations})
    told = f"{found:,} violations of {rules:,} rules" if found else "no violations"
    lines = [f"{told} in {report.events:,} events; stored in {store}"]
    if report.records:
        rate = report.records / report.seconds if report.seconds else 0
        read = f"this run read {report.records:,} records, {report.size / 1e6:,.1f} MB"
        lines.append(f"{read}, in {report.seconds:.1f} s ({rate:,.0f} records/s)")
    else:
        lines.append("this run read nothing new")
    lines += [f"not evaluated: {count:,} records, {reason}" for reason, count in report.rejects.items()]
    facts = ("untimed", "late", "skipped", "utf8_replaced")
    lines += [f"{fact}: {report.facts[fact]:,} events" for fact in facts if report.facts.get(fact)]
    return "\n".join(lines)


@app.command()
def run(
    config: Annotated[Path, typer.Option("--config", "-c", help="Settings, see docs/settings.md.")] = Path(
        "privwatch.yml"
    ),
) -> None:
    """Watch topics of Apache Kafka: evaluate, store violations, answer on /metrics.

    Stops cleanly on SIGTERM and on Ctrl-C: what was read is stored first. Exits 0 then, 2 where it could not
    run.
    """
    settings = load_settings(config, os.environ)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    reading, stopped = threading.Event(), threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        if not reading.is_set():
            raise KeyboardInterrupt  # nothing was read yet, so that there is nothing to wait for

    def started(line: str) -> None:
        reading.set()
        typer.echo(line, err=True)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with suppress(KeyboardInterrupt):
        composition.run(settings, stop=stopped.is_set, started=started)
    typer.echo("stopped; what was read is stored", err=True)


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Rule files and folders (default: the shipped rules)."),
    ] = None,
    output: Annotated[Report, typer.Option("--output", "-o", help="How to print.")] = Report.text,
) -> None:
    """Check rules: syntax, lint, and the tests inside them.

    Shows every problem of every file at once. Exits 0 where all is well (warnings included), 1 where there
    are errors or failed tests, 2 where the check could not run.
    """
    missing = [str(p) for p in paths or [] if not p.exists()]
    if missing:
        raise InputError(f"there is no {', '.join(missing)}; name rule files or folders")
    diagnostics, outcomes = composition.check_rules(paths or [shipped_rules()], SystemClock())
    typer.echo(RENDER[output.value](diagnostics, outcomes).rstrip("\n"))
    if failed(diagnostics) or not all(o.passed for o in outcomes):
        raise typer.Exit(FOUND)


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(help="Id or name of a rule.")],
    event: Annotated[
        Path | None, typer.Option("--event", "-e", help="A file of events (or - for stdin) to ask the rule.")
    ] = None,
    line: Annotated[
        int | None, typer.Option(min=1, help="Only this line of the file, as violations name it.")
    ] = None,
    rules: Rules = None,
    format: Annotated[Format, typer.Option(help="Format of the events.")] = Format.auto,  # noqa: A002 - the option's name
    field: Fields = None,
) -> None:
    """Show what a rule is for and compiled to, and for events, which selection held and which did not.

    Of a correlation it shows what is counted, and the rules whose events those are. Values of events are
    masked.
    """
    decoding = Decoding(format=format.value, aliases=_aliases(field))
    explained, answers = composition.explain(rule, rules or [shipped_rules()], event, decoding, line)
    typer.echo(rule_text(explained))
    asked = matched = 0
    for answer in answers:
        asked += isinstance(answer, Answer)
        matched += isinstance(answer, Answer) and answer.verdict.matched
        typer.echo("\n".join(answer_lines(answer, name_rule=len(explained.decided_by) > 1)))
    if event is not None and not asked:
        raise InputError(f"{event} holds no event" + (f" on line {line}" if line else ""))
    if asked > 1:
        typer.echo(f"{matched:,} of {asked:,} events match")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the made-up logs and their store go.")] = Path(".demo"),
    seed: Annotated[int, typer.Option(help="Another seed is another week.")] = 1,
) -> None:
    """Make a believable, made-up week of logs, replay it, and show what it holds."""
    logs = folder / "logs"
    with Console(stderr=True).status("making up a week of logs"):
        manifest = generate(logs, seed=seed)
    lines = sum(height for _, height in manifest.files)
    typer.echo(f"A made-up week of a company that does not exist: {lines:,} log lines in {logs}\n")
    store = folder / "privwatch.db"
    report = _replay(ReplayOptions((str(logs),), (shipped_rules(),), store, store.with_suffix(".key")))
    found = _print_report(report, Output.table, store)
    shown = next(v for summary in found for v in summary.largest if v.kind == "event")
    sample, header = shown.samples[0], by_id(report.ruleset)[shown.rule].header
    typer.echo(
        NEXT_STEPS.format(
            privwatch=_invoked(),
            store=store,
            logs=logs,
            rule=header.name,
            file=logs / Path(sample.partition.rpartition("#")[0]).name,
            line=sample.offset + 1,
        )
    )


def _invoked() -> str:
    """How to call this program again: by its name where the shell finds it, else by its path."""
    command = Path(sys.argv[0])
    if command.name == "__main__.py":
        return "python -m monitor"
    found = shutil.which(command.name)
    return command.name if found and Path(found).samefile(command) else sys.argv[0]
