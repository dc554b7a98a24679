"""The section `sources` of the settings: where records come from, and how they are read."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from monitor.decode import AUTO
from monitor.kafka_settings import RECORD_FORMATS, KafkaSettings, LogsourceSettings
from monitor.setting_kinds import Paths, Section, Words

_GROUP = re.compile(r"[a-z][a-z0-9_-]{0,62}")


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


class FilesSettings(_ReadSettings):
    """A group of files to follow."""

    paths: Paths = Field(
        min_length=1, description="files and globs, a list or with commas between; `**` means folders below"
    )
    start: Literal["beginning", "end"] = Field(
        "beginning", description="where a file starts that is there at the first start"
    )
    every_seconds: float = Field(
        1.0, gt=0, le=3600, description="seconds between looks for new and rotated files"
    )
    unfinished_seconds: float = Field(
        300.0, gt=0, le=86_400, description="seconds a last line without line feed waits for its rest"
    )


class SourcesSettings(Section):
    """Where records come from; at least one of them."""

    kafka: KafkaSettings | None = Field(None, description="topics of Apache Kafka")
    files: dict[str, FilesSettings] = Field({}, description="files to follow, in groups with names of yours")
    stdin: StdinSettings | None = Field(None, description="standard input, to its end; `{}` is enough")

    @field_validator("files")
    @classmethod
    def _names(cls, groups: dict[str, FilesSettings]) -> dict[str, FilesSettings]:
        if not all(_GROUP.fullmatch(name) for name in groups):
            raise ValueError("name a group with small letters, digits, `_` and `-`, a letter first")
        return groups

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not any((self.kafka, self.files, self.stdin)):
            raise ValueError("say where records come from: kafka, files or stdin (`stdin: {}` is enough)")
        return self
