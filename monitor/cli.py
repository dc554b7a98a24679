"""The command line: options in, words and exit codes out. Everything else happens below."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from monitor import printable
from monitor.baselining import baseline
from monitor.clock import SystemClock
from monitor.errors import InputError, SettingsError
from monitor.lazily import Lazily
from monitor.model import Reject, TurnFacts
from monitor.options import (
    DATA,
    Category,
    Config,
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
from monitor.reviewcli import filters, report, retention, verify, web
from monitor.scanning import scan
from monitor.tokencli import accounts

if TYPE_CHECKING:
    from monitor import app as composition
    from monitor import demo as week
    from monitor import detecting, effective, questions, rehearsing, service
    from monitor import settings as daemon
    from monitor.review import explained as answers_as_text
    from monitor.review import summary, terminal, totals
    from monitor.rules import diagnostics as problems
    from monitor.rules import report as reports
    from monitor.sources.archive import ArchiveSource
    from monitor.sources.topicfile import TopicArchive
else:
    detecting, questions = Lazily("monitor.detecting"), Lazily("monitor.questions")
    effective, service = Lazily("monitor.effective"), Lazily("monitor.service")
    rehearsing = Lazily("monitor.rehearsing")
    composition, week, daemon = Lazily("monitor.app"), Lazily("monitor.demo"), Lazily("monitor.settings")
    answers_as_text = Lazily("monitor.review.explained")
    summary, terminal = Lazily("monitor.review.summary"), Lazily("monitor.review.terminal")
    totals, reports = Lazily("monitor.review.totals"), Lazily("monitor.rules.report")
    problems = Lazily("monitor.rules.diagnostics")

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

NEXT_PAGES = """
  the pages on which somebody decides, with a made-up month ({weeks}); until Ctrl-C
      {privwatch} web --store {month.store}
    sign in as dora (data protection officer) or rene (reviewer), password {month.password}
    Week      what is new, back or gone, and what was read
    Queue     {month.cases} cases, {month.unsettled} of them not settled; what rene proposed waits for dora
    Register  a breach candidate whose 72 hours run, with the draft of a notification; one that was notified
              in two phases; one that was not, and why
    Ledger    who decided what and when; proved by
      {privwatch} verify --store {month.store}
  a week as a file to hand round, signed; those of the month are in {month.reports}
      {privwatch} report --store {month.store} --output {folder}"""

NEXT_STEPS = """
Where to look next{pages}
  where in the logs, and on what evidence (masked)
      {privwatch} replay {logs} --store {store} --rules shipped --rules {tables} --output details
  why one line of a log matched
      {privwatch} explain {rule} --event {file} --line {line}
  everything, for programs
      {privwatch} replay {logs} --store {store} --rules shipped --rules {tables} --output json
  your own logs
      {privwatch} replay --help"""
"""Printed after the demo."""


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
    output: Annotated[
        Output,
        typer.Option(
            "--output",
            "-o",
            metavar="FORM",
            help="How to print: table, details (where, and on what evidence), json or ndjson.",
        ),
    ] = Output.table,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 also with violations.")] = False,
    alerts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings of run, whose targets are told (default: nobody is)."),
    ] = None,
    config: Config = None,
) -> None:
    """Run archived logs through the rules and store the violations.

    Doing it again changes nothing. Exits 0 where the store holds no violation of this namespace, 1 where it
    holds some, 2 where the replay could not run or not one record could be read.
    """
    if not namespace:
        raise SettingsError("--namespace is empty; give it a name, or leave the option out")
    if not store.name or store.parts[0].endswith(":"):
        raise SettingsError(f"--store {store} is a folder or looks like a URL; name a file")
    options = composition.ReplayOptions(
        inputs=tuple(inputs),
        rules=composition.named_rules(rules or ()),
        store=store,
        key=key or store.with_suffix(".key"),
        namespace=namespace,
        decoding=decoding(format, (category, product, service), field, time_field, year),
        bounds=bounds(since, until),
        alerts=None if alerts is None else daemon.load_settings(alerts, os.environ).alerts,
        kafka_records=kafka_records,
        detection=detecting.detection(config, os.environ),
    )
    report = _replay(options)
    _print_report(report, output, store)
    if report.untold:
        typer.echo(f"{report.untold} alerts wait in the store; the same command again sends them", err=True)
    if cure := _totals(report).cure():
        raise InputError(cure)
    if summary.shown(report.violations) and not exit_zero:
        raise typer.Exit(FOUND)


def _replay(options: composition.ReplayOptions) -> composition.ReplayReport:
    """The replay, with a progress bar where a person watches."""
    with _bar() as bar:
        task = bar.add_task("reading", total=None)

        def opened(source: ArchiveSource | TopicArchive) -> None:
            bar.update(task, total=source.progress.total)
            sources.append(source)

        def observe(_: TurnFacts) -> None:
            bar.update(task, completed=sources[0].progress.done)

        sources: list[ArchiveSource | TopicArchive] = []
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
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        yield bar


def _print_report(report: composition.ReplayReport, output: Output, store: Path) -> list[summary.RuleSummary]:
    rules = summary.by_id(report.ruleset)
    lines = summary.summarize(summary.shown(report.violations), rules)
    match output:
        case Output.json:
            typer.echo(terminal.documents(summary.in_order(report.violations), rules))
        case Output.ndjson:
            for line in terminal.ndjson(summary.in_order(report.violations), rules):
                typer.echo(line)
        case Output.details:
            terminal.print_details(Console(), lines, rules)
        case Output.table:
            terminal.print_summary(Console(), lines)
    told = (*totals.passed_over(report.passed_over), *report.over)
    if output is Output.details:
        _say("\n".join(totals.rejected(report.rejected)))
    _say("\n".join([*_totals(report).lines(report.violations, store), *told]), err=True)
    return lines


def _totals(report: composition.ReplayReport) -> totals.Totals:
    return totals.Totals(
        report.events, report.records, report.size, report.seconds, report.rejects, report.facts
    )


def _say(text: str, *, err: bool = False) -> None:
    """Lines on a stream; nothing that others wrote acts on the terminal."""
    if text:
        typer.echo(printable.lines(text), err=err)


@app.command()
def run(
    config: Annotated[Path, typer.Option("--config", "-c", help="Settings, see docs/settings.md.")] = Path(
        "privwatch.yml"
    ),
) -> None:
    """Watch topics of Kafka, files, or stdin: evaluate, store violations, answer on /metrics.

    Stops cleanly on SIGTERM and on Ctrl-C: what was read is stored first. Exits 0 then, 2 where it could not
    run.
    """
    service.run(daemon.load_settings(config, os.environ), os.environ)


@app.command("config")
def configuration(
    config: Annotated[Path, typer.Option("--config", "-c", help="Settings, see docs/settings.md.")] = Path(
        "privwatch.yml"
    ),
    *,
    check: Annotated[bool, typer.Option("--check", help="Check settings and rules (the default).")] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Every setting in force, and where it was said; no secrets.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="JSON Schema of the file, for editors.")] = False,
    hash_password: Annotated[
        bool, typer.Option("--hash-password", help="Hash a password for metrics.auth, asked or piped.")
    ] = False,
) -> None:
    """Check or show what `run` would be told.

    Exits 0 where `run` could start with it, 2 where something is wrong, with every problem at its place.
    """
    if check + show + schema + hash_password > 1:
        raise SettingsError("say one of --check, --print, --schema, --hash-password")
    if schema:
        typer.echo(json.dumps(effective.schema(), indent=2))
    elif hash_password:
        piped = None if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        password = (
            typer.prompt("Password", hide_input=True, confirmation_prompt=True) if piped is None else piped
        )
        typer.echo(effective.password_hash(password))
    elif show:
        typer.echo(effective.as_yaml(daemon.read_settings(config, os.environ)), nl=False)
    else:
        settings = daemon.load_settings(config, os.environ)
        typer.echo(f"{config}: good; {composition.check_settings(settings)}")


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Rule files and folders, or the word shipped (the default)."),
    ] = None,
    output: Annotated[
        Report,
        typer.Option("--output", "-o", metavar="FORM", help="How to print: text, json, junit or github."),
    ] = Report.text,
    config: Config = None,
) -> None:
    """Check rules: syntax, lint, and the tests inside them; with --config also detectors of one's own.

    Shows every problem of every file at once. Exits 0 where all is well (warnings included), 1 where there
    are errors or failed tests, 2 where the check could not run.
    """
    named = composition.named_rules(paths or ())
    missing = [str(p) for p in named if not p.exists()]
    if missing:
        raise InputError(f"there is no {', '.join(missing)}; name rule files or folders")
    detection = detecting.detection(config, os.environ)
    diagnostics, outcomes = questions.check_rules(named, SystemClock(), detection)
    _say(reports.RENDERERS[output.value](diagnostics, outcomes).rstrip("\n"))
    if problems.failed(diagnostics) or not all(o.passed for o in outcomes):
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
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option(metavar="FORMAT", help="Format of the events, as of replay.")
    ] = Format.auto,
    field: Fields = None,
    config: Config = None,
) -> None:
    """Show what a rule is for and compiled to, and for events, which selection held and which did not.

    Of a correlation it shows what is counted, and the rules whose events those are. Values of events are
    masked.
    """
    explained, answers = questions.explain(
        rule,
        composition.named_rules(rules or ()),
        event,
        decoding(format, (None, None, None), field, None, None),
        line=line,
        detection=detecting.detection(config, os.environ),
    )
    _say(answers_as_text.rule_text(explained))
    asked = matched = 0
    for answer in answers:
        asked += not isinstance(answer, Reject)
        matched += not isinstance(answer, Reject) and answer.verdict.matched
        _say("\n".join(answers_as_text.answer_lines(answer, name_rule=len(explained.decided_by) > 1)))
    if event is not None and not asked:
        raise InputError(f"{event} holds no event" + (f" on line {line}" if line else ""))
    if asked > 1:
        typer.echo(f"{matched:,} of {asked:,} events match")


for command in (scan, web, report, filters, verify, retention):
    app.command()(command)
app.add_typer(accounts, name="account")
app.add_typer(baseline, name="baseline")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the made-up logs and their store go.")] = Path(".demo"),
    seed: Annotated[int, typer.Option(help="Another seed is another week.")] = 1,
) -> None:
    """Make a believable, made-up week of logs, replay it, show what it holds; and a month of review.

    The week is always the same. The month ends with the last whole week, so that its clocks run.
    """
    logs = folder / "logs"
    with Console(stderr=True).status("making up a week of logs"):
        manifest = week.generate(logs, seed=seed)
    lines = sum(height for _, height in manifest.files)
    typer.echo(f"A made-up week of a company that does not exist: {lines:,} log lines in {logs}\n")
    store, tables = folder / "privwatch.db", folder / "lookups"
    week.write_tables(tables)
    rules = (composition.shipped_rules(), tables)
    report = _replay(composition.ReplayOptions((str(logs),), rules, store, store.with_suffix(".key")))
    found = _print_report(report, Output.table, store)
    shown = next(v for line in found for v in line.largest if v.kind == "event")
    sample, header = shown.samples[0], summary.by_id(report.ruleset)[shown.rule].header
    typer.echo(
        NEXT_STEPS.format(
            privwatch=_invoked(),
            pages=_month(folder, tables, seed),
            store=store,
            logs=logs,
            tables=tables,
            rule=header.name,
            file=logs / Path(sample.partition.rpartition("#")[0]).name,
            line=sample.offset + 1,
        )
    )


def _month(folder: Path, tables: Path, seed: int) -> str:
    """Make the demo's month of review, and say where its pages are."""
    try:
        with Console(stderr=True).status("a month of review") as status:
            month = rehearsing.rehearse(folder, tables, SystemClock().now(), seed, say=status.update)
    except ModuleNotFoundError as error:
        typer.echo(
            f"no month of review: {error.name} is missing; run: pip install 'privwatch[web]'", err=True
        )
        return ""
    return NEXT_PAGES.format(privwatch=_invoked(), month=month, weeks=" to ".join(month.weeks), folder=folder)


def _invoked() -> str:
    """How to call this program again: by its name where the shell finds it, else by its path."""
    command = Path(sys.argv[0])
    if command.name == "__main__.py":
        return "python -m monitor"
    found = shutil.which(command.name)
    return command.name if found and Path(found).samefile(command) else sys.argv[0]
