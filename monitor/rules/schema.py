"""JSON Schema of a rule file, for editors; built from the tables the loader reads, so the two agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from monitor.rules.correlation import TIMESPAN_UNITS
from monitor.rules.extensions import MAX_REPEAT
from monitor.rules.modifiers import ALIASES, ROLES
from monitor.rules.reader import DURATION_UNITS
from monitor.rules.vocabulary import (
    ALERT_KEYS,
    BASELINE_KEYS,
    BOUNDS,
    CORRELATION_BODY,
    CORRELATION_KEYS,
    CORRELATION_TYPES,
    DAILY_SIGNALS,
    EVENT_KEYS,
    EXPECTATIONS,
    FILTER_KEYS,
    HOURLY_SIGNALS,
    LEVELS,
    LOGSOURCE_KEYS,
    METHODS,
    PEER_KEYS,
    PERIODS,
    PRIVACY_KEYS,
    RULE_KEYS,
    SEASONS,
    STATUSES,
    TEMPORAL,
    TEST_FORMATS,
    TEST_KEYS,
    TIERS,
    UNKNOWN,
    WINDOW_KEYS,
    WINDOW_KINDS,
)

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": ["string", "number"]}
_TEXTS: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_VALUES: Schema = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
_DURATION: Schema = {"type": "string", "pattern": rf"^[0-9.]+({'|'.join(DURATION_UNITS)})$"}


def rule_schema() -> Schema:
    """The JSON Schema (draft 2020-12) of one document of a rule file.

    Dates are text in it: YAML parsers that make dates of them have to be told not to.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Privwatch rule: Sigma 2.1 with privacy keys",
        "oneOf": [_rule(), _correlation(), _filter()],
        "$defs": {"selection": _selection()},
    }


def _object(keys: Iterable[str], known: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A map with exactly these keys; those of no known type may hold anything."""
    properties = {key: known.get(key, {}) for key in sorted(keys)}
    closed: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return closed | ({"required": sorted(required)} if required else {})


def _header() -> dict[str, Schema]:
    return {
        "title": _TEXT,
        "id": {"type": "string", "format": "uuid"},
        "name": _TEXT,
        "status": {"enum": list(STATUSES)},
        "level": {"enum": list(LEVELS)},
        "description": _TEXT,
        "references": _TEXTS,
        "tags": _TEXTS,
        "fields": _TEXTS,
        "falsepositives": _TEXTS,
        "generate": {"type": "boolean"},
        "x_privacy": _object(PRIVACY_KEYS, dict.fromkeys(PRIVACY_KEYS, _TEXT) | _privacy_lists()),
        "x_alert": _object(ALERT_KEYS, _alert()),
        "x_window": _object(WINDOW_KEYS, _window()),
        "x_baseline": _object(BASELINE_KEYS, _baseline()),
        "x_tests": {"type": "array", "items": _object(TEST_KEYS, _test(), {"name", "expect", "events"})},
    }


def _privacy_lists() -> dict[str, Schema]:
    return {"articles": _TEXTS, "categories": _TEXTS}


def _alert() -> dict[str, Schema]:
    return {
        "fingerprint": _TEXTS,
        "per": {"enum": list(PERIODS)},
        "realert": _DURATION,
        "tier": {"enum": list(TIERS)},
    }


def _window() -> dict[str, Schema]:
    return {
        "kind": {"enum": list(WINDOW_KINDS)},
        "hop": _DURATION,
        "resolution": _DURATION,
        "lateness": _DURATION,
        "late": {"enum": ["revise"]},
    }


def _baseline() -> dict[str, Schema]:
    signal: Schema = {"enum": [*HOURLY_SIGNALS, *DAILY_SIGNALS]}
    above_none: Schema = {"type": "number", "exclusiveMinimum": 0}
    return {
        "history": _DURATION,
        "min_history": _DURATION,
        "unknown": {"enum": list(UNKNOWN)},
        "season": {"enum": list(SEASONS)},
        "method": {"enum": list(METHODS)},
        "score": above_none,
        "scale": above_none,
        "cap": above_none,
        "peers": {"anyOf": [_TEXT, _object(PEER_KEYS, dict.fromkeys(PEER_KEYS, _TEXT), PEER_KEYS)]},
        "timezone": {"type": "string"},
        "signals": {"anyOf": [signal, {"type": "array", "minItems": 1, "items": signal}]},
    }


def _test() -> dict[str, Schema]:
    event = {
        "at": _DURATION,
        "every": _DURATION,
        "repeat": {"type": "integer", "minimum": 1, "maximum": MAX_REPEAT},
        "set": {"type": "object"},
        "raw": {"type": "string"},
    }
    one_event = _object(EVENT_KEYS, event) | {"oneOf": [{"required": ["set"]}, {"required": ["raw"]}]}
    return {
        "name": _TEXT,
        "expect": {"enum": list(EXPECTATIONS)},
        "format": {"enum": list(TEST_FORMATS)},
        "events": {"type": "array", "minItems": 1, "items": one_event},
        "lookups": {"type": "object", "additionalProperties": _table()},
    }


def _table() -> Schema:
    cell: Schema = {"type": ["string", "integer", "null"]}
    row: Schema = {"type": "object", "minProperties": 1, "additionalProperties": cell}
    return {
        "anyOf": [
            {"type": "array", "items": {"type": ["string", "integer"]}},
            {"type": "array", "items": row},
        ]
    }


def _selection() -> Schema:
    modifiers = "|".join([*ROLES, *ALIASES])
    fields: Schema = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": rf"^[^|]*(\|({modifiers}))*$"},
        "additionalProperties": _VALUES,
    }
    nested: Schema = {"$ref": "#/$defs/selection"}
    return {"anyOf": [fields, _SCALAR, {"type": "array", "minItems": 1, "items": nested}]}


def _selections(required: Iterable[str], known: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(known),
        "additionalProperties": {"$ref": "#/$defs/selection"},
        "required": sorted(required),
        "minProperties": len(list(required)) + 1,
    }


def _logsource() -> Schema:
    return _object(LOGSOURCE_KEYS, dict.fromkeys(LOGSOURCE_KEYS, _TEXT))


def _rule() -> Schema:
    detection = _selections({"condition"}, {"condition": _TEXTS})
    body = {"logsource": _logsource(), "detection": detection}
    return _object(RULE_KEYS, _header() | body, {"title", "logsource", "detection"})


def _filter() -> Schema:
    body = _selections({"condition", "rules"}, {"condition": _TEXT, "rules": _TEXTS})
    words = dict.fromkeys(("x_owner", "x_reason", "x_expires", "x_reviewed_by"), _TEXT)
    known = _header() | words | {"logsource": _logsource(), "filter": body}
    return _object(FILTER_KEYS, known, {"title", "logsource", "filter"})


def _correlation() -> Schema:
    number: Schema = {"type": "number"}
    percentile: Schema = {"type": "integer", "minimum": 1, "maximum": 100}
    least: Schema = {"type": "integer", "minimum": 1}
    bounds = dict.fromkeys(BOUNDS, number) | {"field": _TEXTS, "percentile": percentile, "events": least}
    bounds |= {"history": _DURATION, "min_history": _DURATION}
    alias: Schema = {"type": "object", "additionalProperties": _TEXT}
    body: dict[str, Schema] = {
        "type": {"enum": list(CORRELATION_TYPES)},
        "rules": _TEXTS,
        "group-by": _TEXTS,
        "timespan": {"type": "string", "pattern": rf"^[0-9]+[{''.join(TIMESPAN_UNITS)}]$"},
        "condition": {"anyOf": [_object(bounds, bounds), {"type": "string"}]},
        "aliases": {"type": "object", "additionalProperties": alias},
        "generate": {"type": "boolean"},
    }
    temporal: Schema = {
        "if": {"properties": {"type": {"enum": sorted(TEMPORAL)}}},
        "then": {"anyOf": [{"required": ["rules"]}, {"properties": {"condition": {"type": "string"}}}]},
        "else": {
            "required": ["rules"],
            "properties": {"condition": {"type": "object"}},
            "anyOf": [{"required": ["condition"]}, {"properties": {"type": {"const": "absence"}}}],
        },
    }
    correlation = _object(CORRELATION_BODY, body, {"type", "timespan"}) | temporal
    return _object(CORRELATION_KEYS, _header() | {"correlation": correlation}, {"title", "correlation"})
