"""The section `reports` of the settings: when the week's report is made by itself, and where it goes."""

from __future__ import annotations

from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor.setting_kinds import File, Section, Words

FORMATS: Final = ("html", "pdf", "csv", "xlsx", "json")
"""As `privwatch report` has them."""

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class MailSettings(Section):
    """A mail server, and who gets the report."""

    host: str = Field(
        min_length=1, pattern=r"^[A-Za-z0-9._:-]+$", description="name or address of the server"
    )
    port: int = Field(default=587, ge=1, le=65535, description="its port")
    tls: Literal["starttls", "implicit", "none"] = Field(
        default="starttls", description="`starttls`, `implicit` (port 465), or `none`: on this machine alone"
    )
    ca: File | None = Field(
        default=None, description="file of certificates to trust in place of the system's"
    )
    user: str | None = Field(default=None, description="account at the server; without it nobody signs in")
    password: SecretStr | None = Field(
        default=None, description="its password; environment, or better a file"
    )
    password_file: File | None = Field(default=None, description="file that holds it")
    sender: str = Field(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$", description="address it comes from")
    recipients: Words = Field(description="addresses it goes to, a list or with commas between")
    timeout_seconds: float = Field(default=30.0, gt=0, le=300, description="seconds to wait for each answer")

    @field_validator("recipients")
    @classmethod
    def _addresses(cls, recipients: tuple[str, ...]) -> tuple[str, ...]:
        if not recipients or any(one.count("@") != 1 or set(one) & set(" <>,\t\r\n") for one in recipients):
            raise ValueError("each is an address alone, for example `privacy@example.org`")
        return recipients

    @model_validator(mode="after")
    def _private(self) -> Self:
        if self.tls == "none" and self.host not in _LOOPBACK:
            raise ValueError("without TLS a report would cross the network in clear; say `tls: starttls`")
        return self


class ReportsSettings(Section):
    """The report of each week, made by the daemon; without `folder` and `mail` none is."""

    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        default="monday", description="day on which the week before it is reported"
    )
    hour: int = Field(default=6, ge=0, le=23, description="hour of that day")
    zone: str = Field(default="UTC", description="whose clock that is, for example `Europe/Berlin`")
    formats: Words = Field(default=("html",), description="`html`, `pdf`, `csv`, `xlsx`, `json`, a list")
    folder: File | None = Field(
        default=None, description="folder for files and signatures; made where it is not there"
    )
    mail: MailSettings | None = Field(default=None, description="sends them")

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError):
            raise ValueError("there is no such time zone; write one as `Europe/Berlin`") from None
        return zone

    @field_validator("formats")
    @classmethod
    def _formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        if not formats or not set(formats) <= set(FORMATS):
            raise ValueError(f"say some of {', '.join(FORMATS)}")
        return formats
