"""One POST over HTTP, and what became of it: for targets that alerts are sent to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import urllib3
from urllib3 import exceptions
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.util import Retry, Timeout

from monitor.outbox import ANSWERED, TAKEN, TIMEOUT, TLS, UNREACHABLE, Outcome

_SUCCESS: Final = range(200, 300)


class Http:
    """Posts to one URL. Redirects are not followed: secrets go where settings say, or nowhere.

    Args:
        url: `http://` or `https://`.
        seconds: to wait for a connection, and for each part of the answer.
        ca: file of certificates to trust in place of the system's.
        headers: sent with each request.
    """

    def __init__(
        self, url: str, seconds: float, ca: Path | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._url = url
        self._headers = {"User-Agent": "privwatch", "Content-Type": "application/json", **(headers or {})}
        self._pool = urllib3.PoolManager(
            timeout=Timeout(connect=seconds, read=seconds), ca_certs=None if ca is None else str(ca)
        )

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Outcome:
        """Send, and say what became of it. Tries are the outbox's business: this is one."""
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=body,
                headers={**self._headers, **(headers or {})},
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except NewConnectionError:  # which calls itself a timeout
            return Outcome(UNREACHABLE)
        except exceptions.TimeoutError:
            return Outcome(TIMEOUT)
        except SSLError:
            return Outcome(TLS)
        except (HTTPError, OSError):
            return Outcome(UNREACHABLE)
        try:
            if answer.status in _SUCCESS:
                return TAKEN
            return Outcome(f"{ANSWERED}{answer.status}", _asked_for(answer))
        finally:
            answer.close()  # unread: it says nothing we need, and may never end

    def close(self) -> None:
        """Let go of connections."""
        self._pool.clear()


def _asked_for(answer: urllib3.BaseHTTPResponse) -> float:
    """Seconds of the Retry-After header (RFC 9110, section 10.2.3); 0 where it says nothing."""
    try:
        return max(Retry().get_retry_after(answer) or 0.0, 0.0)
    except (HTTPError, ValueError, OverflowError):
        return 0.0
