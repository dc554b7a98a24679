"""The command `privwatch scan`: a survey of logs, for whoever does not know yet what is in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.clock import SystemClock
from monitor.errors import InputError
from monitor.lazily import Lazily
from monitor.options import Config
from monitor.printable import path_text

if TYPE_CHECKING:
    from monitor import app as composition
    from monitor import detecting, questions
    from monitor.detectors import Catalogue
    from monitor.engine.survey import Finding
    from monitor.review import proposed, surveyed, surveyed_page, totals
else:
    detecting, questions = Lazily("monitor.detecting"), Lazily("monitor.questions")
    composition, surveyed = Lazily("monitor.app"), Lazily("monitor.review.surveyed")
    proposed, surveyed_page = Lazily("monitor.review.proposed"), Lazily("monitor.review.surveyed_page")
    totals = Lazily("monitor.review.totals")


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
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page that can be handed round.")
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also propose a rule for each field that shows personal data."),
    ] = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what personal data is in logs: in which fields, in which state, how often. No rule is asked.

    Values are counted and never shown. Values that are nobody's are left out.
    """
    detection = detecting.detection(config, os.environ)
    found = questions.scan(paths, tuple(detector or ("every",)), format, detection)
    findings = found.findings()
    typer.echo("\n".join(surveyed.lines(findings) if as_json else surveyed.table(findings)))
    typer.echo(surveyed.total(found.events, found.rejects), err=True)
    if found.forgotten:
        typer.echo(
            f"{found.forgotten:,} digests of values in clear were forgotten: hashes of those may be untold",
            err=True,
        )
    told = detection.over(composition.today(SystemClock()))
    for said in (*told, *totals.passed_over(detection.passed_over().items())):
        typer.echo(said, err=True)
    if html is not None:
        _write(html, surveyed_page.page(findings, found.catalogue, found.events, found.rejects), again=True)
    if rules is not None:
        _propose(rules, findings, found.catalogue)


def _propose(folder: Path, findings: list[Finding], catalogue: Catalogue) -> None:
    """One file a rule; a file that is there is left as it is, somebody may have worked on it."""
    written = [_write(folder / f"{name}.yml", text) for name, text in proposed.rules(findings, catalogue)]
    kept = written.count(False)
    said = f"{totals.counted(len(written) - kept, 'rule')} proposed in {path_text(folder)}"
    typer.echo(said + (f", {kept} were there already" if kept else ""), err=True)
    for path in proposed.unaskable(findings):
        typer.echo(f"no rule proposed for {path}: a key in it looks like data", err=True)


def _write(path: Path, text: str, *, again: bool = False) -> bool:
    """Whether it was written: `again` also over a file that is there.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if again:
            _replace(path, text)
            return True
        try:
            file = path.open("x", encoding="utf-8")
        except FileExistsError:
            return False
        with file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"{path_text(path)} cannot be written: {error.strerror}. Name another place."
        ) from None
    return True


def _replace(path: Path, text: str) -> None:
    """Whoever reads the file meanwhile sees all of the former or all of the new one."""
    target = path.resolve()  # a link stays one
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")  # a terminal, a pipe
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
