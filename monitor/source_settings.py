"""The section `sources` of the settings: where records come from, and how they are read."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from monitor.decode import AUTO
from monitor.kafka_settings import RECORD_FORMATS, KafkaSettings, LogsourceSettings
from monitor.setting_kinds import Section, Words


class _ReadSettings(Section):
    """How lines are read."""

    format: str = Field(AUTO, description=f"format of the lines: {AUTO}, {', '.join(RECORD_FORMATS)}")
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
        if name not in (AUTO, *RECORD_FORMATS):
            raise ValueError(f"say one of {', '.join((AUTO, *RECORD_FORMATS))}")
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
