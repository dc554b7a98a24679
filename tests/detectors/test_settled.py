"""The catalogue as settings want it: countries, words, classes of one's own, what is passed over."""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from time import process_time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detectors import SHIPPED
from monitor.detectors.allowance import Allowance, Tally, folded, plainly
from monitor.detectors.catalogue import Catalogue
from monitor.detectors.custom import CHECKS, Custom, pattern_error, spans
from monitor.detectors.entry import WHY
from monitor.detectors.registry import NATIONAL_IDS
from monitor.detectors.samples import SAMPLES
from monitor.detectors.settled import WORDED, Wanted, countries, settled

BADGE = Custom("badge", "badges", "NW-[0-9]{6}", check="luhn", matches=("NW-123455",), passes=("NW-123456",))


def found(catalogue: Catalogue, text: str, *classes: str, path: str = "message") -> set[tuple[str, str]]:
    rows = catalogue.find(pl.Series([text]), classes or ("every",), pl.Series([path]))
    return {(name, state) for name, state in rows.select("detector", "state").iter_rows()}


def test_nothing_wanted_is_the_shipped_catalogue() -> None:
    assert settled(Wanted(), Tally()) is SHIPPED


@pytest.mark.parametrize("row", NATIONAL_IDS, ids=lambda row: row.name)
def test_identifiers_of_other_countries_are_left_alone(row) -> None:
    own, other = (
        settled(Wanted(regions=countries(row.name)[:1]), Tally()),
        settled(Wanted(regions=("JP",)), Tally()),
    )
    assert (row.name, "raw") in found(own, SAMPLES[row.name], "national_id")
    assert found(other, SAMPLES[row.name], "national_id") == set()
    assert found(other, SAMPLES[row.name], row.name) == set(), (
        "it may be asked for by name, and finds nothing"
    )
    assert other.at_large is not None
    assert (row.name, "raw") in found(other.at_large, SAMPLES[row.name], row.name)


def test_national_phones_are_those_of_the_regions() -> None:
    text = "phone 2122 4461"  # Valletta
    assert found(settled(Wanted(regions=("MT",)), Tally()), text, "phone_national") == {
        ("phone_national", "raw")
    }
    assert found(settled(Wanted(regions=("NL",)), Tally()), text, "phone_national") == set()


SPOKEN = {
    "phone": "00 49 1511 2345678",
    "phone_national": "0612345678",
    "date_of_birth": "1976-06-04",
    "geo": "52.520008,13.404954",
    "cvv": "737",
    "ip": "1.2.3.4",
    "mac": "3c22.fb12.3456",
    "password": "hunter2hunter",
    "special_category": "yes, since June",
    "nl_bsn": "111222333",
    "imei": "490154203237518",
}


@pytest.mark.parametrize("name", SPOKEN)
def test_a_word_of_ones_own_counts_around_a_value_and_in_a_fields_name(name: str) -> None:
    wanted = settled(Wanted(words={name: ("quux[ _-]?merkmal",)}), Tally())
    assert name in WORDED
    for path in ("customer.quuxMerkmal", "quux_merkmal"):
        assert found(SHIPPED, SPOKEN[name], name, path=path) == set()
        assert found(wanted, SPOKEN[name], name, path=path) == {(name, "raw")}
    if name != "special_category":  # it is told by fields' names alone
        text = f"quux merkmal={SPOKEN[name]}" if name == "password" else f"Quux-Merkmal {SPOKEN[name]}"
        assert found(SHIPPED, text, name) == set()
        assert found(wanted, text, name) == {(name, "raw")}
        records = wanted.prefilter((name,)).records(pl.col("raw"))
        assert pl.DataFrame({"raw": [json.dumps({"m": text})]}).select(records).item()


@pytest.mark.parametrize("name", WORDED)
def test_every_class_that_takes_words_still_finds_what_it_did(name: str) -> None:
    wanted = settled(Wanted(words={name: ("quux",)}), Tally())
    path = "diagnosis" if name == "special_category" else "message"
    assert (name, "raw") in found(wanted, SAMPLES[name], name, path=path)


def test_a_class_of_ones_own_is_one_like_any_other() -> None:
    catalogue = settled(Wanted(custom=(BADGE,)), Tally())
    assert "badge" in catalogue.words
    assert found(catalogue, "badge NW-123455, x") == {("badge", "raw")}
    assert found(catalogue, "NW-123456 XNW-123455 NW-1234557 NW-123455_1") == set()
    assert found(catalogue, "badge=NW%2D123455") == {("badge", "encoded")}
    worded = settled(
        Wanted(custom=(Custom("seat", "seats", "[0-9]{2}[A-F]", words=("seat", "sitz"), alone=False),)),
        Tally(),
    )
    assert found(worded, "12C", "seat") == set()
    assert found(worded, "Sitz 12C", "seat") == {("seat", "raw")}
    assert found(worded, "12C", "seat", path="booking.seat") == {("seat", "raw")}


def test_of_equally_sure_ones_yours_comes_first() -> None:
    catalogue = settled(Wanted(custom=(Custom("own", "addresses", r"anna@\S+"),)), Tally())
    assert next(iter(catalogue.entries)) == "own"
    assert set(SHIPPED.entries) < set(catalogue.entries)


PATTERNS = [
    "NW-[0-9]{6}",
    "(?i)kd[0-9]+",
    "ä[a-zß]{2}",
    'a/b"c',
    r"\d{3}\.\d{3}",
    "(?:x|y)+z",
    "[^ ]+@intern",
]


@given(
    st.sampled_from(PATTERNS),
    st.text(max_size=40),
    st.sampled_from(["NW-123455", "KD77", "äße", 'a/b"c', "123.456", "xyz"]),
)
def test_spans_are_those_of_the_form(pattern: str, around: str, told: str) -> None:
    text = f"{around} {told} {around[::-1]}"
    expected = [match.span() for match in re.finditer(pattern, text)] if pattern != r"\d{3}\.\d{3}" else None
    assert expected is None or list(spans(pattern, text)) == expected
    assert all(text[a:b] in text for a, b in spans(pattern, text))


@given(
    st.sampled_from(PATTERNS),
    st.sampled_from(["NW-123455", "KD77", "äße", 'a/b"c', "123.456", "xyz", "me@intern"]),
    st.booleans(),
)
def test_what_is_found_in_a_value_passes_the_raw_record(pattern: str, told: str, ascii_only: bool) -> None:
    catalogue = settled(Wanted(custom=(Custom("own", "it", pattern),)), Tally())
    if not found(catalogue, told, "own"):
        return
    inner = json.dumps({"v": told}, ensure_ascii=ascii_only)
    for raw in (inner, json.dumps({"body": inner}, ensure_ascii=ascii_only), inner.replace("/", "\\/")):
        assert (
            pl.DataFrame({"raw": [raw]}).select(catalogue.prefilter(("own",)).records(pl.col("raw"))).item()
        )


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*c", "(?:a?){40}a{40}z"])
def test_no_form_is_slow_on_any_text(pattern: str) -> None:
    detector = Custom("own", "it", pattern).entry.detector
    detector("a", "m")
    seconds = []
    for size in (100_000, 400_000):
        begun = process_time()
        assert detector("a" * size, "message") == []
        seconds.append(process_time() - begun)
    assert seconds[1] < 20 * max(seconds[0], 0.001), "four times as much may not take the square of it"


@pytest.mark.parametrize(
    "pattern",
    ["", "x" * 1001, "^a", "a$", r"\bword", r"a\Z", "a(?=b)", r"(a)\1", "(", "a*", "a?|b", "(a{900}){900}"],
)
def test_forms_that_are_refused(pattern: str) -> None:
    assert pattern_error(pattern)


@pytest.mark.parametrize(
    "pattern", ["[^$]x", r"\$5", r"[\b]a", "a{2,3}", "(?i)ab", r"\p{Lu}x", "[]a]b", "[[:alpha:]^$]x"]
)
def test_forms_that_are_taken(pattern: str) -> None:
    if pattern == r"[\b]a":  # Rust has no backspace in a class
        assert pattern_error(pattern)
    else:
        assert pattern_error(pattern) == ""


def test_checks_by_name() -> None:
    good = {
        "luhn": "NW-123455",
        "mod_11_10": "07945",
        "mod_97_10": "WEST12345698765432GB82",
        "verhoeff": "2363",
        "none": "x",
    }
    bad = {
        "luhn": "NW-123456",
        "mod_11_10": "07944",
        "mod_97_10": "WEST12345698765432GB83",
        "verhoeff": "2364",
    }
    assert good.keys() == CHECKS.keys()
    assert all(CHECKS[name](text) for name, text in good.items())
    assert not any(CHECKS[name](text) for name, text in bad.items())
    assert not any(check("") for name, check in CHECKS.items() if name != "none")


def allowing(**more: object) -> tuple[Catalogue, Tally]:
    tally = Tally()
    one = Allowance("own", frozenset({"email", "ip", "iban"}), **more)  # type: ignore[arg-type]
    return settled(Wanted(allowances=(one,)), tally), tally


def spelt(*values: str) -> dict[str, frozenset[str]]:
    return {"values": frozenset(map(folded, values)), "ungrouped": frozenset(map(plainly, values))}


def test_values_are_passed_over_however_they_are_spelt_and_counted() -> None:
    values = ("Hilfe@Nordwind-Shop.de", "DE89 3704 0044 0532 0130 00")
    catalogue, tally = allowing(**spelt(*values))
    for text in ("hilfe@nordwind-shop.de", "HILFE%40nordwind-shop.de", "de89370400440532013000"):
        before = dict(tally.counts())
        assert {state for _, state in found(catalogue, text, "email", "iban")} == {"not_personal"}, text
        assert tally.counts() != before
    assert found(catalogue, "anna.berg@nordwind-shop.de", "email") == {("email", "raw")}
    assert catalogue.classify(pl.Series(["hilfe@nordwind-shop.de"]))["state"].to_list() == ["not_personal"]
    assert catalogue.at_large is not None
    assert found(catalogue.at_large, "hilfe@nordwind-shop.de", "email") == {("email", "raw")}


@pytest.mark.parametrize(
    ("name", "value", "covered", "other"),
    [
        ("ip", "93.184.216.34", "from 93.184.216.34", "from 9.31.84.216"),
        ("date_of_birth", "1.11.1990", "born 1.11.1990", "born 11.1.1990"),
        ("geo", "-52.5200", "lat=-52.5200 lon=13.4050", "lat=52.5200 lon=13.4050"),
        ("password", "Hunter-2", "password=hunter-2", "password=hunter2"),
        ("phone", "+49 1511 2345678", "+49 (1511) 234-5678", "+49 1511 2345679"),
        ("password", "=??=", "password: =??=", "password: ??=="),
    ],
)
def test_signs_that_mean_something_are_compared(name: str, value: str, covered: str, other: str) -> None:
    entry = Allowance("own", frozenset({name}), **spelt(value))
    catalogue = settled(Wanted(allowances=(entry,)), Tally())
    states = catalogue.find(pl.Series([covered]), (name,))["state"].to_list()
    assert states[:1] == ["not_personal"]
    assert SHIPPED.find(pl.Series([covered]), (name,))["state"].to_list()[:1] == ["raw"]
    assert "not_personal" not in catalogue.find(pl.Series([other]), (name,))["state"].to_list()
    assert "raw" in catalogue.find(pl.Series([other]), (name,))["state"].to_list()


def test_domains_are_those_of_addresses_and_of_nothing_else() -> None:
    entry = Allowance("own", frozenset({"password", "email"}), domains=frozenset({"nordwind-shop.de"}))
    catalogue = settled(Wanted(allowances=(entry,)), Tally())
    assert found(catalogue, "password=Sommer2026@nordwind-shop.de", "password") == {("password", "raw")}


def test_domains_and_networks() -> None:
    catalogue, _ = allowing(
        domains=frozenset({"partner-haus.org"}), networks=(ip_network("93.184.216.0/24"),)
    )
    passed = ["a@partner-haus.org", "b@EU.Partner-Haus.org", "93.184.216.34"]
    kept = [
        "a@mypartner-haus.org",
        "a@partner-haus.org.evil-haus.net",
        "93.184.217.34",
        "partner-haus.org@nordwind-shop.de",
    ]
    for text in passed:
        assert {state for _, state in found(catalogue, text, "email", "ip")} == {"not_personal"}, text
    for text in kept:
        assert "raw" in {state for _, state in found(catalogue, text, "email", "ip")}, text


def test_what_is_wanted_has_a_digest_of_its_own() -> None:
    wants = [
        Wanted(regions=("DE",)), Wanted(words={"phone": ("a",)}), Wanted(custom=(BADGE,)),
        Wanted(allowances=(Allowance("a", frozenset({"email"}), frozenset({"x"})),)),
        Wanted(allowances=(Allowance("a", frozenset({"email"}), frozenset({"y"})),)),
    ]  # fmt: skip
    digests = [settled(want, Tally()).digest for want in wants]
    assert len(set(digests)) == len(wants)
    assert digests == [settled(want, Tally()).digest for want in wants]
    assert all(kind in WHY for kind in (BADGE.kind,))
