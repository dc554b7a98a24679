"""What format a file is in, from its name and its first bytes. Once per file, never per batch."""

from __future__ import annotations

import json
from pathlib import PurePath

import polars as pl

from monitor.decode.access import is_access

JSON, ACCESS, TEXT, TABLE = "json", "access", "text", "table"
FORMATS = (JSON, ACCESS, TEXT, TABLE)
"""The formats there are; a source or a command takes `auto` beside them."""

HEAD = 65_536
"""Bytes of a file that are looked at."""

_PACKED = {".gz", ".zst"}
_BY_SUFFIX = {".parquet": TABLE, ".csv": TABLE, ".ndjson": JSON, ".jsonl": JSON}
_MAGIC = {b"PAR1": TABLE}


def detect(head: bytes, name: str) -> str:
    """One of FORMATS.

    `.parquet`, `.csv`, `.ndjson` and `.jsonl` (also with `.gz` or `.zst`) say it themselves. Otherwise the
    lines decide: JSON or access if at least half of them are, else text, which refuses nothing.

    Args:
        head: the first bytes of the content, decompressed; HEAD of them are enough.
        name: the file's name.
    """
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    if suffixes and suffixes[-1] in _BY_SUFFIX:
        return _BY_SUFFIX[suffixes[-1]]
    if head[:4] in _MAGIC:
        return _MAGIC[head[:4]]
    return _by_lines(_whole_lines(head))


def spread_json(head: bytes) -> bool:
    """Whether a text is rather JSON that goes over several lines: pretty-printed, or an array of events.

    Args:
        head: as for `detect`, of content that is no JSON lines.
    """
    lines = _whole_lines(head)
    if not lines or not lines[0].startswith(("{", "[")):
        return False
    return 2 * sum(line.startswith(('"', "{", "}", "]")) for line in lines) >= len(lines)


def _by_lines(lines: list[str]) -> str:
    if not lines:
        return TEXT
    if 2 * sum(map(_is_object, lines)) >= len(lines):
        return JSON
    return ACCESS if 2 * is_access(pl.Series(lines)).sum() >= len(lines) else TEXT


def _whole_lines(head: bytes) -> list[str]:
    """Lines with something in them; the last one only where the head does not cut it."""
    lines = head.decode(errors="replace").lstrip("\ufeff").split("\n")
    if len(head) >= HEAD and len(lines) > 1:
        lines.pop()
    return [line.strip() for line in lines if line.strip()]


def _is_object(line: str) -> bool:
    """Whether a line is a JSON object, or an array of them."""
    if not line.startswith(("{", "[{")):
        return False
    if len(line) > HEAD // 2:  # probably cut by the head; nothing else starts like this and is so long
        return True
    return _is_json(line)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
