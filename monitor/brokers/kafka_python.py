"""The same in kafka-python's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kafka.net.compat import KafkaNetClient
from kafka.net.sasl import get_sasl_mechanism
from kafka.net.sasl.oauth import AbstractTokenProvider

from monitor.brokers.access import Brokers, Sasl, tls_context
from monitor.brokers.tokens import Tokens

Made = TypeVar("Made")


def connected(make: Callable[..., Made], brokers: Brokers, **more: object) -> Made:
    """A consumer or producer (`make` is the class), with more of its keyword arguments.

    Raises:
        SettingsError: files of TLS cannot be used.
        KafkaError, OSError, ValueError: no broker answered; nothing is left behind.
    """
    clients: list[KafkaNetClient] = []

    def client(**config: object) -> KafkaNetClient:
        clients.append(KafkaNetClient(**config))
        return clients[-1]

    try:
        return make(**kafka_python_settings(brokers), **more, kafka_client=client)
    except BaseException:
        # What could not be built leaves its thread and connections behind.
        for one in clients:
            one.close()
        raise


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
    if brokers.sasl is not None:
        found |= _sasl(brokers.sasl)
    return found


def sasl_mechanism(sasl: Sasl) -> Any:  # noqa: ANN401 - the client ships no types
    """Our side of a mechanism: `auth_bytes()`, `receive(bytes)`, `is_done()`, `is_authenticated()`."""
    return get_sasl_mechanism(sasl.mechanism)(**_sasl(sasl))


def _sasl(sasl: Sasl) -> dict[str, Any]:
    if sasl.tokens is not None:
        return {"sasl_mechanism": sasl.mechanism, "sasl_oauth_token_provider": _Provider(sasl.tokens)}
    return {
        "sasl_mechanism": sasl.mechanism,
        "sasl_plain_username": sasl.user,
        "sasl_plain_password": sasl.password,
    }


class _Provider(AbstractTokenProvider):  # type: ignore[misc]  # the client ships no types
    """Asked by the client for every connection."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    def token(self) -> str:
        return self._tokens.token().text
