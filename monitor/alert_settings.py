"""The section `alerts` of the settings: who is told, how, and with which secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor.broker_settings import BrokerSettings
from monitor.setting_kinds import File, Section, Url, Words, address, below

TIERS: Final = ("page", "review")
"""As rules say it in `x_alert.tier`."""

_OWN_LABELS: Final = frozenset({"alertname", "rule", "level", "tier", "fingerprint"})
_LABEL: Final = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class _Target(Section):
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
        description="signs what is sent, `whsec_` and base64; two with a blank between while it is changed; "
        "environment, or better a file",
    )
    secret_file: File | None = Field(None, description="file that holds it")

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.secret is None and self.secret_file is None:
            raise ValueError("a webhook needs a secret to sign with: say its `secret_file`")
        return self


class TopicSettings(BrokerSettings, _Target):
    """A topic of Apache Kafka."""

    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$", description="name of the topic; it must exist")


class AlertsSettings(Section):
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
        return address(link) if link else link

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
        return below(self, folder)
