"""Sections of the settings for whoever operates the daemon: its page, its log, its dead letters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

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
