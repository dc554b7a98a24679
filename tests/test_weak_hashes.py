"""Hashes that a scan proves weak: of values the same logs show, whatever comes first and in which file."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import pytest

from monitor.detectors.seen import ALGORITHMS, BITS_EACH, Bloom, Seen, digest_of
from tests.support.command import privwatch

ADDRESS, ACCOUNT = "Anna.Berg@nordwind-shop.de", "DE89 3704 0044 0532 0130 00"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


EVENTS = [
    {"user": {"hash": sha256(ADDRESS.lower())}},
    {"user": {"hash": sha256("bodo.klein@nordwind-shop.de")}, "order": sha256("4711")},
    {"message": f"mail to {ADDRESS}"},
    {"user": {"hash": sha256(ADDRESS)}, "account": f"sha256:{sha256(ACCOUNT.replace(' ', ''))}"},
    {"paid_from": ACCOUNT, "user": {"hash": sha256(ADDRESS.lower()).upper()}},
]
PROVEN = {("user.hash", "email", 3, 2), ("account", "iban", 1, 1)}


def proven(folder: Path, *files: str) -> set[tuple[str, str, int, int]]:
    done = privwatch("scan", *files, "--json", folder=folder)
    assert done.code == 0, done.err
    for value in (ADDRESS.lower(), ACCOUNT, sha256(ADDRESS), sha256(ADDRESS.lower())):
        assert value not in (done.out + done.err).lower()
    rows = [json.loads(line) for line in done.out.splitlines()]
    return {
        (r["path"], r["detector"], r["records"], r["values"]) for r in rows if r["state"] == "hashed_weak"
    }


@pytest.mark.parametrize("seed", range(4))
def test_order_and_files_make_no_difference(tmp_path: Path, seed: int) -> None:
    order = random.Random(seed).sample(EVENTS, len(EVENTS))
    parts = 1 + seed % 3
    for n in range(parts):
        text = "".join(json.dumps(event) + "\n" for event in order[n::parts])
        (tmp_path / f"{n}.ndjson").write_text(text)
    assert proven(tmp_path, *(f"{n}.ndjson" for n in range(parts))) == PROVEN


def test_the_page_counts_them_as_readable(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    assert privwatch("scan", "a.ndjson", "--html", "a.html", folder=tmp_path).code == 0
    readable, _, protected = (tmp_path / "a.html").read_text().partition("<h2>Protected</h2>")
    assert readable.count("hashed_weak") == 2
    assert "hashed_weak" not in protected


def test_no_value_and_no_digest_is_kept() -> None:
    seen = Seen(1 << 16)
    seen.shown("email", ADDRESS)
    kept = seen.hashed(bytes.fromhex(sha256(ADDRESS)))
    everything = repr(vars(seen)) + repr(bytes(seen._filter._young)) + repr(kept)
    for text in (ADDRESS, ADDRESS.lower()):
        assert text not in everything
        assert all(hashlib.new(name, text.encode()).digest() != kept for name in ALGORITHMS)
    assert seen.owners(kept) == ["email"]
    assert Seen(1 << 16).hashed(bytes.fromhex(sha256(ADDRESS))) != kept, "another process has another key"


def test_memory_is_bounded_and_what_is_forgotten_is_counted() -> None:
    bits = 1 << 12
    full, filter_ = bits // BITS_EACH, Bloom(bits)
    tokens = [hashlib.blake2b(str(n).encode(), digest_size=16).digest() for n in range(5 * full)]
    for token in tokens:
        filter_.add(token)
    assert all(token in filter_ for token in tokens[-full:])
    assert filter_.forgotten >= 2 * full
    assert sum(token in filter_ for token in tokens[:full]) < full / 2
    assert len(filter_._young) + len(filter_._old) <= bits // 4


def test_a_filter_hardly_ever_says_what_it_was_not_told() -> None:
    bits = 1 << 20
    filter_ = Bloom(bits)
    for n in range(bits // BITS_EACH):
        filter_.add(hashlib.blake2b(str(n).encode(), digest_size=16).digest())
    others = (hashlib.blake2b(f"x{n}".encode(), digest_size=16).digest() for n in range(20_000))
    assert not any(other in filter_ for other in others)


@pytest.mark.parametrize(
    "text", ["", "abc", "g" * 64, "a" * 63, "sha256 " + "a" * 64, "sha3-256:" + "a" * 64]
)
def test_what_is_no_digest(text: str) -> None:
    assert digest_of(text) is None


def test_classes_whose_names_begin_alike_are_told_apart() -> None:
    seen = Seen(1 << 20)
    seen.shown("personnel_number_of_staff", "NW-1")
    seen.shown("personnel_number_of_guests", "NW-2")
    for value, name in (("NW-1", "personnel_number_of_staff"), ("NW-2", "personnel_number_of_guests")):
        digest = digest_of(sha256(value))
        assert digest is not None
        assert seen.owners(seen.hashed(digest)) == [name]
