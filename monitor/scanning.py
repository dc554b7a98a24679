"""The command `privwatch scan`: a survey of logs, for whoever does not know yet what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.lazily import Lazily

if TYPE_CHECKING:
    from monitor import app as composition
    from monitor.review import surveyed
else:
    composition, surveyed = Lazily("monitor.app"), Lazily("monitor.review.surveyed")


def scan(
    paths: Annotated[list[str], typer.Argument(help="Log files, folders or globs.")],
    detector: Annotated[
        list[str] | None,
        typer.Option(
            "--detector", "-d", help="Class or group of the catalogue; may be given again (default: every)."
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(metavar="FORMAT", help="Format of the records, as of replay.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what personal data is in logs: in which fields, in which state, how often. No rule is asked.

    Values are counted and never shown. Values that are nobody's are left out.
    """
    found = composition.scan(paths, tuple(detector or ("every",)), format)
    findings = found.findings()
    typer.echo("\n".join(surveyed.lines(findings) if as_json else surveyed.table(findings)))
    typer.echo(surveyed.total(found.events, found.rejects), err=True)
