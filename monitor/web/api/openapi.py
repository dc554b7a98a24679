"""The API described: OpenAPI 3.1, made of the table of endpoints and the types they take and tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

from monitor.web import reports
from monitor.web.api import problems, told
from monitor.web.api.table import ENDPOINTS, FILES, PARTS, Endpoint
from monitor.web.permissions import ACTIONS, SCOPES

BASE = "/api/v1"
_REF = "#/components/schemas/{model}"


@cache
def text() -> str:
    """The document as JSON; the same each time."""
    return json.dumps(document())


def document() -> dict[str, Any]:
    """The document."""
    models = {one for each in ENDPOINTS for one in (each.tells, each.body) if isinstance(one, type)}
    sent = {each.body for each in ENDPOINTS}
    listed = sorted(models | {told.Problem}, key=lambda one: (one.__module__, one.__name__))
    names, schemas = models_json_schema(
        [(one, "validation" if one in sent else "serialization") for one in listed], ref_template=_REF
    )
    refs = {model: names[model, mode] for model, mode in names}
    paths: dict[str, dict[str, Any]] = {}
    for each in ENDPOINTS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Privwatch",
            "version": "1",
            "description": (
                "The review for programs. Whoever calls sends `Authorization: Bearer` and a token made with "
                "`privwatch account token`. Every look at evidence, every decision and every export is in "
                "the ledger, with the account and the token."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Scopes: "
                    + "; ".join(f"`{scope}`, to {ACTIONS[action]}" for scope, action in SCOPES.items()),
                }
            },
        },
    }


def _operation(each: Endpoint, refs: dict[Any, Any]) -> dict[str, Any]:
    about = (each.answer.__doc__ or "").strip()
    said: dict[str, Any] = {
        "operationId": each.answer.__name__,
        "summary": about.rstrip("."),
        "security": [{"token": [each.scope] if each.scope else []}],
        "parameters": [*_parts(each.path), *_query(each)],
        "responses": {"200": _answer(each, refs), **_problems(_failures(each))},
    }
    if each.body is not None:
        said["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[each.body]}},
        }
    return said


def _parts(path: str) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        pattern, about = PARTS[name]
        schema = {"type": "string", "pattern": pattern}
        yield {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _query(each: Endpoint) -> Iterable[dict[str, Any]]:
    for name, schema in each.query.model_json_schema().get("properties", {}).items():
        about = schema.pop("description", "")
        # A parameter is left out rather than null.
        given = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
        kept = {k: v for k, v in schema.items() if k not in {"anyOf", "title"} and v is not None}
        kept |= given[0] if given else {}
        yield {"name": name, "in": "query", "required": False, "description": about, "schema": kept}


def _answer(each: Endpoint, refs: dict[Any, Any]) -> dict[str, Any]:
    if each.tells == FILES:
        kinds = {kind.partition(";")[0] for kind, _ in reports.FORMATS.values()}
        content: dict[str, Any] = {kind: {} for kind in sorted(kinds)}
    elif each.tells is None:
        content = {"application/json": {"schema": {"type": "object"}}}
    else:
        content = {"application/json": {"schema": refs[each.tells]}}
    return {"description": "It is so.", "content": content}


def _failures(each: Endpoint) -> Iterable[int]:
    yield from (401, 403, 404, 422, 429, 500, 503)
    if each.body is not None:
        yield from (400, 409, 413, 415)


def _problems(codes: Iterable[int]) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=told.Problem.__name__)}
    return {
        str(code): {
            "description": HTTPStatus(code).phrase,
            "content": {problems.KIND: {"schema": schema}},
        }
        for code in sorted(codes)
    }
