"""The API does what its description says, whatever it is asked: schemathesis over the real application."""

import os
import re

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import checks
from schemathesis.specs.openapi import checks as described

from monitor.web.api import openapi
from monitor.web.api.table import ENDPOINTS
from monitor.web.site import Options, application
from tests.support.api import BASE, token
from tests.support.review import CASE, found, office

EXAMPLES = int(os.environ.get("PRIVWATCH_TEST_EXAMPLES", "12"))
"""Calls of each endpoint; for a release 500."""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    options = Options(api_a_minute=10_000_000)
    with office(tmp_path_factory.mktemp("office"), options=options) as made:
        app = application(made.site)
        yield schemathesis.openapi.from_asgi(f"{BASE}/openapi.json", app), token(made, "dpo")


def test_every_endpoint_is_described_once_with_its_problems():
    document = openapi.document()
    described = {(method.upper(), path) for path, each in document["paths"].items() for method in each}
    assert described == {(each.method, each.path) for each in ENDPOINTS}
    operations = [one for each in document["paths"].values() for one in each.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert all({"401", "403", "429", "500"} <= one["responses"].keys() for one in operations)
    assert all(one["summary"] for one in operations)
    assert not re.search(r"#/\$defs/", str(document))


PRESENT = {"key": CASE, "week": "2026-W47", "fingerprint": found(CASE).fingerprint, "format": "csv"}
"""Parts of addresses that lead somewhere: half of the calls ask for these."""
CHECKS = [
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_schema_conformance,
    described.negative_data_rejection,
    described.unsupported_method,
    described.ignored_auth,
]


@pytest.mark.parametrize("each", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_it_does_what_its_description_says(here, each):
    schema, text = here
    operation = schema[each.path][each.method]
    headers = {"Authorization": f"Bearer {text}"}  # written as it looks for it, to take it away
    parts = {name: value for name, value in PRESENT.items() if f"{{{name}}}" in each.path}
    strategies = [
        operation.as_strategy(mode, **({"path_parameters": parts} if parts and n else {}))
        for n, mode in enumerate(schemathesis.GenerationMode)
    ]

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=hypothesis.strategies.one_of(strategies))
    def holds(case):
        case.call_and_validate(headers=headers, checks=CHECKS)

    holds()
