"""The benchmark's stream of records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.demo import bulk, stream


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer prototypes and smaller chunks, so that a few thousand events cross several of them."""
    monkeypatch.setattr(stream, "_PROTOTYPES", 500)
    monkeypatch.setattr(stream, "_CHUNK", 1_000)


def test_as_many_records_as_asked_for_of_about_500_bytes(tmp_path: Path) -> None:
    bulk(tmp_path / "a", 3_500)
    lines = (tmp_path / "a").read_bytes().splitlines()
    assert len(lines) == 3_500
    assert 450 < sum(map(len, lines)) / len(lines) < 600


def test_every_line_is_a_record_in_time_order_with_an_identifier_of_its_own(tmp_path: Path) -> None:
    bulk(tmp_path / "a", 3_500)
    made = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    times = [each["@timestamp"] for each in made]
    assert times == sorted(times)
    assert len({each["trace"]["id"] for each in made}) > 3_490
    assert {times[0][:10], times[-1][:10]} == {"2026-11-16"}


def test_a_few_records_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_LEAKING", 0.2)
    bulk(tmp_path / "a", 2_000)
    leaking = sum('"religion"' in line for line in (tmp_path / "a").read_text().splitlines())
    assert leaking > 5


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        bulk(tmp_path / name, 1_200, seed)
    first, second, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second != other


def test_no_events_is_an_empty_file(tmp_path: Path) -> None:
    bulk(tmp_path / "a", 0)
    assert (tmp_path / "a").read_bytes() == b""
