"""Every class asked for by a rule: what is found in a value is found in its record, and not told."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from pathlib import Path

import polars as pl
import pytest

from monitor.decode import decoder
from monitor.detectors import CLASSES, find
from monitor.detectors.scrub import holds_personal_data
from monitor.engine.match import evaluate
from monitor.engine.plan import compile_plan
from monitor.frames import Lines, RecordBatch
from monitor.model import Logsource
from monitor.rules.ruleset import load
from tests.detectors.cases import credentials, persons
from tests.detectors.cases.national import FIELDS, INVALID, VALID
from tests.support.command import privwatch

TODAY = dt.date(2026, 11, 23)
RULE = """\
title: Holds {name}
id: {id}
name: holds_{name}
status: stable
description: For a test.
logsource: {{category: application}}
detection:
    anywhere:
        '|pii': {name}
    condition: anywhere
level: high
x_privacy: {{articles: ["32"], categories: [contact]}}
"""


def texts() -> list[tuple[str, str]]:
    """(field, text) of all cases, found or not."""
    told = [
        ("mail", "anna.berg@nordwind-shop.de"),
        ("message", "from DE89370400440532013000 to 4111111111111111"),
    ]
    cases = [case for group in (*persons.CASES.values(), *credentials.CASES.values()) for case in group]
    told += [(case.path or "message", case.text) for case in cases]
    for name, field in FIELDS.items():
        told += [(field, number) for number in (*VALID[name], *INVALID[name])]
        told += [("message", f"{field.rpartition('.')[2]}: {number}") for number in VALID[name]]
    return told


TEXTS = texts()


def record(field: str, text: str) -> dict[str, object]:
    value: object = text
    for key in reversed(field.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return {"@timestamp": "2026-11-16T08:00:00Z", **value}


def inline_tests(name: str) -> list[dict[str, object]]:
    """One test of each kind; a rule may not hold a public IPv4 address."""
    fields, values = zip(*TEXTS, strict=True)
    found = find(pl.Series(values), (name,), pl.Series(fields)).filter(pl.col("state") == "raw")["index"]
    field, text = next(TEXTS[i] for i in found if holds_personal_data(TEXTS[i][1]) is None)
    return [
        {"name": "it", "expect": "match", "events": [{"set": {field: text}}]},
        {"name": "nothing", "expect": "no_match", "events": [{"set": {"message": "nothing"}}]},
    ]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules")
    for name in CLASSES:
        text = RULE.format(name=name, id=uuid.UUID(int=random.Random(name).getrandbits(128), version=4))
        text += f"x_tests: {json.dumps(inline_tests(name))}\n"
        (folder / f"holds_{name}.yml").write_text(text, encoding="utf-8")
    return folder


def test_a_rule_finds_what_the_detector_finds(rules: Path) -> None:
    ruleset, diagnostics = load([rules], TODAY)
    assert ruleset is not None, diagnostics
    plan = compile_plan(ruleset)
    data = b"\n".join(json.dumps(record(field, text)).encode() for field, text in TEXTS)
    records = RecordBatch("p", range(len(TEXTS)), len(TEXTS), Lines(data), Logsource("application"))
    matches = evaluate(plan, decoder("json", plan.projection).decode(records))
    fields, values = zip(*TEXTS, strict=True)
    for rule, rows in zip(matches.rules, matches.rows, strict=True):
        name = rule.rule.header.name.removeprefix("holds_")
        frame = find(pl.Series(values), (name,), pl.Series(fields))
        expected = set(frame.filter(pl.col("state").is_in(["raw", "encoded"]))["index"])
        assert expected, name
        assert expected <= set(rows.to_list()), name
        # JSON in a string is taken apart, and then more of it may be found; hardly anything else is.
        assert len(set(rows.to_list()) - expected) <= 12, name


def test_evidence_tells_no_value(rules: Path, tmp_path: Path) -> None:
    log = tmp_path / "app.ndjson"
    log.write_text("".join(json.dumps(record(f, t)) + "\n" for f, t in TEXTS), encoding="utf-8")
    done = privwatch("replay", log, "--rules", rules, "--store", "a.db", "--output", "json", folder=tmp_path)
    assert done.code == 1, done.err
    assert all(f"holds_{name}" in done.out for name in CLASSES if name not in {"email", "iban", "card"})
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("a.*"))
    said = kept + (done.out + done.err).encode()
    fields, values = zip(*TEXTS, strict=True)
    frame = find(pl.Series(values), ("every",), pl.Series(fields)).filter(pl.col("state") == "raw")
    spans = {values[i][start:end] for i, start, end in frame.select("index", "start", "end").iter_rows()}
    secrets = {span for span in spans if len(span) >= 8 and any(c.isdigit() for c in span)}
    assert len(secrets) > 100
    assert {secret for secret in secrets if secret.encode() in said} == set()
