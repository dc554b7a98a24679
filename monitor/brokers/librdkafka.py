"""The same in librdkafka's words."""

from __future__ import annotations

from typing import Any

from monitor.brokers.access import Brokers, Tls, tls_context
from monitor.brokers.tokens import Tokens


def librdkafka_settings(brokers: Brokers) -> dict[str, Any]:
    """The configuration of a consumer or producer.

    Raises:
        SettingsError: files of TLS cannot be used.
    """
    found: dict[str, Any] = {
        "bootstrap.servers": ",".join(brokers.bootstrap),
        "security.protocol": brokers.protocol.lower(),
    }
    if brokers.tls is not None:
        tls_context(brokers.tls)  # its words are clearer than the library's
        found |= _tls(brokers.tls)
    if (sasl := brokers.sasl) is not None:
        found["sasl.mechanisms"] = sasl.mechanism
        if sasl.tokens is not None:
            found["oauth_cb"] = _Callback(sasl.tokens)
        else:
            found |= {"sasl.username": sasl.user, "sasl.password": sasl.password}
    return found


def _tls(tls: Tls) -> dict[str, str]:
    said = {
        "ssl.ca.location": tls.ca,
        "ssl.certificate.location": tls.cert,
        # A file of both is named twice.
        "ssl.key.location": tls.key or tls.cert,
        "ssl.key.password": tls.key_password,
        "ssl.endpoint.identification.algorithm": "https" if tls.check_hostname else "none",
    }
    return {name: str(value) for name, value in said.items() if value is not None}


class _Callback:
    """Asked by the library before a token runs out; gives it and when it does, in seconds since the epoch."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __call__(self, _: str) -> tuple[str, float]:
        token = self._tokens.token()
        return token.text, token.expires
