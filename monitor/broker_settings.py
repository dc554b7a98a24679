"""How brokers are reached, as settings: addresses, TLS, SASL. Of reading, and of the topics we write to."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from monitor.brokers.access import BEARER, Brokers, Mechanism, Sasl, Tls, tls_context
from monitor.brokers.tokens import ClientCredentials, Credentials, TokenFile, Tokens
from monitor.clock import Clock
from monitor.errors import SettingsError
from monitor.setting_kinds import Addresses, File, Section, Url, secret_text


class BrokerTlsSettings(Section):
    """TLS to the brokers; on as soon as one of its files is said."""

    enabled: bool | None = Field(
        default=None, description="TLS to the brokers; where nothing is said, on if one of its files is named"
    )
    ca: File | None = Field(default=None, description="certificates (PEM) to trust in place of the system's")
    cert: File | None = Field(default=None, description="our certificate (PEM), where brokers ask for one")
    key: File | None = Field(
        default=None, description="private key (PEM) of that certificate, if not in its file"
    )
    key_password: SecretStr | None = Field(
        default=None, description="password of that key; environment, or better a file"
    )
    key_password_file: File | None = Field(default=None, description="file that holds it")
    check_hostname: bool = Field(
        default=True, description="refuse a broker whose certificate is for another name"
    )

    @property
    def wanted(self) -> bool:
        """Whether to use TLS."""
        return any((self.ca, self.cert, self.key)) if self.enabled is None else self.enabled

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.key is not None and self.cert is None:
            raise ValueError("a `key` needs its `cert`")
        if self.enabled is False and any((self.ca, self.cert)):
            raise ValueError("TLS is off, and files for it are named; leave out one or the other")
        return self


class SaslSettings(Section):
    """Who we are to the brokers."""

    mechanism: Mechanism | None = Field(
        default=None, description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER; none: no SASL"
    )
    user: str | None = Field(default=None, min_length=1, description="user of PLAIN and SCRAM")
    password: SecretStr | None = Field(
        default=None, description="that user's password; environment, or better a file"
    )
    password_file: File | None = Field(default=None, description="file that holds it")
    token_file: File | None = Field(
        default=None, description="file with the token of OAUTHBEARER, read for every connection"
    )
    token_url: Url | None = Field(
        default=None, description="endpoint that gives tokens for `client_id` and `client_secret`"
    )
    token_ca: File | None = Field(
        default=None, description="certificates (PEM) to trust of that endpoint in place of the system's"
    )
    client_id: str | None = Field(default=None, min_length=1, description="who we are to that endpoint")
    client_secret: SecretStr | None = Field(
        default=None, description="our secret there; environment, or better a file"
    )
    client_secret_file: File | None = Field(default=None, description="file that holds it")
    scope: str | None = Field(default=None, min_length=1, description="scope asked for there")
    insecure: bool = Field(
        default=False, description="send a password or token of PLAIN and OAUTHBEARER without TLS"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        said = self.model_fields_set - {"mechanism", "insecure"}
        said = {name for name in said if getattr(self, name) is not None}
        bearer = {name for name in said if name.startswith(("token_", "client_", "scope"))}
        if self.mechanism is None:
            if said:
                raise ValueError("say the `mechanism` as well")
        elif self.mechanism == BEARER:
            if said - bearer:
                raise ValueError("OAUTHBEARER has no `user` and `password`; say `token_file` or `token_url`")
            self._bearer(bearer)
        elif bearer:
            raise ValueError("only OAUTHBEARER has tokens; say `user` and `password_file`")
        elif self.user is None or not said & {"password", "password_file"}:
            raise ValueError(f"{self.mechanism} needs a `user` and a `password_file`")
        return self

    def _bearer(self, said: set[str]) -> None:
        if self.token_file is not None:
            if said != {"token_file"}:
                raise ValueError("say `token_file` or `token_url`, not both")
        elif not ({"token_url", "client_id"} <= said and said & {"client_secret", "client_secret_file"}):
            raise ValueError(
                "OAUTHBEARER needs a `token_file`, or a `token_url`, `client_id` and `client_secret_file`"
            )
        elif (self.token_url or "").startswith("http:") and not self.insecure:
            raise ValueError("`token_url` is sent a secret: make it `https://`, or say `insecure: true`")


class BrokerSettings(Section):
    """Brokers, and how to be let in."""

    bootstrap: Addresses = Field(
        min_length=1, description="brokers as `host:port`, a list or with commas between"
    )
    tls: BrokerTlsSettings = Field(default_factory=BrokerTlsSettings, description="TLS to the brokers")
    sasl: SaslSettings = Field(default_factory=SaslSettings, description="who we are to the brokers")

    @model_validator(mode="after")
    def _hidden(self) -> Self:
        shown = self.sasl.mechanism in {"PLAIN", BEARER} and not self.tls.wanted
        if shown and not self.sasl.insecure:
            raise ValueError(
                f"{self.sasl.mechanism} without TLS shows its secret to the network; say `tls.enabled: true`,"
                " or `sasl.insecure: true` where that network is yours"
            )
        return self


def brokers_of(key: str, settings: BrokerSettings, clock: Clock) -> Brokers:
    """The settings below `key` with their secrets, files tried.

    Raises:
        SettingsError: a secret or a file of TLS cannot be read or used.
    """
    found = Brokers(settings.bootstrap, _tls(key, settings.tls), _sasl(f"{key}.sasl", settings.sasl, clock))
    if found.tls is not None:
        try:
            tls_context(found.tls)
        except SettingsError as error:
            raise SettingsError(f"{key}.{error}") from None
    return found


def _tls(key: str, tls: BrokerTlsSettings) -> Tls | None:
    if not tls.wanted:
        return None
    password = secret_text(f"{key}.tls.key_password", tls.key_password, tls.key_password_file)
    return Tls(tls.ca, tls.cert, tls.key, password, tls.check_hostname)


def _sasl(key: str, sasl: SaslSettings, clock: Clock) -> Sasl | None:
    if sasl.mechanism is None:
        return None
    if sasl.mechanism == BEARER:
        return Sasl(sasl.mechanism, tokens=_tokens(key, sasl, clock))
    password = secret_text(f"{key}.password", sasl.password, sasl.password_file) or ""
    return Sasl(sasl.mechanism, sasl.user or "", password)


def _tokens(key: str, sasl: SaslSettings, clock: Clock) -> Tokens:
    if sasl.token_file is not None:
        return TokenFile(sasl.token_file, clock)
    secret = secret_text(f"{key}.client_secret", sasl.client_secret, sasl.client_secret_file) or ""
    return ClientCredentials(
        Credentials(sasl.token_url or "", sasl.client_id or "", secret, sasl.scope or "", sasl.token_ca),
        clock,
    )
