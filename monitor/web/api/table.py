"""Every endpoint of the API: its address, the scope it asks for, what it takes and tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.responses import Response

from monitor.web.api import asked, decides, reads, told
from monitor.web.api.calls import Call

FILES = "file"
"""An answer that is a file in one of several formats."""

PARTS = {
    "week": (r"^(latest|\d{4}-W\d{2})$", "A week as 2026-W47, or `latest`."),
    "key": (r"^[0-9a-f]{32}$", "Key of a case."),
    "fingerprint": (r"^[0-9a-f]{32}$", "Fingerprint of a violation."),
    "format": (r"^(html|pdf|csv|xlsx|json)(\.sig)?$", "Format of the file; with `.sig` its signature."),
}
"""Parts of addresses: what they look like, and what they are."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    Attributes:
        scope: of `monitor.web.permissions.SCOPES`; empty: any token will do.
        answer: who answers; its docstring says what it is.
        tells: the type of the answer; None: JSON of no fixed shape; `FILES`: a file.
        query: parameters.
        body: what is sent, None: nothing.
    """

    method: str
    path: str
    scope: str
    answer: Callable[[Call], BaseModel | Response]
    tells: type[told.Told] | str | None
    query: type[asked.Asked] = asked.Nothing
    body: type[asked.Asked] | None = None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/me", "", reads.me, told.Me),
    Endpoint("GET", "/weeks/{week}", "read", reads.week, told.Week),
    Endpoint("GET", "/weeks/{week}/report.{format}", "report", reads.report, FILES),
    Endpoint("GET", "/cases", "read", reads.cases, told.Queue, asked.Cases),
    Endpoint("GET", "/cases/{key}", "evidence", reads.case, told.Case),
    Endpoint("GET", "/violations/{fingerprint}", "evidence", reads.violation, told.Belongs),
    Endpoint("GET", "/filters", "evidence", reads.filters, told.Proposals),
    Endpoint("POST", "/cases/{key}/verdict", "decide", decides.verdict, told.State, body=asked.Verdict),
    Endpoint("POST", "/cases/{key}/confirm", "decide", decides.confirm, told.State, body=asked.Confirm),
    Endpoint("POST", "/cases/{key}/decline", "decide", decides.decline, told.State, body=asked.Decline),
    Endpoint("POST", "/cases/{key}/aware", "incident", decides.aware, told.State, body=asked.Aware),
    Endpoint("POST", "/cases/{key}/notified", "incident", decides.notified, told.State, body=asked.Notified),
    Endpoint("POST", "/cases/{key}/severity", "incident", decides.severity, told.State, body=asked.Factor),
    Endpoint(
        "POST", "/cases/{key}/register", "incident", decides.write_register, told.State, body=asked.Register
    ),
    Endpoint("GET", "/cases/{key}/notification", "register", reads.notification, None),
    Endpoint("GET", "/register", "register", reads.register, told.Incidents),
    Endpoint("GET", "/clocks", "read", reads.running, told.Clocks),
    Endpoint("GET", "/ledger", "ledger", reads.entries, told.Entries, asked.Entries),
    Endpoint("GET", "/ledger/head", "ledger", reads.head, told.Head),
    Endpoint("GET", "/ledger/proof", "ledger", reads.proof, told.Proof),
)
