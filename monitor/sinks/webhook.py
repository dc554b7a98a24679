"""Alerts to a webhook, signed as the Standard Webhooks specification says (HMAC-SHA-256).

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from monitor.errors import SettingsError
from monitor.outbox import Manner, Notice, Outcome
from monitor.sinks.documents import notice_document, timestamp
from monitor.sinks.post import Http

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every secret begins
LEAST_SECRET: Final = 24
"""Bytes of secret the specification asks for at least."""


def secret_bytes(secret: str) -> bytes:
    """The secret behind its spelling, `whsec_` and base64.

    Raises:
        SettingsError: it is spelled otherwise, or too short.
    """
    try:
        decoded = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not secret.startswith(SECRET_PREFIX) or len(decoded) < LEAST_SECRET:
        raise SettingsError(
            f"a webhook's secret is {SECRET_PREFIX} and {LEAST_SECRET} or more random bytes in base64;"
            f' make one with: echo "{SECRET_PREFIX}$(openssl rand -base64 32)"'
        )
    return decoded


def signature(secret: bytes, message: str, seconds: int, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC over id, timestamp and body with dots between."""
    signed = b".".join((message.encode(), str(seconds).encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}"


class WebhookTarget:
    """Implements `monitor.outbox.Target`: one request for each notice.

    Args:
        manner: its name and patience.
        url: where to post.
        secret: from `secret_bytes`.
        former: others that sign beside it, while receivers change from one to the other.
        ca: file of certificates to trust in place of the system's.
        headers: sent with each request, for example `Authorization`.
    """

    def __init__(
        self,
        manner: Manner,
        url: str,
        secret: bytes,
        ca: Path | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        former: Sequence[bytes] = (),
    ) -> None:
        self.manner = manner
        self._secrets = (secret, *former)
        self._http = Http(url, manner.patience, ca, headers)

    def send(self, notices: Sequence[Notice], now: int) -> Sequence[Outcome]:
        """Signed with the time of this try, so that a receiver can refuse what is old."""
        return [self._post(notice, now) for notice in notices]

    def _post(self, notice: Notice, now: int) -> Outcome:
        told = {
            "type": f"alert.{notice.status}",
            "timestamp": timestamp(now),
            "data": notice_document(notice),
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        seconds = now // 1_000_000
        headers = {
            "webhook-id": notice.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(
                signature(secret, notice.id, seconds, body) for secret in self._secrets
            ),
        }
        return self._http.post(body, headers)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()
