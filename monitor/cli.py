"""The command line: options in, words and exit codes out. Everything else happens below."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from monitor.decode import AUTO, FORMATS
from monitor.demo import generate
from monitor.errors import InputError, SettingsError
from monitor.model import Logsource, TurnFacts
from monitor.pipeline.runner import Bounds
from monitor.review.summary import by_id, summarize
from monitor.review.terminal import documents, explanation_text, ndjson, print_summary, verdict_text
from monitor.rules.diagnostics import failed
from monitor.rules.report import render_github, render_json, render_junit, render_text
from monitor.sources.archive import ArchiveSource

app = typer.Typer(
    name="privwatch",
    help="Watches access and application logs for personal data that policy says should not be there.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FOUND = 1
"""Exit code of `replay` and `check` where there is something to look at."""

COULD_NOT_RUN = 2
"""Exit code where nothing could be done; the reason is on stderr."""

NEXT_STEPS = """
Where to look next
  one violation, all it says     privwatch replay {logs} --store {store} --namespace demo -o json | less
  why a rule matched             privwatch explain email_in_url --event {logs}/access.log | less
  what the rules say             privwatch check
  your own logs                  privwatch replay /var/log/nginx/*.log*"""
"""Printed after the demo."""

RENDER = {"text": render_text, "json": render_json, "junit": render_junit, "github": render_github}
"""How `check` prints, by the name of `Report`."""

DATA = Path(".privwatch")
"""Where store and key are kept unless said otherwise, in the current folder."""


class Output(StrEnum):
    """How violations are printed."""

    table = "table"
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
        "--rules", "-r", help="Rule file or folder; may be given again. [default: the shipped rules]"
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


def _pairs(options: Sequence[str], name: str) -> list[tuple[str, str]]:
    pairs = [option.partition("=") for option in options]
    for left, equals, right in pairs:
        if not (left and equals and right):
            raise SettingsError(f"--{name} wants FIELD=PATH, for example --{name} user.name=login")
    return [(left, right) for left, _, right in pairs]


@app.command()
def replay(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…",
            help="Files, folders, globs: NDJSON, access logs, text, CSV, Parquet; also as .gz and .zst.",
        ),
    ],
    rules: Rules = None,
    store: Annotated[Path, typer.Option(help="Database of violations (SQLite).")] = DATA / "privwatch.db",
    key: Annotated[
        Path | None, typer.Option(help="Key of pseudonyms. [default: the store's name with .key]")
    ] = None,
    namespace: Annotated[str, typer.Option(help="Replays into different namespaces never meet.")] = "replay",
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(help=f"One of {', '.join((AUTO, *FORMATS))}; auto looks at each file.")
    ] = AUTO,
    since: Annotated[str | None, typer.Option(help="Only events at or after this time.")] = None,
    until: Annotated[str | None, typer.Option(help="Only events before this time.")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=PATH: where the logs hold a field of the rules, e.g. user.name=login."),
    ] = None,
    time_field: Annotated[
        list[str] | None, typer.Option(help="Where the event time is. [default: looks in the usual places]")
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
    holds some, 2 where the replay could not run.
    """
    aliases: dict[str, tuple[str, ...]] = {}
    for name, path in _pairs(field or [], "field"):
        aliases[name] = (*aliases.get(name, ()), path)
    options = ReplayOptions(
        inputs=tuple(inputs),
        rules=tuple(rules or [shipped_rules()]),
        store=store,
        key=key or store.with_suffix(".key"),
        namespace=namespace,
        decoding=Decoding(
            format=format,
            logsource=Logsource(category, product, service),
            aliases=tuple(aliases.items()),
            time_fields=tuple(time_field or ()),
            year=year,
        ),
        bounds=Bounds(_instant(since), _instant(until)),
    )
    report = _replay(options)
    _print_report(report, output, store)
    if report.violations and not exit_zero:
        raise typer.Exit(FOUND)


def _replay(options: ReplayOptions) -> ReplayReport:
    """The replay, with a progress bar where a person watches."""
    options.store.parent.mkdir(parents=True, exist_ok=True)
    with _bar() as bar:
        task = bar.add_task("reading", total=None)

        def opened(source: ArchiveSource) -> None:
            bar.update(task, total=source.progress.total)
            sources.append(source)

        def observe(_: TurnFacts) -> None:
            bar.update(task, completed=sources[0].progress.done)

        sources: list[ArchiveSource] = []
        return composition.replay(options, observe=observe, opened=opened)


@contextmanager
def _bar() -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar


def _print_report(report: ReplayReport, output: Output, store: Path) -> None:
    rules = by_id(report.ruleset)
    if output is Output.json:
        typer.echo(documents(report.violations, rules))
    elif output is Output.ndjson:
        for line in ndjson(report.violations, rules):
            typer.echo(line)
    else:
        print_summary(Console(), summarize(report.violations, rules))
    typer.echo(_totals(report, store), err=True)


def _totals(report: ReplayReport, store: Path) -> str:
    """What was read, what could not be, where the rest is: nothing goes unsaid."""
    rate = report.records / report.seconds if report.seconds else 0
    found, rules = len(report.violations), len({v.rule for v in report.violations})
    lines = [f"{found:,} violations of {rules:,} rules in {report.events:,} events; stored in {store}"]
    read = f"this run read {report.records:,} records, {report.size / 1e6:,.1f} MB"
    lines.append(f"{read}, in {report.seconds:.1f} s ({rate:,.0f} records/s)")
    lines += [f"not evaluated: {count:,} records, {reason}" for reason, count in report.rejects.items()]
    facts = ("untimed", "late", "skipped")
    lines += [f"{fact}: {report.facts[fact]:,} events" for fact in facts if report.facts.get(fact)]
    return "\n".join(lines)


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH…", help="Rule files and folders. [default: the shipped rules]"),
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
    rules: Rules = None,
    format: Annotated[str, typer.Option(help="Format of the events.")] = AUTO,  # noqa: A002 - the option's name
) -> None:
    """Show what a rule is compiled to, and for events, which selection held and which did not."""
    explained, verdicts = composition.explain(rule, rules or [shipped_rules()], _events(event), format)
    typer.echo(explanation_text(explained))
    for verdict in verdicts:
        typer.echo(verdict_text(verdict))


def _events(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; name a file of events") from error


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
    report = _replay(
        ReplayOptions((str(logs),), (shipped_rules(),), store, store.with_suffix(".key"), namespace="demo")
    )
    _print_report(report, Output.table, store)
    typer.echo(NEXT_STEPS.format(store=store, logs=logs))
