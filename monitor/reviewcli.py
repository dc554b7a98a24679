"""The commands of the review: `web`, `account`, `report`, `verify`, `retention`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import printable
from monitor.errors import SettingsError
from monitor.lazily import Lazily

if TYPE_CHECKING:
    from monitor import clock as clocks
    from monitor import reviewing
    from monitor.ledger import signing
    from monitor.review import dismissed, weeks
    from monitor.review import retention as retaining
    from monitor.web import administration, oidc, permissions, reports, serve, site
else:
    clocks, reviewing = Lazily("monitor.clock"), Lazily("monitor.reviewing")
    signing, permissions = Lazily("monitor.ledger.signing"), Lazily("monitor.web.permissions")
    oidc = Lazily("monitor.web.oidc")
    administration, serve = Lazily("monitor.web.administration"), Lazily("monitor.web.serve")
    site, reports = Lazily("monitor.web.site"), Lazily("monitor.web.reports")
    weeks, retaining = Lazily("monitor.review.weeks"), Lazily("monitor.review.retention")
    dismissed = Lazily("monitor.review.dismissed")

FOUND = 1
"""Exit code of `verify` where something is not as it was written."""

SHOWN = 50
"""Faults that are printed; there are rarely more than the first to look into."""

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings of run: its store, namespace, rules and keys are taken."),
]
Store = Annotated[
    str, typer.Option(help="Database of violations: a file or a URL, where no settings are given.")
]
Namespace = Annotated[str, typer.Option(help="Which of the results in the store.")]
Rules = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules", "-r", help="Rule file or folder; may be given again (default: the shipped rules)."
    ),
]
LedgerKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Key the ledger is signed with (default: beside the store, with .ledger.key)."
    ),
]
STORE = str(Path(".privwatch") / "privwatch.db")


def web(
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    rules: Rules = None,
    ledger_key: LedgerKey = None,
    host: Annotated[str, typer.Option(help="Address to answer on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8443,
    cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), to answer over HTTPS.")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="Private key (PEM) of it.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Answer in clear also where other machines reach it.")
    ] = False,
    user_header: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Header in which a proxy says who it let in, e.g. X-Forwarded-User."
        ),
    ] = "",
    proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Address of such a proxy; no other is believed."),
    ] = None,
    api_rate: Annotated[
        int, typer.Option(min=1, help="Calls of the API that each token may make in a minute.")
    ] = 300,
) -> None:
    """Serve the pages on which violations are reviewed: week, queue, verdicts, clocks, register, ledger.

    Accounts are made with `privwatch account`. Stops on Ctrl-C and SIGTERM.
    """
    if bool(user_header) != bool(proxy):
        raise SettingsError("--user-header and --proxy go together: who says it, and whom to believe")
    place = serve.Place(host, port, cert, cert_key, insecure)
    serve.check_place(place)
    here = reviewing.where(config, store, namespace, rules=rules or (), ledger_key=ledger_key)
    options = site.Options(place.secure, user_header, tuple(proxy or ()), api_rate)
    stopwatch = clocks.SystemClock().monotonic
    said = here.sign_in.oidc if here.sign_in else None
    if said and user_header:
        raise SettingsError(
            "people come in through a proxy or a provider; take --user-header or sign_in.oidc away"
        )
    provider = oidc.Provider(said, stopwatch) if said else None
    with reviewing.desk(here) as (desk, _):
        if not desk.book.accounts() and not (said and said.roles):
            raise SettingsError(
                f"{here.store} has no account yet, so nobody could come in; add one: privwatch account NAME "
                "--role dpo"
            )
        made = site.Site(desk, options, stopwatch, provider=provider)
        serve.serve(made, place, lambda url: typer.echo(f"privwatch: the review is at {url}", err=True))


def account(
    name: Annotated[str, typer.Argument(help="Name of the account.")],
    role: Annotated[str, typer.Option(help="viewer, reviewer, dpo, auditor or admin.")],
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    ledger_key: LedgerKey = None,
    lock: Annotated[bool, typer.Option("--lock", help="The account may not come in any more.")] = False,
    by_proxy: Annotated[
        bool, typer.Option("--by-proxy", help="It has no password: a trusted proxy lets it in.")
    ] = False,
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Leave an account that is there as it is.")
    ] = False,
) -> None:
    """Add an account for the review, or change one. The password is asked for, or read from a pipe."""
    here = reviewing.where(config, store, namespace, ledger_key=ledger_key)
    if role not in permissions.ROLES:
        raise SettingsError(f"there is no such role; there are {', '.join(permissions.ROLES)}")
    with reviewing.desk(here) as (desk, _):
        known = desk.book.account(name)
        if lock and known is None:
            raise SettingsError(f"there is no account {name} to lock")
        if if_missing and known is not None:
            typer.echo(f"{name} is there already, as {known.role}")
            return
        password = "" if by_proxy or lock else _password()
        kept, record = administration.kept(name, role, password, known, "privwatch account", active=not lock)
        desk.book.keep_account(kept, record, desk.now())
    typer.echo(f"{name} is {role}{', and locked' if lock else ''}")


def _password() -> str:
    """The password, asked twice where a person types it."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    piped = sys.stdin.readline().rstrip("\r\n")
    if not piped:
        raise SettingsError("no password came on standard input; pipe one, or say --by-proxy")
    return piped


def report(
    week: Annotated[
        str | None,
        typer.Option(
            metavar="WEEK", help="As 2026-W47 (default: the last one in which something was found)."
        ),
    ] = None,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="html, pdf, csv, xlsx, json; may be given again.")
    ] = None,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files.")] = Path(),
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    rules: Rules = None,
    ledger_key: LedgerKey = None,
) -> None:
    """Write the report of a week: charts, cases and verdicts, clocks, coverage; each file with its signature.

    The same week gives the same bytes as long as nothing more was read and no verdict changed.
    """
    wanted = form or ["html"]
    unknown = [one for one in wanted if one not in reports.FORMATS]
    if unknown:
        raise SettingsError(f"there is no format {unknown[0]}; there are {', '.join(reports.FORMATS)}")
    here = reviewing.where(config, store, namespace, rules=rules or (), ledger_key=ledger_key)
    with reviewing.desk(here) as (desk, _):
        chosen = weeks.week(week) if week else desk.latest()
        for one in wanted:
            made = reports.export(desk, chosen, one, "privwatch report")
            for file in reviewing.written(made, folder):
                typer.echo(str(file))


def filters(
    folder: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the files.")] = None,
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    rules: Rules = None,
    ledger_key: LedgerKey = None,
) -> None:
    """Propose filters from false positives, and say what each would have hidden. None is applied.

    With --output each is written as a file, to be read, completed and put beside the rules.
    """
    here = reviewing.where(config, store, namespace, rules=rules or (), ledger_key=ledger_key)
    with reviewing.desk(here) as (desk, _):
        found = dismissed.proposals(desk)
        for one in found:
            typer.echo(printable.line(dismissed.line(one)))
            if folder is not None:
                said = {"file": one.name, "hides": len(one.hidden)}
                desk.note("filter.taken", one.key, "privwatch filters", said)
                reviewing.file_written(folder, one.name, one.text)
    if not found:
        typer.echo(
            f"no filter is proposed: {dismissed.LEAST} dismissed cases of a rule have to name one system"
        )


def verify(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Reports to check in place of the store, each with its .sig beside it."),
    ] = None,
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    ledger_key: LedgerKey = None,
    public_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Public key, or its file (default: beside the key, with .pub)."),
    ] = None,
) -> None:
    """Check that nothing in the store was changed, removed, moved or back-dated, or that a report was not.

    Needs no network, and changes nothing that it checks. Keep the public key, and now and then the newest
    hash, where those who can write the store cannot: the check rests on them. Exits 0 where all holds, 1
    where something does not, each by its name.
    """
    here = reviewing.where(config, store, namespace, ledger_key=ledger_key)
    public, source = reviewing.public_key(here, public_key, alone=bool(files))
    if files:
        _verify_files(files, public, source, here)
        return
    found = reviewing.verify(here, public)
    faults = found.faults
    for fault in faults[:SHOWN]:
        typer.echo(printable.line(f"{fault.where}: {fault.what}"))
    if len(faults) > SHOWN:
        typer.echo(f"and {len(faults) - SHOWN:,} more")
    typer.echo(f"{found.entries:,} entries, signed with {signing.named(public)} (from {source})", err=True)
    if found.waiting:
        typer.echo(f"violations that the ledger does not know yet: {found.waiting:,}", err=True)
    if found.erased:
        typer.echo(f"entries whose payload was erased: {found.erased:,}", err=True)
    if faults:
        raise typer.Exit(FOUND)
    typer.echo("all holds: ledger, violations, cases and accounts are as they were written")


def _verify_files(files: list[Path], public: str, source: str, here: reviewing.Where) -> None:
    """Say of each file what is wrong with it."""
    wrong = 0
    for file in files:
        problem, head = reviewing.verify_export(file, public, here)
        wrong += bool(problem)
        typer.echo(
            printable.line(f"{file}: {problem or f'holds; it rests on entry {head.size} of its ledger'}")
        )
    typer.echo(f"checked with the key {signing.named(public)} (from {source})", err=True)
    if wrong:
        raise typer.Exit(FOUND)


def retention(
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    ledger_key: LedgerKey = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go (default).")] = False,
) -> None:
    """Say what is too old by the settings' `retention`, or remove it, counted and written in the ledger.

    Cases on hold, under a clock or an acceptance that runs are kept whatever their age.
    """
    if apply and dry_run:
        raise SettingsError("--apply and --dry-run exclude each other; say one of them")
    here = reviewing.where(config, store, namespace, ledger_key=ledger_key)
    with reviewing.desk(here) as (desk, _):
        if not apply:
            for line in retaining.due(desk.book, desk.retention, desk.now()):
                held = f" ({line.kept:,} more are kept on hold or by a clock)" if line.kept else ""
                typer.echo(f"{line.due:>11,} {retaining.LABELS[line.kind]} before {line.before}{held}")
            typer.echo("nothing was removed; --apply removes it", err=True)
            return
        gone = dict.fromkeys(retaining.LABELS, 0)
        for kind, count in retaining.steps(desk.book, desk.retention, desk.now(), "privwatch retention"):
            if kind:
                gone[kind] += count
        for kind, count in gone.items():
            typer.echo(f"{count:>11,} {retaining.LABELS[kind]} removed")
