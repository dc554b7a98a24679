"""National identifiers in text and fields: found with the words they need, not found without."""

import json
import random
import re

import polars as pl
import pytest

from monitor.detectors import find, prefilter
from monitor.detectors.digits import is_time
from monitor.detectors.identifier import ALWAYS, GROUPED, NEVER
from monitor.detectors.registry import GROUPS, IDENTIFIERS
from tests.detectors.cases.national import FIELDS, INVALID, VALID

NAMES = GROUPS["national_id"]
VALID_CASES = [(name, text) for name in NAMES for text in VALID[name]]
INVALID_CASES = [(name, text) for name in NAMES for text in INVALID[name]]


def found(text: str, name: str, path: str = "") -> list[str]:
    frame = find(pl.Series([text]), (name,), pl.Series([path]))
    assert set(frame["detector"]) <= {name}
    return [text[start:end] for start, end in frame.select("start", "end").iter_rows()]


def word(name: str) -> str:
    return FIELDS[name].rpartition(".")[2]


def test_every_class_has_cases():
    assert set(VALID) == set(INVALID) == set(FIELDS) == set(NAMES)


@pytest.mark.parametrize(("name", "number"), VALID_CASES)
def test_in_a_field_that_says_so(name, number):
    assert found(number, name, FIELDS[name]) == [number]


@pytest.mark.parametrize(("name", "number"), VALID_CASES)
@pytest.mark.parametrize(
    "text", ["{} {} was stored", "{}={}&ok=1", '{{"{}": "{}"}}', "{}: {}.", "/x?{}={}#a"]
)
def test_beside_a_word(name, number, text):
    assert found(text.format(word(name), number), name) == [number]


@pytest.mark.parametrize(("name", "number"), VALID_CASES)
def test_after_a_word_that_follows(name, number):
    assert found(f"got {number} ({word(name)})", name) == [number]


@pytest.mark.parametrize(("name", "number"), VALID_CASES)
def test_alone(name, number):
    row = IDENTIFIERS[name]
    grouped = len(row.compact(number)) < len(number)
    time = not grouped and row.prior > 0.0001 and is_time(row.compact(number))
    stands = (row.alone == ALWAYS and not time) or (row.alone == GROUPED and bool(re.search("[-+/]", number)))
    lower = number != number.upper()
    assert found(f"read {number} now", name) == ([number] if stands and not lower else [])


@pytest.mark.parametrize(("name", "number"), INVALID_CASES)
def test_not_one(name, number):
    assert found(number, name, FIELDS[name]) == []
    assert found(f"{word(name)} {number}", name) == []


@pytest.mark.parametrize(("name", "number"), VALID_CASES)
@pytest.mark.parametrize(
    "text", ["{0}9", "9{0}", "a{0}", "{0}a", "x_{0}", "{0}_x", "9.{0}", "{0}.5", "ab-{0}", "+{0}"]
)
def test_a_piece_of_something_longer(name, number, text):
    assert number not in found(text.format(number), name, FIELDS[name])


@pytest.mark.parametrize("name", [n for n in NAMES if IDENTIFIERS[n].digits])
def test_zeros_that_a_number_lost_are_put_back(name):
    row, rng = IDENTIFIERS[name], random.Random(4)
    form = re.compile(row.pattern)
    numbers = (f"0{rng.randrange(10 ** (row.digits - 1)):0{row.digits - 1}}" for _ in range(60_000))
    number = next((n for n in numbers if form.fullmatch(n) and row.check(n)), None)
    if number is None:
        assert name in {"de_steuer_id", "at_svnr"}, "the others may begin with a zero"
        return
    assert found(str(int(number)), name, FIELDS[name]) == [str(int(number))]
    assert found(f"{int(number)}.0", name, FIELDS[name]) == [f"{int(number)}.0"]
    assert found(str(int(number)), name) == []


@pytest.mark.parametrize("name", NAMES)
def test_prior_is_what_random_texts_say(name):
    row, rng = IDENTIFIERS[name], random.Random(name)
    form, n = re.compile(row.pattern), 20_000
    kinds = {"9": "0123456789", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    texts = ("".join(rng.choice(kinds.get(c, c)) for c in rng.choice(row.shapes)) for _ in range(n))
    passed = sum(bool(form.fullmatch(t)) and row.check(row.compact(t)) for t in texts)
    expected = n * row.prior
    assert abs(passed - expected) <= 4 * expected**0.5 + 2


@pytest.mark.parametrize("name", NAMES)
def test_what_counts_alone_is_seldom_met_by_chance(name):
    row = IDENTIFIERS[name]
    if row.alone == ALWAYS:
        assert row.prior <= (0.1 if row.lettered else 0.02)
    assert row.alone in {NEVER, GROUPED, ALWAYS}


@pytest.mark.parametrize(("name", "number"), VALID_CASES)
def test_prefilter_lets_the_record_pass(name, number):
    for text in (number, f"{word(name)}:\t{number}", f"é{number}\u20ac", f"id%3D{number}%26", f'"{number}"'):
        records = [json.dumps({"m": text}, ensure_ascii=a) for a in (True, False)]
        records += [json.dumps({"m": record}) for record in records]
        records.append(records[0].replace("/", "\\/").replace("+", "\\u002b"))
        frame = pl.DataFrame({"raw": records})
        assert frame.select(prefilter((name,)).expr(pl.col("raw")))["raw"].all(), text


def test_the_surer_of_two_has_the_characters():
    """A number of eleven digits may pass several checks; the word decides."""
    for name in ("ee_isikukood", "lt_asmens_kodas"):
        text = f"{word(name)}: 36805280109"
        frame = find(pl.Series([text]), ("national_id",))
        assert frame["detector"].to_list() == [name]


def test_a_point_in_time_needs_the_word():
    number = "1701010401003"
    assert IDENTIFIERS["ro_cnp"].check(number)
    assert found(f"t={number}", "ro_cnp") == []
    assert found(f"cnp={number}", "ro_cnp") == [number]


def test_an_encoded_surrounding_hides_nothing():
    frame = find(pl.Series(["q=pesel%3D44051401359%26x"]), ("pl_pesel",))
    assert frame.select("state", "steps").rows() == [("encoded", "percent")]


def test_sizes_of_a_garbage_collector_are_no_numbers_of_persons():
    lines = [f"GC pause {n}K->{n + 7}K({n * 2}M) {n}B" for n in range(1_000_000, 1_000_400)]
    assert find(pl.Series(lines), ("ie_pps",)).is_empty()
    told = find(pl.Series([f"ppsn {n}K" for n in range(1_000_000, 1_000_400)]), ("ie_pps",))
    assert not told.is_empty(), "beside a word they are looked at"
