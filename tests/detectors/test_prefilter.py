"""The prefilter is sound: what a detector finds in a value, the prefilter sees in its record."""

import base64
import json
import random
import uuid
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detectors import CLASSES, GROUPS, find, prefilter
from monitor.detectors.registry import CATALOGUE
from tests.detectors.cases import credentials, persons
from tests.detectors.cases.national import FIELDS, VALID

LOCAL = st.text("abzANB019._+-'*", min_size=1, max_size=12)
DOMAIN = st.sampled_from(
    ["nordwind-shop.de", "büro.fr", "x.io", "localhost", "[192.0.2.1]", "A.B-C.ORG", "mail.хост.рф"]
)
ADDRESS = st.builds(lambda local, domain: f"{local}@{domain}", LOCAL, DOMAIN)
IBAN = st.sampled_from(
    ["DE89370400440532013000", "de89 3704 0044 0532 0130 00", "GB82+WEST+1234+5698+7654+32"]
)
CARD = st.sampled_from(
    ["4111111111111111", "3782 822463 10005", "4111\u00a01111\u00a01111\u00a01111", "2223003122003222"]
)


NUMBER = st.sampled_from(
    [f"{FIELDS[name]}: {text}" for name, texts in VALID.items() for text in texts]
    + [
        case.text
        for cases in (*persons.CASES.values(), *credentials.CASES.values())
        for case in cases
        if case.states
    ]
)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WRAPPINGS = st.sampled_from(
    [
        str,
        quote,
        lambda t: quote(quote(t, safe="")),
        lambda t: t.replace("@", "%40"),
        lambda t: t.replace("@", "\\u0040"),
        lambda t: t.replace("@", "&#64;"),
        lambda t: t.replace("@", "=40"),
        lambda t: t.replace("@", " [at] ").replace(".", " [dot] "),
        lambda t: t.replace("@", "\uff20"),
        lambda t: t.replace("@", "\u200b@"),
        b64,
        lambda t: base64.urlsafe_b64encode(t.encode()).decode().rstrip("="),
        lambda t: t.encode().hex(),
        json.dumps,
        lambda t: json.dumps({"k": t, "/": [1, None]}),
    ]
)
AROUND = st.text(st.sampled_from("ab0 /+=\"'<>&\n\t\b\f\\.:;,-_é\u20ac\u200b\x7f"), max_size=12)


@st.composite
def texts(draw: st.DrawFn) -> str:
    text = draw(st.one_of(ADDRESS, IBAN, CARD, NUMBER, st.text(max_size=30)))
    for _ in range(draw(st.integers(0, 2))):
        text = draw(AROUND) + draw(WRAPPINGS)(text) + draw(AROUND)
    return draw(AROUND) + text + draw(AROUND)


def escaped_more(record: str) -> str:
    """As the writers do that also escape what HTML minds, and the slash."""
    return record.replace("/", "\\/").replace("<", "\\u003c").replace("&", "\\u0026").replace("'", "\\u0027")


def records(text: str) -> list[str]:
    plain = [json.dumps({"k": text}, ensure_ascii=ascii_only) for ascii_only in (True, False)]
    more = [escaped_more(plain[0]), plain[0].replace("@", "\\u0040"), plain[0].replace("+", "\\u002B")]
    nested = [json.dumps([plain[0]]), json.dumps({text: 1}, separators=(",", ":"))]
    return [*plain, *more, *nested, text]


@given(texts(), st.sampled_from([*CLASSES, *GROUPS]))
def test_what_is_found_in_a_value_passes_as_a_record(text, name):
    if find(pl.Series([text]), (name,)).is_empty():
        return
    frame = pl.DataFrame({"raw": records(text)})
    passed = frame.select(prefilter((name,)).expr(pl.col("raw")))["raw"]
    assert passed.all(), frame.filter(~passed)["raw"].to_list()


@given(texts(), st.sampled_from(CLASSES))
def test_cheap_patterns_match_wherever_the_exact_one_does(text, name):
    gate = CATALOGUE[name].gate
    record = pl.Series(records(text))
    if gate.cheap:
        cheap = pl.select(pl.any_horizontal(pl.lit(record).str.contains(p) for p in gate.cheap)).to_series()
        assert (record.str.contains(gate.exact) <= cheap).all()


@given(texts())
def test_what_is_not_veiled_needs_no_decoding(text):
    gate, everything = CATALOGUE["email"].gate, pl.Series([text])
    if not everything.str.contains(gate.veiled)[0]:
        assert set(find(everything, ("email",))["steps"]) <= {""}


def test_nulls_are_no_candidates():
    frame = pl.DataFrame({"raw": [None, "", "anna.berg@nordwind-shop.de"]})
    for classes, last in ((("email",), True), (("any",), True), (("iban", "card"), False), ((), False)):
        passed = frame.select(prefilter(classes).expr(pl.col("raw")).alias("p"))["p"]
        assert passed.to_list()[-1] is last
        assert not any(passed.to_list()[:-1])


def test_an_unknown_class_is_refused():
    with pytest.raises(KeyError):
        prefilter(("mail",))


def ordinary(rng: random.Random) -> str:
    return json.dumps(
        {
            "@timestamp": "2026-11-16T10:00:00.000000Z",
            "message": f"order {rng.randrange(10**6)} created, node rabbit@mq1, GET /a?b=c&d=%20 404",
            "trace.id": f"{rng.getrandbits(128):032x}",
            "request.id": str(uuid.UUID(int=rng.getrandbits(128))),
            "session": base64.urlsafe_b64encode(rng.randbytes(32)).decode(),
            "epoch": 1763287200000000 + rng.randrange(10**9),
            "at": "2026-11-16 10:00:00 +0100",
        }
    )


@pytest.mark.parametrize(("name", "share"), [("email", 0.03), ("iban", 0.08), ("card", 0.02)])
def test_ids_and_tokens_are_hardly_ever_candidates(name, share):
    rng = random.Random(3)
    frame = pl.DataFrame({"raw": [ordinary(rng) for _ in range(4_000)]})
    assert frame.select(prefilter((name,)).expr(pl.col("raw")))["raw"].mean() < share
