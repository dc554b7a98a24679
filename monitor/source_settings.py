"""The section `sources` of the settings: where records come from, and how they are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from monitor.decode import AUTO, FORMATS
from monitor.model import Logsource
from monitor.sections import Section

_FORMATS = tuple(name for name in FORMATS if name != "table")  # a record is no table
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def _listed(value: object) -> object:
    """A text with commas is a list: environment variables hold nothing else."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(","))
    return tuple(value) if isinstance(value, list) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...])]
Paths = Annotated[
    tuple[Annotated[Path, Field(strict=False)], ...],
    BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
]


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


class KafkaSettings(Section):
    """Topics to read."""

    bootstrap: Words = Field(
        min_length=1, description="brokers as `host:port`, a list or with commas between"
    )
    topics: Words = Field(min_length=1, description="names of the topics, a list or with commas between")
    group: str = Field(
        "privwatch", min_length=1, description="consumer group; members of one share partitions"
    )
    start: Literal["stored", "earliest", "latest"] = Field(
        "earliest",
        description="where a partition starts that the store does not know; `stored`: as committed",
    )
    format: str = Field("json", description=f"format of the records: {', '.join(_FORMATS)}")
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

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, brokers: tuple[str, ...]) -> tuple[str, ...]:
        for broker in brokers:
            found = _ADDRESS.fullmatch(broker)
            if found is None or not 0 < int(found[2]) < 65536:
                raise ValueError("each broker is `host:port`, for example `kafka.internal:9092`")
        return brokers

    @field_validator("topics")
    @classmethod
    def _names(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TOPIC.fullmatch(topic) for topic in topics):
            raise ValueError("a topic's name has letters, digits, `.`, `_` and `-`, at most 249 of them")
        return topics

    @field_validator("format")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in _FORMATS:
            raise ValueError(f"say one of {', '.join(_FORMATS)}")
        return name

    @property
    def aliases(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """`fields` as `monitor.frames.Projection` has it."""
        return tuple(self.fields.items())


class _ReadSettings(Section):
    """How lines are read."""

    format: str = Field(AUTO, description=f"format of the lines: {AUTO}, {', '.join(_FORMATS)}")
    logsource: LogsourceSettings = Field(
        default_factory=LogsourceSettings, description="what the records are, for routing"
    )
    time_fields: Words = Field((), description="fields that may hold the event time; empty: the usual ones")
    fields: dict[str, Words] = Field(
        {}, description="field of the rules to the fields of your records that hold it, tried in order"
    )

    @field_validator("format")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in (AUTO, *_FORMATS):
            raise ValueError(f"say one of {', '.join((AUTO, *_FORMATS))}")
        return name

    @property
    def aliases(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """`fields` as `monitor.frames.Projection` has it."""
        return tuple(self.fields.items())


class StdinSettings(_ReadSettings):
    """Standard input, to its end."""


class SourcesSettings(Section):
    """Where records come from; at least one of them."""

    kafka: KafkaSettings | None = Field(None, description="topics of Apache Kafka")
    stdin: StdinSettings | None = Field(None, description="standard input, to its end; `{}` is enough")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not any((self.kafka, self.stdin)):
            raise ValueError("say where records come from: kafka or stdin (`stdin: {}` is enough)")
        return self
