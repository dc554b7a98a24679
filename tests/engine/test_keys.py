"""Keyed names: stable, different where anything differs, and the same for a column as for its values."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.keys import KEY_BYTES, Keyring

KEYRING = Keyring(b"k" * KEY_BYTES)
OTHER = Keyring(b"j" * KEY_BYTES)

tricky = st.one_of(st.none(), st.text(alphabet='\x00\x01\\0n",[]ab', max_size=4), st.text(max_size=4))
rows = st.lists(st.tuples(tricky, tricky), min_size=1, max_size=12)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes, this one has 31"):
        Keyring(b"k" * 31)


@given(st.lists(tricky, max_size=3), st.lists(tricky, max_size=3))
def test_different_parts_have_different_names(one: list[str | None], other: list[str | None]) -> None:
    assert (KEYRING.fingerprint(one) == KEYRING.fingerprint(other)) == (one == other)
    if one and other:
        assert (KEYRING.number("group", one) == KEYRING.number("group", other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(["a\x00", "b"], ["a", "\x00b"]), ([None], ["\x01"]), ([None], ["\\n"]), (["\\", "0"], ["\\\x00"])],
)
def test_parts_cannot_be_mistaken_for_one_another(one: list[str | None], other: list[str | None]) -> None:
    assert KEYRING.number("group", one) != KEYRING.number("group", other)


@given(tricky)
def test_keys_and_purposes_keep_names_apart(text: str | None) -> None:
    assert KEYRING.number("group", [text]) != OTHER.number("group", [text])
    assert KEYRING.number("group", [text]) != KEYRING.number("subject", [text])
    assert KEYRING.fingerprint([text]) != OTHER.fingerprint([text])
    assert not text or KEYRING.pseudonym(text) != OTHER.pseudonym(text)


@given(rows)
def test_numbers_are_the_number_of_every_row(some: list[tuple[str | None, str | None]]) -> None:
    frame = pl.DataFrame(some, schema={"a": pl.String, "b": pl.String}, orient="row")
    numbers = KEYRING.numbers("group", frame)
    assert numbers.dtype == pl.Int64
    assert numbers.to_list() == [KEYRING.number("group", row) for row in some]


def test_numbers_fit_a_signed_column_and_leave_zero_free() -> None:
    numbers = [KEYRING.number("subject", [str(n)]) for n in range(2000)]
    assert all(0 < number < 2**63 for number in numbers)
    assert KEYRING.numbers("subject", pl.DataFrame(schema={"a": pl.String})).is_empty()


def test_names_have_their_documented_form() -> None:
    assert len(KEYRING.fingerprint(["a"])) == 32
    assert len(KEYRING.pseudonym("ada")) == 16
    assert KEYRING.pseudonym(None) == KEYRING.pseudonym("") == ""
