"""The protection state of a whole value, in its order of evaluation."""

import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detectors import PLAINTEXT_STATES, PROTECTED_STATES, STATES, classify
from monitor.detectors.binary import BINARY_ENVELOPES
from monitor.detectors.envelopes import ENVELOPES
from tests.detectors.cases import email_compliant, email_encoded, protected
from tests.detectors.cases.email_raw import A


def state(value: str | None, path: str = "", expect: tuple[str, ...] = ("any",)) -> str:
    return classify(pl.Series([value], dtype=pl.String), pl.Series([path]), expect)["state"][0]


def judged(value: str) -> tuple[str, str]:
    return classify(pl.Series([value])).select("state", "detector").row(0)


SAMPLES = [(name, sample) for name, samples in protected.ENCRYPTED.items() for sample in samples]


@pytest.mark.parametrize(("name", "value"), SAMPLES, ids=lambda v: v if v in protected.ENCRYPTED else "")
def test_envelope(name, value):
    assert judged(value) == ("encrypted", name)


def test_every_envelope_has_a_sample():
    assert {name for name, *_ in (*ENVELOPES, *BINARY_ENVELOPES)} == set(protected.ENCRYPTED)


@pytest.mark.parametrize("value", protected.NOT_ENCRYPTED, ids=lambda v: v[:24])
def test_what_only_looks_like_an_envelope(value):
    assert state(value) != "encrypted"


@pytest.mark.parametrize("value", protected.HASHED, ids=lambda v: v[:14])
def test_hashed(value):
    assert state(value) == "hashed"


@pytest.mark.parametrize("value", protected.HASHED_WEAK, ids=lambda v: v[:14])
def test_hashed_weak(value):
    assert state(value) == "hashed_weak"
    assert state(value, "user.email_hash") == "hashed_weak"


@pytest.mark.parametrize("path", ["email_hash", "user.email.sha256", "mail_hmac", "hashed_mail", "emailHash"])
def test_64_hex_are_a_hash_where_the_field_says_so(path):
    assert state(random.Random(1).randbytes(32).hex(), path) == "hashed"
    assert state(random.Random(1).randbytes(32).hex(), "email") == "opaque"


@pytest.mark.parametrize("value", protected.PSEUDONYMISED)
def test_pseudonymised(value):
    assert state(value) == "pseudonymised"


@pytest.mark.parametrize("value", protected.MASKED)
def test_masked(value):
    assert state(value) == "masked"


@pytest.mark.parametrize("value", protected.OPAQUE)
def test_opaque(value):
    assert state(value) == "opaque"


@pytest.mark.parametrize("value", protected.ENCODED.values(), ids=protected.ENCODED)
def test_encoded(value):
    assert state(value) == "encoded"


@pytest.mark.parametrize("value", protected.UNKNOWN)
def test_unknown(value):
    assert state(value) == "unknown"


@pytest.mark.parametrize("value", protected.ABSENT)
def test_absent(value):
    assert state(value) == "absent"


@pytest.mark.parametrize("value", ["true", "False", "info@nordwind-shop.de", "anna.berg@example.com"])
def test_not_personal(value):
    assert state(value) == "not_personal"


@pytest.mark.parametrize(
    "value",
    [A, f"mail: {A}", "DE89 3704 0044 0532 0130 00", "4111111111111111", f"***@x.de and {A}", f"<{A}>"],
)
def test_raw_comes_before_everything_but_absence(value):
    assert state(value) == "raw"


def test_only_expected_detectors_call_a_value_raw():
    assert state(A, expect=("email",)) == "raw"
    assert state(A, expect=("iban",)) == "unknown"


@pytest.mark.parametrize("case", email_encoded.CASES, ids=lambda c: c.name)
def test_an_encoded_address_is_encoded(case):
    frame = classify(pl.Series([case.text]))
    assert frame["state"][0] == "encoded"


@pytest.mark.parametrize(
    "case", [c for c in email_compliant.CASES if not set(c.text) & {" ", "="}], ids=lambda c: c.name
)
def test_a_compliant_address_stays_compliant(case):
    assert state(case.text, case.path) == case.states[0]


def test_steps_name_the_decodings():
    frame = classify(pl.Series(["anna.berg%2540nordwind-shop.de", protected.ENCODED["gzip"]]))
    assert frame["steps"].to_list() == ["percent>percent", "base64>gzip"]
    assert frame["detector"].to_list() == ["email", ""]


def test_random_ciphertext_is_seldom_called_readable():
    """Entropy is no judge here; bytes of any common ciphertext length are opaque or, rarely, unknown."""
    rng = random.Random(5)
    values = [
        protected.b64(rng.randbytes(rng.choice([16, 32, 44, 48, 60, 64, 80, 128]))) for _ in range(2_000)
    ]
    assert classify(pl.Series(values))["state"].is_in(["opaque", "encrypted"]).mean() > 0.99


def test_states_are_sorted_into_readable_and_protected():
    assert not set(PLAINTEXT_STATES) & set(PROTECTED_STATES)
    assert set(STATES) - set(PLAINTEXT_STATES) - set(PROTECTED_STATES) == {"absent", "not_personal"}


@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=60), st.binary(max_size=40).map(protected.b64)), max_size=5
    )
)
def test_one_verdict_per_value_whatever_it_is(values):
    frame = classify(pl.Series(values, dtype=pl.String))
    assert frame.height == len(values)
    assert set(frame["state"]) <= set(STATES)
    assert frame["confidence"].is_between(0, 1).all()


@pytest.mark.parametrize(
    "text",
    ["${CLIENT_SECRET}", "${db.password:-none}", "$DB_PASSWORD", "%(password)s", "%DB_PASSWORD%",
     "{{ vault.key }}", "<%= secret %>", "os.environ['KEY']", "env:DB_PASSWORD", "present", "not set"],
)  # fmt: skip
def test_what_stands_for_a_value_is_nobodys(text):
    assert classify(pl.Series([text]), pl.Series(["password"]))["state"].item() == "not_personal"


@pytest.mark.parametrize(
    "text", ["$UMMER2026", "${unfinished", "a${B}", "presently", "{{PHONE}}", "$2b$12$abc"]
)
def test_what_merely_looks_like_it_is_judged(text):
    assert classify(pl.Series([text]), pl.Series(["password"]))["state"].item() != "not_personal"


def test_what_advertising_follows_people_by_is_no_pseudonym():
    uuid, zeros = "38400000-8cf0-11bd-b23e-10b96e40000d", "00000000-0000-0000-0000-000000000000"
    paths = pl.Series(["device.advertisingId", "idfa", "device.idfa", "order.id", "idfa.session"])
    states = classify(pl.Series([uuid, uuid, zeros, uuid, uuid]), paths)["state"].to_list()
    assert states == ["raw", "raw", "pseudonymised", "pseudonymised", "pseudonymised"]
