"""A list in one event is as many values: a bulk read that is logged as one line is a bulk read."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from monitor.app import ReplayOptions, replay
from monitor.engine.subjects import distinct
from monitor.pipeline.ways import Decoding

RULES = """
title: Reads
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c21
name: reads
level: low
generate: true
logsource: {category: application}
detection:
    read: {act: read}
    condition: read
x_privacy: {articles: ["32"], subject: customer.id}
x_tests:
    - {name: one, expect: match, events: [{set: {act: read}}]}
    - {name: none, expect: no_match, events: [{set: {act: write}}]}
---
title: Customers
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c22
name: customers
level: low
correlation:
    type: value_count
    rules: [reads]
    group-by: [user]
    timespan: 60s
    condition: {field: customer.id, gte: 1}
---
title: Rows
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c23
name: rows
level: low
correlation:
    type: value_sum
    rules: [reads]
    group-by: [user]
    timespan: 60s
    condition: {field: n, gte: 1}
x_privacy: {articles: ["32"], subject: customer.id}
x_tests:
    - {name: one, expect: match, events: [{set: {act: read, user: a, n: 1}}]}
    - {name: none, expect: no_match, events: [{set: {act: write}}]}
---
title: Reads of a customer
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c24
name: of_a_customer
level: low
correlation:
    type: event_count
    rules: [reads]
    group-by: [customer.id, user]
    timespan: 60s
    condition: {gte: 1}
"""


def reading(second: int, customers: list[str], rows: list[int]) -> dict[str, object]:
    at = f"2026-11-16T08:00:0{second}Z"
    return {"at": at, "act": "read", "user": "ada", "customer": {"id": customers}, "n": rows}


EVENTS = [reading(0, ["a", "b", "c"], [5, 5]), reading(1, ["c", "d"], [2]), reading(1, ["a"], [])]


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
def test_every_element_is_counted_added_and_a_data_subject(tmp_path: Path, form: str) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    log = tmp_path / f"log.{form}"
    if form == "ndjson":
        log.write_text("\n".join(map(json.dumps, EVENTS)))
    else:
        times = [dt.datetime.fromisoformat(str(event["at"])) for event in EVENTS]
        pl.DataFrame(EVENTS).with_columns(at=pl.Series(times)).write_parquet(log)
    options = ReplayOptions(
        (str(log),),
        (tmp_path / "rules.yml",),
        tmp_path / "a.db",
        tmp_path / "key",
        decoding=Decoding(time_fields=("at",)),
    )
    everything = replay(options).violations
    found = {v.kind: v for v in everything}
    assert sorted(v.count for v in everything if v.kind == "event_count") == [1, 1, 2, 2], "b, d; a, c"
    assert (found["event"].count, distinct(found["event"].subjects)) == (3, 4)
    assert (found["value_count"].count, found["value_count"].value) == (3, 4)
    assert (found["value_sum"].count, found["value_sum"].value) == (3, 12)
    assert distinct(found["value_sum"].subjects) == 4
