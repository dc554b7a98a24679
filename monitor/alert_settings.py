"""The section `alerts` of the settings: who is told, how, and with which secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from monitor.errors import SettingsError

TIERS: Final = ("page", "review")
"""As rules say it in `x_alert.tier`."""

_OWN_LABELS: Final = frozenset({"alertname", "rule", "level", "tier", "fingerprint"})
_LABEL: Final = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_BROKER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def _listed(value: object) -> object:
    """A text with commas is a list: environment variables hold nothing else."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(","))
    return tuple(value) if isinstance(value, list) else value


def _address(url: str) -> str:
    """Without a password: what is in a URL is shown by many tools."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound or parts.fragment or any(char.isspace() for char in url):
        raise ValueError("say where to, for example `https://alerts.example.org/hook`")
    if parts.username is not None:
        raise ValueError("no name and password in a URL; say them in `authorization_file`")
    return url


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Url = Annotated[str, AfterValidator(_address)]
File = Annotated[Path, Field(strict=False)]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class _Target(_Section):
    """What all targets have."""

    tiers: Words = Field(TIERS, description="tiers of rules it is told of, a list or with commas between")
    timeout_seconds: float = Field(10.0, gt=0, le=120, description="seconds to wait for its answer")

    @field_validator("tiers")
    @classmethod
    def _known(cls, tiers: tuple[str, ...]) -> tuple[str, ...]:
        if not tiers or not set(tiers) <= set(TIERS):
            raise ValueError(f"say some of {', '.join(TIERS)}")
        return tiers


class HttpSettings(_Target):
    """What targets over HTTP have."""

    url: Url = Field(description="where it answers")
    ca: File | None = Field(None, description="file of certificates to trust in place of the system's")
    authorization: SecretStr | None = Field(
        None, description="value of the `Authorization` header; environment, or better a file"
    )
    authorization_file: File | None = Field(None, description="file that holds it")


class AlertmanagerSettings(HttpSettings):
    """One member of an Alertmanager cluster."""

    resend_seconds: float = Field(60.0, ge=1, le=3600, description="seconds until what fires is said again")


class WebhookSettings(HttpSettings):
    """Somebody's own receiver."""

    secret: SecretStr | None = Field(
        None,
        description="signs what is sent, `whsec_` and base64; environment, or better a file",
    )
    secret_file: File | None = Field(None, description="file that holds it")

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.secret is None and self.secret_file is None:
            raise ValueError("a webhook needs a secret to sign with: say its `secret_file`")
        return self


class TopicSettings(_Target):
    """A topic of Apache Kafka."""

    bootstrap: Words = Field(min_length=1, description="brokers as `host:port`")
    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$", description="name of the topic; it must exist")

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, brokers: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_BROKER.fullmatch(broker) for broker in brokers):
            raise ValueError("each broker is `host:port`, for example `kafka.internal:9092`")
        return brokers


class AlertsSettings(_Section):
    """Who is told of violations, and how; without a target nobody is."""

    alertmanager: dict[str, AlertmanagerSettings] = Field(default={}, description="by a name of yours")
    webhook: dict[str, WebhookSettings] = Field(default={}, description="by a name of yours")
    kafka: dict[str, TopicSettings] = Field(default={}, description="by a name of yours")
    labels: dict[str, str] = Field(
        default={}, description="labels put on every alert, for example a site or a team"
    )
    link: str = Field(default="", description="page of a violation, `{fingerprint}` where that goes")
    hold_seconds: float = Field(
        default=300.0,
        ge=0,
        le=86_400,
        description="seconds that an alert fires at least before it is resolved",
    )
    burst: int = Field(
        default=100,
        ge=1,
        description="alerts of one rule in an hour; what comes beyond is told of in one alert",
    )

    @field_validator("link")
    @classmethod
    def _page(cls, link: str) -> str:
        return _address(link) if link else link

    @field_validator("labels")
    @classmethod
    def _labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if not _LABEL.fullmatch(name) or name in _OWN_LABELS:
                own = ", ".join(sorted(_OWN_LABELS))
                raise ValueError(f"a label has letters, digits and `_`, and is none of {own}")
        return labels

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [name for section in self._sections() for name in section]
        if not all(_NAME.fullmatch(name) for name in names):
            raise ValueError("a target's name has small letters, digits, `_` and `-`, a letter first")
        if len(set(names)) < len(names):
            raise ValueError("two targets have the same name; each needs its own")
        return self

    def _sections(self) -> tuple[Mapping[str, _Target], ...]:
        return self.alertmanager, self.webhook, self.kafka

    def told(self) -> dict[str, tuple[str, ...]]:
        """Tier to the names of the targets that are told of it."""
        targets = [pair for section in self._sections() for pair in section.items()]
        return {tier: tuple(name for name, one in targets if tier in one.tiers) for tier in TIERS}

    def anchored(self, folder: Path) -> AlertsSettings:
        """Relative paths from the folder of the settings file."""
        changed = {
            name: {key: _anchored(one, folder) for key, one in getattr(self, name).items()}
            for name in ("alertmanager", "webhook")
        }
        return self.model_copy(update=changed)


_Http = TypeVar("_Http", bound=HttpSettings)


def _anchored(target: _Http, folder: Path) -> _Http:
    paths: dict[str, Any] = {
        name: folder / path
        for name in ("ca", "authorization_file", "secret_file")
        if (path := getattr(target, name, None)) is not None
    }
    return target.model_copy(update=paths)


def secret_text(key: str, secret: SecretStr | None, file: Path | None) -> str | None:
    """A secret as its setting says it, or as the first line of its file says it; None where nothing does.

    Raises:
        SettingsError: both are said, the file cannot be read, or holds nothing that could be sent.
    """
    if secret is not None and file is not None:
        raise SettingsError(f"{key}: said twice, also as {key}_file; leave one of them out")
    if secret is not None:
        text = secret.get_secret_value()
    elif file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SettingsError(f"{key}_file: {file} cannot be read ({why})") from None
    else:
        return None
    if not text or not text.isascii() or not text.isprintable():
        raise SettingsError(f"{key}: it is empty, or has characters that cannot be sent; check what holds it")
    return text
