"""Nothing personal survives redaction; what an operator needs to find the place does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detectors import CLASSES
from monitor.redact import EXTRACT, mask, mask_name, mask_path

SECRETS = st.text(min_size=1, max_size=40).filter(lambda s: any(c.isalnum() and c not in "x9" for c in s))


@pytest.mark.parametrize(
    ("text", "spans", "extract"),
    [
        ("", (), ""),
        ("mail=anna@x.de ok", ((5, 14, "email"),), "x=[email] x"),
        ("user 4711: Jürgen!", (), "x x x"),
        ("user 4711 on 2026-11-16", (), "x 9 x 9"),
        ("a\tb\nc\x00d", (), "x x x"),
        ("a" * 50, (), "x"),
        ("-" * 50, (), "x"),
        ("=" * 50 + "anna@x.de", ((50, 59, "email"),), "...======[email]"),
        (
            "pan 4111 1111 1111 1111, iban DE89",
            ((4, 23, "card"), (30, 34, "iban")),
            "x [card], x [iban]",
        ),
        ("€ " + "x" * 3, (), "x x"),
        ("overlap", ((0, 5, "email"), (3, 7, "card")), "[email]x"),
        ("out of range", ((5, 99, "email"),), "x x[email]"),
        ('{"to":"anna@x.de","pin":4711}', ((7, 16, "email"),), '{"x":"[email]","x":9}'),
    ],
)
def test_mask(text, spans, extract):
    assert mask(text, spans) == extract


def test_mask_shows_the_surroundings_of_what_was_found():
    text = "a1 " * 500 + "to=anna@x.de; " + "b2 " * 500
    start = text.index("anna")
    extract = mask(text, [(start, start + 9, "email")])
    assert extract.startswith("...")
    assert "x=[email]; x x" in extract
    assert extract.endswith("...")
    assert len(extract) == EXTRACT


@pytest.mark.parametrize(
    "secret", ["abcd-1234", "Zwetschgenkuchen-77", "hunter2", "P@ss!w0rd#", "p/w=1&2", "a1:b2,c3"]
)
def test_a_secret_that_is_the_evidence_shows_neither_length_nor_shape(secret):
    assert mask(secret) == "x"


@pytest.mark.parametrize("pin", ["123", "4711", "86095742719", "4111-1111-1111-1111"])
def test_nor_does_a_number(pin):
    assert mask(pin) == "9"


def test_a_password_beside_what_was_found_keeps_no_punctuation_of_its_own():
    assert mask("user=anna@x.de password=P@ss!w0rd#", [(5, 14, "email")]) == "x=[email] x=x"


@given(st.text(max_size=300), SECRETS, st.text(max_size=300), st.booleans(), st.sampled_from(CLASSES))
def test_a_planted_secret_never_survives(before, secret, after, spanned, label):
    text = before + secret + after
    spans = [(len(before), len(before) + len(secret), label)] if spanned else []
    extract = mask(text, spans)
    assert len(extract) <= EXTRACT
    assert extract.isprintable()
    assert extract.isascii()
    assert not re.search(r"[^\W_x9]", extract.replace(f"[{label}]", ""))


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("user.name", "user.name"),
        ("@timestamp", "@timestamp"),
        ("http.request.headers.x-forwarded-for", "http.request.headers.x-forwarded-for"),
        ("labels.k8s_app", "labels.k8s_app"),
        ("$schema", "$schema"),
        ("users.4711231.mail", "users.{…}.mail"),
        ("users.Anna Berg.mail", "users.{…}.mail"),
        ("a.3f2504e0-4f89-41d3-9a0c-0305e82c3301.b", "a.{…}.b"),
        ("a.5f4dcc3b5aa765d61d8327deb882cf99", "a.{…}"),
        (f"a.{'k' * 65}.b", "a.{…}.b"),
        ("a.büro.b", "a.{…}.b"),
        ("users.anna.berg@nordwind-shop.de.mail", "{…}"),
        ("users.anna%40nordwind-shop.de", "{…}"),
        ("anna.berg@nordwind-shop.de.{key}", "{…}.{key}"),
        ("users.{key}", "users.{key}"),
        ("a..b", "a.{…}.b"),
        ("", "{…}"),
    ],
)
def test_mask_path(path, masked):
    assert mask_path(path) == masked


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("", ""),
        ("public.customers", "public.customers"),
        ("checkout-service", "checkout-service"),
        ("/api/v1/customers", "/api/v1/customers"),
        ("/api/v1/customers/4711/orders", "/api/v1/customers/{…}/orders"),
        ("/u/anna.berg@nordwind-shop.de", "/u/{…}"),
        ("/u/anna%40nordwind-shop.de", "/u/{…}"),
        ("/x/3f2504e0-4f89-41d3-9a0c-0305e82c3301/", "/x/{…}/"),
        ("/search?q=anna&page=2#top", "/search?q={…}&page={…}"),
        ("/search?anna%40x.de", "/search?{…}"),
        ("/search?brandt&page=2", "/search?{…}&page={…}"),
        ("https://shop.nordwind.de:8443/cart", "https://shop.nordwind.de:8443/cart"),
        ("https://aberg:pw@shop.nordwind.de/", "https://{…}/"),
        ("10.1.2.3", "{…}"),
        ("SELECT * FROM t WHERE mail = 'a'", "{…}"),
        ("orders_20261116", "{…}"),
        ("/" + "a/" * 100, "/" + "a/" * 59 + "…"),
    ],
)
def test_mask_name(name, masked):
    assert mask_name(name) == masked


@given(st.text(max_size=200))
def test_names_and_paths_of_anything(text):
    for masked in (mask_path(text), mask_name(text)):
        assert "@" not in masked.lstrip("@").replace(".@", "")
        assert "%" not in masked
        assert not re.search(r"[0-9]{5}", re.sub(r":[0-9]+", "", masked))
