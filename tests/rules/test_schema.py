"""The JSON Schema says yes where the loader does."""

import json

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from monitor.rules.diagnostics import Problems
from monitor.rules.document import plain, read
from monitor.rules.ruleset import load
from monitor.rules.schema import rule_schema
from tests.rules.checking import HEAD, TODAY
from tests.support.fixtures import fixtures_dir, needs_fixtures
from tests.support.shipped import rule_files

VALIDATOR = Draft202012Validator(rule_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
SHIPPED = rule_files()


def documents(path):
    return [plain(node) for node in read(path.name, path.read_bytes(), Problems())]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(rule_schema())
    assert json.loads(json.dumps(rule_schema())) == rule_schema()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_rules_are_valid(path):
    for document in documents(path):
        VALIDATOR.validate(document)


@needs_fixtures
def test_sigmahq_rules_that_load_are_valid():
    taken = 0
    for path in sorted(fixtures_dir("sigma-rules").rglob("*.yml"))[::7]:
        if load([path], TODAY)[0] is not None:
            taken += 1
            for document in documents(path):
                VALIDATOR.validate(document)
    assert taken > 500


@needs_fixtures
def test_the_samples_of_the_specification():
    folder = fixtures_dir("sigma-specification", "tests", "schema")
    samples = sorted(folder.rglob("*.yml"))
    for sample in samples:
        for document in documents(sample):
            VALIDATOR.validate(document)
    assert len(samples) == 12


GOOD = HEAD + "detection: {read: {event.action|contains: read}, condition: read}\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("level: low", "level: hihg"),
        ("level: low", "levle: low"),
        ("3f2c6f0a", "zz"),
        ("|contains", "|contain"),
        ("condition: read", "conditon: read"),
        ("{category: application}", "{catgory: application}"),
        ("title: A", "x_alert: {tier: pager}"),
        ("level: low", "x_tests: [{name: a, expect: match, events: [{set: {a: 1}, raw: b}]}]"),
        ("level: low", "x_alert: {realert: soon}"),
    ],
)
def test_what_it_refuses(old, new):
    def validate(text):
        (node,) = read("f.yml", text.encode(), Problems())
        VALIDATOR.validate(plain(node))

    validate(GOOD)
    with pytest.raises(ValidationError):
        validate(GOOD.replace(old, new))
