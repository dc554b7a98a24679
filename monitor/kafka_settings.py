"""The section `sources.kafka` of the settings: which topics, from where on, as what."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from monitor.broker_settings import BrokerSettings
from monitor.decode import FORMATS
from monitor.model import Logsource
from monitor.setting_kinds import Section, Words

RECORD_FORMATS: Final = tuple(name for name in FORMATS if name != "table")
"""A record is no table."""

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_STARTS: Final = ("stored", "earliest", "latest")


class LogsourceSettings(Section):
    """What the records are, in Sigma's words; rules for something else are not applied to them."""

    category: str | None = Field(
        default=None, description="kind of log, for example `application` or `webserver`"
    )
    product: str | None = Field(default=None, description="product that writes it, for example `postgresql`")
    service: str | None = Field(default=None, description="part of the product")

    def logsource(self) -> Logsource:
        """As the pipeline has it."""
        return Logsource(self.category, self.product, self.service)


class KafkaSettings(BrokerSettings):
    """Topics to read."""

    client: Literal["auto", "kafka-python", "librdkafka"] = Field(
        "auto", description="library that reads; `auto`: librdkafka where it is installed"
    )
    topics: Words = Field((), description="names of the topics, a list or with commas between")
    pattern: str | None = Field(
        default=None,
        min_length=1,
        description="regular expression that whole names of topics match, in place of `topics`",
    )
    group: str = Field(
        "privwatch", min_length=1, description="consumer group; members of one share partitions"
    )
    start: str = Field(
        "earliest",
        description="where a partition starts that the store does not know: `earliest`, `latest`, `stored`"
        " (as committed), or a time as `2026-11-24T08:00:00Z`",
    )
    format: str = Field("json", description=f"format of the records: {', '.join(RECORD_FORMATS)}")
    logsource: LogsourceSettings = Field(
        default_factory=LogsourceSettings, description="what the records are, for routing"
    )
    time_fields: Words = Field((), description="fields that may hold the event time; empty: the usual ones")
    fields: dict[str, Words] = Field(
        {}, description="field of the rules to the fields of your records that hold it, tried in order"
    )
    connect_seconds: float = Field(
        30.0, gt=0, le=3600, description="seconds to wait for a broker at the start"
    )

    session_seconds: float = Field(
        15.0, ge=1, le=1800, description="seconds after which the partitions of a crashed member move on"
    )

    @field_validator("topics")
    @classmethod
    def _names(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TOPIC.fullmatch(topic) for topic in topics):
            raise ValueError("a topic's name has letters, digits, `.`, `_` and `-`, at most 249 of them")
        return topics

    @field_validator("pattern")
    @classmethod
    def _expression(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error:
            raise ValueError("say a regular expression, for example `app-.*`") from None
        return pattern

    @field_validator("start")
    @classmethod
    def _place(cls, start: str) -> str:
        if start not in _STARTS and _moment(start) is None:
            raise ValueError(f"say {', '.join(_STARTS)} or a time as 2026-11-24T08:00:00Z")
        return start

    @field_validator("format")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in RECORD_FORMATS:
            raise ValueError(f"say one of {', '.join(RECORD_FORMATS)}")
        return name

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.topics) == (self.pattern is not None):
            raise ValueError("say `topics` or a `pattern`, one of them")
        return self

    @property
    def start_at(self) -> str | int:
        """`start`; a time as milliseconds since the epoch, UTC."""
        moment = _moment(self.start)
        return self.start if moment is None else moment

    @property
    def aliases(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """`fields` as `monitor.frames.Projection` has it."""
        return tuple(self.fields.items())

    @property
    def told(self) -> str:
        """What is read, for a person."""
        return f"topics like {self.pattern}" if self.pattern else ", ".join(self.topics)

    def reads(self, topic: str) -> bool:
        """Whether that topic is one of those."""
        return topic in self.topics or bool(self.pattern and re.fullmatch(self.pattern, topic))


def _moment(text: str) -> int | None:
    """A time of ISO 8601 in milliseconds since the epoch; one without a zone is UTC."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp() * 1000)
