"""What the daemon is told: one YAML file, overridden by the environment, strict and frozen.

An unknown key is an error. Messages say file, line, column, key and cure, never a value: it may be secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from monitor.decode import FORMATS
from monitor.errors import SettingsError
from monitor.model import Logsource
from monitor.rules.diagnostics import Problems, suggestion
from monitor.rules.document import ListNode, MapNode, Node, plain, read
from monitor.rules.tree import Span

PREFIX = "PRIVWATCH__"
"""Starts the name of an environment variable that overrides a setting: PRIVWATCH__METRICS__PORT."""

_FORMATS = tuple(name for name in FORMATS if name != "table")  # a record is no table
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def _listed(value: object) -> object:
    """A text with commas is a list: environment variables hold nothing else."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(","))
    return tuple(value) if isinstance(value, list) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Paths = Annotated[tuple[Annotated[Path, Field(strict=False)], ...], BeforeValidator(_listed)]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


class LogsourceSettings(_Section):
    """What the records are, in Sigma's words; rules for something else are not applied to them."""

    category: str | None = Field(
        default=None, description="kind of log, for example `application` or `webserver`"
    )
    product: str | None = Field(default=None, description="product that writes it, for example `postgresql`")
    service: str | None = Field(default=None, description="part of the product")

    def logsource(self) -> Logsource:
        """As the pipeline has it."""
        return Logsource(self.category, self.product, self.service)


class KafkaSettings(_Section):
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


class SourcesSettings(_Section):
    """Where records come from."""

    kafka: KafkaSettings = Field(description="topics of Apache Kafka")


class MetricsSettings(_Section):
    """The page for Prometheus."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to answer on")
    port: int = Field(default=9108, ge=0, le=65535, description="port of `/metrics`; 0 takes a free one")


class LimitsSettings(_Section):
    """How much is held in memory at once."""

    batch_records: int = Field(default=50_000, ge=1, le=1_000_000, description="most records of one batch")
    ahead_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1024 * 1024, description="bytes read ahead of the evaluation"
    )


class Settings(_Section):
    """Everything `privwatch run` is told. Relative paths count from the folder of the settings file."""

    sources: SourcesSettings = Field(description="where records come from")
    rules: Paths = Field((), description="rule files and folders; none: the rules that come along")
    store: str = Field("privwatch.db", min_length=1, description="file of the store, or its `sqlite:///` URL")
    namespace: str = Field(
        "default", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="which of the results in the store are ours"
    )
    key: Path = Field(
        Path("privwatch.key"), description="key file of fingerprints and pseudonyms; made on first use"
    )
    metrics: MetricsSettings = Field(default_factory=MetricsSettings, description="the page for Prometheus")
    limits: LimitsSettings = Field(default_factory=LimitsSettings, description="how much is held in memory")


def load_settings(path: Path, env: Mapping[str, str]) -> Settings:
    """The settings of a file, each overridden by its variable in `env` where there is one.

    Raises:
        SettingsError: the file cannot be read, or some setting is unknown, missing or wrong; all at once.
    """
    root = _document(path)
    values = plain(root) or {}
    overridden = _override(values, env)
    try:
        # From JSON, since strict validation takes no list for a tuple and no text for a path otherwise.
        settings = Settings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        lines = [_problem(path, root, overridden, problem) for problem in problems]
        raise SettingsError("\n".join(lines)) from None
    return _anchored(settings, path.parent)


def settings_table() -> list[tuple[str, str, str]]:
    """(key, default, meaning) of every setting, in order; the documentation is made from it."""
    return list(_rows(Settings, ""))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _rows(inner, f"{prefix}{name}.")
        else:
            default = "required" if info.is_required() else json.dumps(info.default, default=str)
            yield f"{prefix}{name}", default, info.description or ""


def _document(path: Path) -> Node:
    """The one YAML document of the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path}: the settings cannot be read ({error.strerror}); name the file with --config"
        ) from error
    found = Problems()
    documents = read(str(path), data, found)
    wrong = [one for one in found.sorted() if one.severity == "error" and one.code != "file-empty"]
    if wrong:
        raise SettingsError("\n".join(f"{one.span}: {one.message} {one.cure}" for one in wrong))
    if not documents:
        return MapNode(Span(str(path), 1, 1), ())
    if len(documents) > 1 or not isinstance(documents[0], MapNode):
        raise SettingsError(f"{path}: settings are one map of keys to values; see docs/settings.md")
    return documents[0]


def _override(values: dict[str, Any], env: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Put the variables into `values`; returns which setting came from which variable."""
    taken = {}
    for variable in sorted(env):
        if not variable.startswith(PREFIX):
            continue
        keys = tuple(part.lower() for part in variable.removeprefix(PREFIX).split("__"))
        place = values
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                raise SettingsError(f"{variable}: there is a value at '{key}', so nothing can be below it")
            place = inner
        place[keys[-1]] = _scalar(env[variable])
        taken[keys] = variable
    return taken


def _scalar(text: str) -> str | int | float | bool:
    """A number or a truth value where the text is one in JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text


def _problem(path: Path, root: Node, overridden: Mapping[tuple[str, ...], str], problem: ErrorDetails) -> str:
    """One line: where, which key, what is wrong, what to do."""
    keys = tuple(str(part) for part in problem["loc"])
    name = ".".join(keys)
    variables = [variable for set_by, variable in overridden.items() if set_by[: len(keys)] == keys]
    place = variables[0] if variables else str(_span(root, keys) or path)
    match problem["type"]:
        case "extra_forbidden":
            known = _known(keys[:-1])
            cure = f"{suggestion(keys[-1], known)}Known: {', '.join(known)}."
            return f"{place}: there is no setting '{name}'. {cure}"
        case "missing":
            return f"{place}: '{name}' is missing. Say it here, or in {PREFIX}{'__'.join(keys).upper()}."
        case _:
            return f"{place}: '{name}': {problem['msg'].removeprefix('Value error, ')}."


def _span(root: Node, keys: tuple[str, ...]) -> Span | None:
    """Where the key stands, or the last of its parents that is there."""
    span, node = root.span, root
    for key in keys:
        if isinstance(node, MapNode):
            pair = next((pair for pair in node.pairs if pair[0].text == key), None)
            if pair is None:
                return span
            span, node = pair[0].span, pair[1]
        elif isinstance(node, ListNode) and key.isdigit() and int(key) < len(node.items):
            node = node.items[int(key)]
            span = node.span
    return span


def _known(keys: tuple[str, ...]) -> list[str]:
    """The settings below these keys."""
    model: type[BaseModel] = Settings
    for key in keys:
        inner = model.model_fields[key].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Relative paths from the folder of the settings file."""
    store = settings.store if "://" in settings.store else str(folder / settings.store)
    rules = tuple(folder / rule for rule in settings.rules)
    return settings.model_copy(update={"store": store, "rules": rules, "key": folder / settings.key})
