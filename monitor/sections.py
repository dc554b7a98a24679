"""Sections of the settings for whoever operates the daemon: its page, its log, its dead letters."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from monitor.setting_kinds import SECRET, File, Section


class TlsSettings(Section):
    """The page over HTTPS."""

    cert: File | None = Field(
        default=None, description="certificate chain (PEM) to answer over HTTPS with; read anew on SIGHUP"
    )
    key: File | None = Field(default=None, description="private key (PEM) of that certificate")


class AuthSettings(Section):
    """Who may read the page."""

    user: str | None = Field(
        default=None, min_length=1, description="user that `/metrics` is shown to; none: to everybody"
    )
    password_hash: str | None = Field(
        default=None,
        description="that user's password as `privwatch config --hash-password` prints it",
        json_schema_extra=SECRET,
    )
    password_file: File | None = Field(
        default=None, description="file that holds the password itself, instead of the hash"
    )


class MetricsSettings(Section):
    """The page for Prometheus."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to answer on")
    port: int = Field(default=9108, ge=0, le=65535, description="port of `/metrics`; 0 takes a free one")
    insecure: bool = Field(
        default=False, description="answer in clear also where other machines reach it, without TLS"
    )
    tls: TlsSettings = Field(default_factory=TlsSettings, description="the page over HTTPS")
    auth: AuthSettings = Field(default_factory=AuthSettings, description="who may read the page")
    stalled_seconds: float = Field(
        default=60.0, gt=0, le=86_400, description="seconds without a turn after which `/healthz` says so"
    )
    quiet_seconds: float = Field(
        default=3600.0,
        gt=0,
        le=31_536_000,
        description="seconds a field of the rules must be unseen before it counts as vanished from a topic",
    )


class ReloadSettings(Section):
    """Changed rules, taken into use while the daemon runs; SIGHUP asks for it at once."""

    every_seconds: float = Field(
        default=2.0, ge=0, le=86_400, description="seconds between looks at the rule files; 0: only on SIGHUP"
    )


class DeadLetterSettings(Section):
    """Records that became no event: reason, position and outline, never their text."""

    file: File | None = Field(default=None, description="file for them, one JSON object a line")
    max_bytes: int = Field(
        default=100 * 1024 * 1024, ge=4096, description="size at which that file is rotated"
    )
    keep: int = Field(
        default=5, ge=1, le=1000, description="full files that are kept; older ones go, counted"
    )
    topic: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,249}$",
        description="topic for them, at the brokers of `sources.kafka`; it must exist",
    )


class LogSettings(Section):
    """The log, on standard error."""

    format: Literal["console", "json"] = Field(
        default="console", description="`console` for people, `json` for one object a line"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level of our own messages; of libraries warnings are shown"
    )


class LedgerSettings(Section):
    """The ledger, which the daemon adds to where it has the key."""

    key: File | None = Field(
        default=None,
        description="key file the ledger is signed with, made on first use; none: beside `key`, with "
        "`.ledger.key`, where such a file is",
    )
    seal_seconds: float = Field(
        default=300.0,
        ge=0,
        le=86_400,
        description="seconds after which the daemon seals in the ledger what it found; 0: only `web` does",
    )


LEAST_LOG_DAYS = 180
"""CNIL, deliberation 2021-122: what is logged of accesses is kept for six months at least."""

LEAST_INCIDENT_DAYS = 1095
"""Art. 33(5) names no end; three years is our floor, so that an authority that asks later still finds it."""


def _six_months(days: int) -> int:
    if days < LEAST_LOG_DAYS:
        raise ValueError(
            f"at least {LEAST_LOG_DAYS} days: the CNIL asks for six months of logs (2021-122); say so or more"
        )
    return days


def _three_years(days: int) -> int:
    if days < LEAST_INCIDENT_DAYS:
        raise ValueError(
            f"at least {LEAST_INCIDENT_DAYS} days: the register of Art. 33(5) lets an authority check, also "
            "years later; say so or more"
        )
    return days


LogDays = Annotated[int, Field(le=36_500), AfterValidator(_six_months)]
IncidentDays = Annotated[int, Field(le=36_500), AfterValidator(_three_years)]


class RetentionSettings(Section):
    """How long what was found is kept, in days; older things are removed, counted and in the ledger."""

    daily: bool = Field(
        default=False,
        description="whether the daemon removes once a day what is too old; it needs the ledger's key",
    )
    open_days: LogDays = Field(
        default=365, description="violations of cases that somebody has still to decide on; at least 180"
    )
    settled_days: LogDays = Field(
        default=365,
        description="of cases that were decided on, those cases, and what filters hide; at least 180",
    )
    incident_days: IncidentDays = Field(
        default=1826, description="breach candidates and whatever is in the register; at least 1095"
    )
    ledger_days: IncidentDays = Field(
        default=1826,
        description="payloads of the ledger that nothing rests on; its entries stay. Not less than incidents",
    )
    alert_days: int = Field(default=90, ge=7, le=36_500, description="alerts that are over, everybody told")

    @model_validator(mode="after")
    def _outlives(self) -> Self:
        if self.ledger_days < self.incident_days:
            raise ValueError(
                "ledger_days is less than incident_days: the reasons of an incident would go before it; "
                "say as much or more"
            )
        return self
