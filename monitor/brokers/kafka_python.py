"""The same in kafka-python's words."""

from __future__ import annotations

from typing import Any

from kafka.net.sasl.oauth import AbstractTokenProvider

from monitor.brokers.access import Brokers, tls_context
from monitor.brokers.tokens import Tokens


def kafka_python_settings(brokers: Brokers) -> dict[str, Any]:
    """Keyword arguments of consumers and producers.

    Raises:
        SettingsError: files of TLS cannot be used.
    """
    found: dict[str, Any] = {
        "bootstrap_servers": list(brokers.bootstrap),
        "security_protocol": brokers.protocol,
    }
    if brokers.tls is not None:
        found["ssl_context"] = tls_context(brokers.tls)
    if (sasl := brokers.sasl) is not None:
        found["sasl_mechanism"] = sasl.mechanism
        if sasl.tokens is not None:
            found["sasl_oauth_token_provider"] = _Provider(sasl.tokens)
        else:
            found |= {"sasl_plain_username": sasl.user, "sasl_plain_password": sasl.password}
    return found


class _Provider(AbstractTokenProvider):  # type: ignore[misc]  # the client ships no types
    """Asked by the client for every connection."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    def token(self) -> str:
        return self._tokens.token().text
