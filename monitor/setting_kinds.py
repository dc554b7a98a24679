"""Kinds of settings that several sections have: lists, paths, addresses, secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from monitor.errors import SettingsError

SECRET: Any = {"writeOnly": True}
"""For `json_schema_extra` of a setting that no output may show."""

_LABEL: Final = "[A-Za-z0-9_-]{1,63}"
_BROKER: Final = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|{_LABEL}(?:\.{_LABEL})*\.?):([0-9]{{1,5}})")


class Section(BaseModel):
    """One map of the settings file: strict, frozen, and what it does not know is an error."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


def listed(value: object) -> object:
    """A text with commas is a list: environment variables hold nothing else."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(","))
    return tuple(value) if isinstance(value, list) else value


def address(url: str) -> str:
    """Without a password: what is in a URL is shown by many tools."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound or parts.fragment or any(char.isspace() for char in url):
        raise ValueError("say where to, for example `https://alerts.example.org/hook`")
    if parts.username is not None:
        raise ValueError("no name and password in a URL; say them in the settings for secrets")
    return url


def _brokers(brokers: tuple[str, ...]) -> tuple[str, ...]:
    for broker in brokers:
        found = _BROKER.fullmatch(broker)
        if found is None or not 0 < int(found[2]) < 65536:
            raise ValueError("each broker is `host:port`, for example `kafka.internal:9092`")
    return brokers


Words = Annotated[tuple[str, ...], BeforeValidator(listed, json_schema_input_type=str | tuple[str, ...])]
Addresses = Annotated[Words, AfterValidator(_brokers)]
Url = Annotated[str, AfterValidator(address)]
File = Annotated[Path, Field(strict=False)]
Paths = Annotated[
    tuple[File, ...],
    BeforeValidator(listed, json_schema_input_type=str | tuple[str, ...]),
]

_S = TypeVar("_S", bound=BaseModel)


def below(section: _S, folder: Path) -> _S:
    """The section with every path below the folder, where it is no absolute one."""
    moved: dict[str, object] = {}
    for name in type(section).model_fields:
        match getattr(section, name):
            case BaseModel() as inner:
                moved[name] = below(inner, folder)
            case Path() as path:
                moved[name] = folder / path
            case tuple() as several if any(isinstance(one, Path) for one in several):
                moved[name] = tuple(folder / one for one in several)
            case dict() as named if any(isinstance(one, BaseModel) for one in named.values()):
                moved[name] = {key: below(one, folder) for key, one in named.items()}
    return section.model_copy(update=moved)


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
