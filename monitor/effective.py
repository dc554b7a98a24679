"""The settings as they are in force: printed with their origin and without secrets, and their JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from monitor.errors import SettingsError
from monitor.setting_kinds import SECRET
from monitor.settings import Loaded, Settings
from monitor.sinks.password import hashed

MASK = "***"

_SECRET_NAME = re.compile(r"(^|_)(password|passphrase|secret|token|credentials?|password_hash|api_key)$")
_IN_URL = re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)")


def effective(loaded: Loaded) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    """(key, value, where it came from) of every setting, in the order of the documentation.

    Values are as JSON has them. Secrets are `***`; a password within a URL too.
    """
    yield from _rows(loaded, loaded.settings, ())


def as_yaml(loaded: Loaded) -> str:
    """The same as a settings file that says everything, with the origins as comments."""
    lines: list[tuple[str, str]] = []
    open_sections: tuple[str, ...] = ()
    for keys, value, origin in effective(loaded):
        *parents, name = keys
        for depth, parent in enumerate(parents):
            if open_sections[: depth + 1] != tuple(parents[: depth + 1]):
                lines.append((f"{'  ' * depth}{parent}:", ""))
        open_sections = tuple(parents)
        lines.append((f"{'  ' * len(parents)}{name}: {json.dumps(value, ensure_ascii=False)}", origin))
    width = max(len(text) for text, _ in lines)
    return "".join(f"{text:<{width}}  # {origin}\n" if origin else f"{text}\n" for text, origin in lines)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the settings file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(),
        "title": "Settings of privwatch",
    }


def password_hash(password: str) -> str:
    """What `metrics.auth.password_hash` keeps of a password.

    Raises:
        SettingsError: there is none.
    """
    if not password:
        raise SettingsError("there is no password; type one, or pipe one line into the command")
    return hashed(password)


def _rows(
    loaded: Loaded, section: BaseModel, above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for name, info in type(section).model_fields.items():
        value, keys = getattr(section, name), (*above, name)
        if isinstance(value, BaseModel):
            yield from _rows(loaded, value, keys)
            continue
        if isinstance(value, Mapping) and value and all(isinstance(one, BaseModel) for one in value.values()):
            for named, inner in value.items():
                yield from _rows(loaded, inner, (*keys, named))
            continue
        extra = info.json_schema_extra
        secret = bool(_SECRET_NAME.search(name)) or (
            isinstance(extra, Mapping) and extra.items() >= SECRET.items()
        )
        yield keys, _shown(value, secret=secret), loaded.origin(keys)


def _shown(value: object, *, secret: bool) -> object:
    if value is not None and (secret or isinstance(value, SecretStr | SecretBytes)):
        return MASK
    match value:
        case str() | Path() | date():
            return _IN_URL.sub(rf"\g<1>{MASK}", str(value))
        case Mapping():
            return {str(k): _shown(v, secret=bool(_SECRET_NAME.search(str(k)))) for k, v in value.items()}
        case BaseModel():
            return _shown(value.model_dump(), secret=False)
        case tuple() | list():
            return [_shown(one, secret=False) for one in value]
        case _:
            return value
