"""A week's report as bytes, in each format; the page of it is the PDF's too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import NoReturn

from markupsafe import Markup
from starlette.responses import Response

from monitor.errors import PrivwatchError
from monitor.ledger.entries import Head
from monitor.ledger.exports import SUFFIX
from monitor.review import sheets, verdicts
from monitor.review.desk import Desk
from monitor.review.report import Report, as_json, report, rests_on
from monitor.review.weeks import Week, week
from monitor.web import rendering
from monitor.web.visits import Visit

SHOWN_CASES = 150
"""Cases on the page; the tables hold all of them."""

TRIES = 5
"""How often a report is made anew because somebody decided while it was made."""

_STYLE = Path(__file__).parent / "static" / "report.css"


def as_html(made: Report) -> bytes:
    """The report as one file that needs no other."""
    style = _STYLE.read_text(encoding="utf-8")
    page = rendering.environment().get_template("report.html")
    # A style sheet of our own, with nothing in it that ends it.
    style_text = Markup(style)  # noqa: S704 - as said
    text = page.render(it=made, style=style_text, shown=SHOWN_CASES, labels=verdicts.LABELS)
    return text.encode()


def as_pdf(made: Report) -> bytes:
    """The same on paper. Nothing is fetched, not even from this machine.

    Raises:
        PrivwatchError: what makes PDFs is not installed.
    """
    try:
        with redirect_stdout(StringIO()):  # where it lacks a library it prints a page of its own
            from weasyprint import HTML  # noqa: PLC0415 - slow to import, and only where a PDF is asked for
    except (ImportError, OSError) as error:
        raise PrivwatchError(
            "a PDF needs an extra, and Pango, which draws its text; run: pip install 'privwatch[report]' "
            "and, on Debian, apt install libpangoft2-1.0-0"
        ) from error
    return bytes(HTML(string=as_html(made).decode(), url_fetcher=_nothing).write_pdf())


def _nothing(url: str, *_: object, **__: object) -> NoReturn:
    raise ValueError(f"a report fetches nothing, and this asked for {url[:40]}")


def _json(made: Report) -> bytes:
    return (json.dumps(as_json(made), indent=2, ensure_ascii=False) + "\n").encode()


FORMATS: Mapping[str, tuple[str, Callable[[Report], bytes]]] = {
    "html": ("text/html; charset=utf-8", as_html),
    "pdf": ("application/pdf", as_pdf),
    "csv": ("text/csv; charset=utf-8", sheets.as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", sheets.as_xlsx),
    "json": ("application/json", _json),
}
"""Format to its media type, and what makes it."""


@dataclass(frozen=True, slots=True)
class Export:
    """A report as files: its bytes and those of the signature beside it."""

    name: str
    content: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """An export that nobody has taken along yet: its media type, and what is noted once somebody does."""

    export: Export
    kind: str
    noted: Mapping[str, object]


def made(desk: Desk, week: Week, form: str) -> Made:
    """Make a report and sign it.

    Raises:
        PrivwatchError: what makes this format is not installed.
    """
    found, head = _settled(desk, week)
    name = f"privwatch-{week}.{form}"
    kind, make = FORMATS[form]
    content = make(found)
    noted = {"file": name, "sha256": hashlib.sha256(content).hexdigest(), "rests_on": head.size}
    return Made(Export(name, content, desk.book.sealed(name, content, head)), kind, noted)


def export(desk: Desk, week: Week, form: str, who: str, through: Mapping[str, str] | None = None) -> Export:
    """Make a report, sign it, and write down who took it along, and `through` what.

    Raises:
        PrivwatchError: what makes this format is not installed.
    """
    ready = made(desk, week, form)
    desk.note("export", str(week), who, {**ready.noted, **(through or {})})
    return ready.export


def _settled(desk: Desk, week: Week) -> tuple[Report, Head]:
    """A report and the entry it rests on; made again where one was written meanwhile.

    Raises:
        PrivwatchError: something was written every time.
    """
    for _ in range(TRIES):
        head, found = rests_on(desk), report(desk, week)
        if rests_on(desk) == head:
            return found, head
    raise PrivwatchError("the ledger grew each time while the report was made; try again in a minute")


def download(visit: Visit) -> Response:
    """A report, or the signature of one, as a file."""
    wanted, file = week(visit.request.path_params["week"]), visit.request.path_params["file"]
    name = file.removesuffix(SUFFIX)
    form = name.rpartition(".")[2]
    if form not in FORMATS or name != f"privwatch-{wanted}.{form}":
        return visit.page("message.html", 404, title="No such file", text="There is no report of this name.")
    ready = export(visit.desk, wanted, form, visit.who)
    content, kind = (
        (ready.content, FORMATS[form][0]) if file == name else (ready.signature, "application/json")
    )
    return Response(
        content, media_type=kind, headers={"content-disposition": f'attachment; filename="{file}"'}
    )
