"""Problems as programs read them: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.responses import Response

from monitor.errors import PrivwatchError

KIND = "application/problem+json"


class MissingError(PrivwatchError):
    """There is nothing of this name."""


class BusyError(PrivwatchError):
    """It can be had later; `seconds` from now."""

    def __init__(self, text: str, seconds: int) -> None:
        super().__init__(text)
        self.seconds = seconds


def problem(
    status: int,
    word: str,
    detail: str,
    *,
    errors: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer.

    Args:
        status: of HTTP.
        word: what programs tell it by.
        detail: what people read.
        errors: each thing that was wrong with what was sent.
        headers: besides.
    """
    said = {
        "type": f"urn:privwatch:problem:{word}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        said["errors"] = list(errors)
    return Response(json.dumps(said), status, dict(headers or {}), KIND)
