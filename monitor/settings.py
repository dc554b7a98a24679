"""What the daemon is told: one YAML file, overridden by the environment, strict and frozen.

An unknown key is an error. Messages say file, line, column, key and cure, never a value: it may be secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from monitor.alert_settings import AlertsSettings
from monitor.detector_settings import DetectorSettings
from monitor.errors import SettingsError
from monitor.report_settings import ReportsSettings
from monitor.rules.diagnostics import Problems, suggestion
from monitor.rules.document import ListNode, MapNode, Node, plain, read
from monitor.rules.tree import Span
from monitor.sections import (
    DeadLetterSettings,
    LedgerSettings,
    LogSettings,
    MetricsSettings,
    ReloadSettings,
    RetentionSettings,
)
from monitor.setting_kinds import Paths, Section, below
from monitor.sign_in_settings import SignInSettings
from monitor.source_settings import SourcesSettings

PREFIX = "PRIVWATCH__"
"""Starts the name of an environment variable that overrides a setting: PRIVWATCH__METRICS__PORT."""


_SHIPPED = Path("shipped")

_M = TypeVar("_M", bound=BaseModel)


class LimitsSettings(Section):
    """How much is held in memory at once."""

    batch_records: int = Field(default=100_000, ge=1, le=1_000_000, description="most records of one batch")
    ahead_bytes: int = Field(
        default=128 * 1024 * 1024, ge=1024 * 1024, description="bytes read ahead of the evaluation"
    )
    window_panes: int = Field(
        default=5_000_000,
        ge=1000,
        description="most panes (group and tick, some 200 bytes) that a correlation remembers",
    )


class Settings(Section):
    """Everything `privwatch run` is told. Relative paths count from the folder of the settings file."""

    sources: SourcesSettings = Field(description="where records come from")
    rules: Paths = Field(
        (), description="rule files and folders; `shipped`, or none: the rules that come along"
    )
    store: str = Field(
        "privwatch.db",
        min_length=1,
        description="file of the store, or its URL: `sqlite:///file`, `postgresql://user@host/database`",
    )
    store_password_file: Path | None = Field(
        None, strict=False, description="file with the password of a `postgresql://` store; else PGPASSWORD"
    )
    namespace: str = Field(
        "default", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="which of the results in the store are ours"
    )
    key: Path = Field(
        Path("privwatch.key"), description="key file of fingerprints and pseudonyms; made on first use"
    )
    metrics: MetricsSettings = Field(default_factory=MetricsSettings, description="the page for Prometheus")
    log: LogSettings = Field(default_factory=LogSettings, description="the log, on standard error")
    reload: ReloadSettings = Field(
        default_factory=ReloadSettings, description="changed rules, taken into use while the daemon runs"
    )
    dead_letters: DeadLetterSettings = Field(
        default_factory=DeadLetterSettings, description="records that became no event"
    )
    limits: LimitsSettings = Field(default_factory=LimitsSettings, description="how much is held in memory")
    alerts: AlertsSettings = Field(default_factory=AlertsSettings, description="who is told of violations")
    reports: ReportsSettings = Field(
        default_factory=ReportsSettings, description="the report of each week, made by itself"
    )
    detectors: DetectorSettings = Field(
        default_factory=DetectorSettings, description="what is looked for, and what is passed over"
    )
    sign_in: SignInSettings = Field(
        default_factory=SignInSettings, description="how people come in to the pages of the review"
    )
    ledger: LedgerSettings = Field(
        default_factory=LedgerSettings, description="what was found, written down so that changes show"
    )
    retention: RetentionSettings = Field(
        default_factory=RetentionSettings, description="how long what was found is kept"
    )


@dataclass(frozen=True)
class Loaded:
    """Settings, and where each was said."""

    settings: Settings
    root: Node
    overridden: Mapping[tuple[str, ...], str]

    def origin(self, keys: tuple[str, ...]) -> str:
        """Where the setting came from: `environment NAME`, `file:line:column` or `default`."""
        for set_by, variable in self.overridden.items():
            if set_by[: len(keys)] == keys or keys[: len(set_by)] == set_by:
                return f"environment {variable}"
        node, place = self.root, "default"
        for key in keys:
            pairs = node.pairs if isinstance(node, MapNode) else ()
            found = next((pair for pair in pairs if pair[0].text == key), None)
            if found is None:
                return "default"
            place, node = str(found[0].span), found[1]
        return place


def load_settings(path: Path, env: Mapping[str, str]) -> Settings:
    """The settings of a file, each overridden by its variable in `env` where there is one.

    Raises:
        SettingsError: the file cannot be read, or some setting is unknown, missing or wrong; all at once.
    """
    return read_settings(path, env).settings


def read_settings(path: Path, env: Mapping[str, str]) -> Loaded:
    """The same, with where each setting came from.

    Raises:
        SettingsError: as `load_settings`.
    """
    root, values, overridden = _values(path, env)
    settings = _validated(Settings, path, root, values, overridden)
    _examined(settings.detectors, path, root, overridden)
    return Loaded(_anchored(settings, path.parent), root, overridden)


class _DetectorsAlone(BaseModel):
    """A settings file of which one section counts."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    detectors: DetectorSettings = Field(default_factory=DetectorSettings)


def read_detectors(path: Path, env: Mapping[str, str]) -> tuple[DetectorSettings, Node]:
    """The section `detectors` of a settings file, whatever else is in it, and the file's map.

    Raises:
        SettingsError: as `load_settings`, of that section alone.
    """
    named = {name: text for name, text in env.items() if name.startswith(f"{PREFIX}DETECTORS__")}
    root, values, overridden = _values(path, named)
    found = _validated(_DetectorsAlone, path, root, values, overridden).detectors
    _examined(found, path, root, overridden)
    return below(found, path.parent), root


def _values(path: Path, env: Mapping[str, str]) -> tuple[Node, dict[str, Any], dict[tuple[str, ...], str]]:
    root = _document(path)
    values = plain(root) or {}
    return root, values, _override(values, env)


def _validated(
    model: type[_M],
    path: Path,
    root: Node,
    values: dict[str, Any],
    overridden: Mapping[tuple[str, ...], str],
) -> _M:
    try:
        # From JSON, since strict validation takes no list for a tuple and no text for a path otherwise.
        return model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        lines = [_problem(path, root, overridden, problem) for problem in problems]
        raise SettingsError("\n".join(lines)) from None


def _examined(
    detectors: DetectorSettings, path: Path, root: Node, overridden: Mapping[tuple[str, ...], str]
) -> None:
    lines = []
    for keys, said in detectors.problems():
        whole = ("detectors", *keys)
        lines.append(f"{_place(path, root, overridden, whole)}: '{'.'.join(whole)}': {said}.")
    if lines:
        raise SettingsError("\n".join(lines))


def _place(path: Path, root: Node, overridden: Mapping[tuple[str, ...], str], keys: tuple[str, ...]) -> str:
    """Where a setting is said: its variable, or its line and column, or the file."""
    variables = [variable for set_by, variable in overridden.items() if set_by[: len(keys)] == keys]
    return variables[0] if variables else str(span_of(root, keys) or path)


def settings_table() -> list[tuple[str, str, str]]:
    """(key, default, meaning) of every setting, in order; the documentation is made from it."""
    return list(_rows(Settings, ""))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, info in model.model_fields.items():
        named, inner = _named(info.annotation), section_of(info.annotation)
        if named is not None:
            yield from _rows(named, f"{prefix}{name}.<name>.")
        elif inner is not None:
            yield from _rows(inner, f"{prefix}{name}.")
        else:
            default = info.get_default(call_default_factory=True)
            shown = "required" if info.is_required() else json.dumps(default, default=str)
            yield f"{prefix}{name}", shown, info.description or ""


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
    place = _place(path, root, overridden, keys)
    match problem["type"]:
        case "extra_forbidden":
            known = _known(keys[:-1])
            cure = f"{suggestion(keys[-1], known)}Known: {', '.join(known)}."
            return f"{place}: there is no setting '{name}'. {cure}"
        case "missing":
            return f"{place}: '{name}' is missing. Say it here, or in {PREFIX}{'__'.join(keys).upper()}."
        case _:
            return f"{place}: '{name}': {problem['msg'].removeprefix('Value error, ')}."


def span_of(root: Node, keys: tuple[str, ...]) -> Span | None:
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
    pending = list(keys)
    while pending:
        annotation = model.model_fields[pending.pop(0)].annotation
        inner, named = section_of(annotation), _named(annotation)
        if named is not None and pending:
            pending.pop(0)
            inner = named
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _named(annotation: object) -> type[BaseModel] | None:
    """The section that stands under names of the user's own, in a map."""
    return section_of(get_args(annotation)[1]) if get_origin(annotation) is dict else None


def section_of(annotation: object) -> type[BaseModel] | None:
    """The section that a setting is, or is where it is not left out."""
    choices = get_args(annotation) if get_origin(annotation) is UnionType else (annotation,)
    sections = (one for one in choices if isinstance(one, type) and issubclass(one, BaseModel))
    return next(sections, None)


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Relative paths from the folder of the settings file; the word `shipped` stays one where no file is."""
    kept = {folder / _SHIPPED: _SHIPPED} if not (folder / _SHIPPED).exists() else {}
    store = settings.store if "://" in settings.store else str(folder / settings.store)
    moved = below(settings, folder)
    rules = tuple(kept.get(path, path) for path in moved.rules)
    return moved.model_copy(update={"store": store, "rules": rules})
