"""Sigma text to patterns: wildcards, escapes, and the modifiers that put a wildcard at an end."""

from __future__ import annotations

from monitor.rules.tree import Pattern, Wild

_WILDCARDS = {wild.value: wild for wild in Wild}
_SPECIAL = frozenset(_WILDCARDS) | {"\\"}


def parse_pattern(text: str) -> Pattern:
    r"""Read Sigma's wildcards and escapes.

    `*` is any run of characters, `?` any one. A backslash before `*`, `?` or a backslash takes its meaning
    away; before anything else, and at the end, it is itself (Sigma 2.1, "Escape Character").
    """
    parts: list[str | Wild] = []
    literal: list[str] = []
    characters = iter(text)
    for char in characters:
        if char in _WILDCARDS:
            _flush(literal, parts)
            parts.append(_WILDCARDS[char])
        elif char == "\\":
            following = next(characters, "")
            literal.append(following if following in _SPECIAL else "\\" + following)
        else:
            literal.append(char)
    _flush(literal, parts)
    return Pattern(tuple(parts))


def _flush(literal: list[str], parts: list[str | Wild]) -> None:
    if literal:
        parts.append("".join(literal))
        literal.clear()


def startswith(pattern: Pattern) -> Pattern:
    """The pattern with `*` at its end, unless it has one."""
    parts = pattern.parts
    return pattern if parts[-1:] == (Wild.MANY,) else Pattern((*parts, Wild.MANY))


def endswith(pattern: Pattern) -> Pattern:
    """The pattern with `*` at its start, unless it has one."""
    parts = pattern.parts
    return pattern if parts[:1] == (Wild.MANY,) else Pattern((Wild.MANY, *parts))


def contains(pattern: Pattern) -> Pattern:
    """The pattern with `*` at both ends."""
    return startswith(endswith(pattern))
