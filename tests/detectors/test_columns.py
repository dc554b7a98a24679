"""What a detector finds in many texts at once is what it finds in each; hidden addresses stay in sight."""

import base64
import random
import re
import string
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detectors import find
from monitor.detectors.columns import LONGEST, PATH, TEXT
from monitor.detectors.decodings import DECODINGS
from monitor.detectors.entry import Entry
from monitor.detectors.item import MAX_ITEMS, Item
from monitor.detectors.ladder import climb
from monitor.detectors.registry import CATALOGUE
from monitor.detectors.runs import Alphabet
from monitor.detectors.view import View

IN_COLUMNS = [entry for entry in CATALOGUE.values() if entry.columns is not None]
QUADS = (
    "8.8.8.8", "1.2.3.4", "20.30.40.50", "203.0.113.7", "10.0.0.1", "192.168.1.20", "256.1.1.1", "010.1.1.1",
    "84.17.49.0", "1.2.3.4.5", "100.64.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "84.17.49.3",
)  # fmt: skip
AROUND = (
    "", " ", "ip=", "clientIp: ", "Version ", 'version="', "v", "chrome/", "from ", "userIPAddress ", ":80",
    "/24", "/32", "/031", "-b", ".", "_", "é", "\0", "\x01", "\n", ", ", '"', "%3D", "::",
    "2001:4860:4860::8888",
    "src:", "by\u017f", "HOST ", "x" * 29, "hostname", "remote-addr ",
)  # fmt: skip
PATHS = ("", "message", "source.ip", "ip_truncated", "clientSubnet")


@st.composite
def lines(draw: st.DrawFn) -> str:
    pieces = st.one_of(st.sampled_from(QUADS), st.sampled_from(AROUND), st.text("ab1. /:", max_size=5))
    return "".join(draw(st.lists(pieces, max_size=9)))


def apart(entry: Entry, texts: list[str], paths: list[str]) -> list[tuple[int, Item]]:
    return [(at, i) for at, text in enumerate(texts) for i in entry.detector(text, paths[at])]


def together(entry: Entry, texts: list[str], paths: list[str]) -> tuple[list[tuple[int, Item]], set[int]]:
    assert entry.columns is not None
    rows = pl.DataFrame({TEXT: texts, PATH: paths}).with_row_index("index").filter(entry.columns.suits)
    found = entry.columns.find(rows).select("index", "start", "end", "state", "confidence")
    return [(at, Item(*told)) for at, *told in found.iter_rows()], set(rows["index"])


def test_addresses_are_looked_for_in_columns():
    assert [entry.name for entry in IN_COLUMNS] == ["ip"]


@settings(max_examples=80)
@given(st.lists(st.tuples(lines(), st.sampled_from(PATHS)), min_size=1, max_size=8))
def test_columns_find_what_is_found_one_by_one(cases):
    texts, paths = [text for text, _ in cases], [path for _, path in cases]
    for entry in IN_COLUMNS:
        found, suited = together(entry, texts, paths)
        assert found == [(at, item) for at, item in apart(entry, texts, paths) if at in suited]


def test_what_does_not_suit_is_found_as_well():
    texts = [
        "8.8.8.8\x01 9.9.9.9 from 5.5.5.5",
        "::ffff:8.8.8.8",
        "x " * LONGEST + "84.17.49.3",
        "84.17.49.3",
    ]
    assert together(IN_COLUMNS[0], texts, [""] * 4)[1] == {3}
    assert find(pl.Series(texts), ("ip",))["index"].to_list() == [0, 0, 0, 1, 2, 3]


def test_who_leaks_a_thousand_leaks_enough():
    texts = pl.Series(["84.17.49.3", "84.17.49.3 " * (MAX_ITEMS + 200), "84.17.49.3"])
    assert find(texts, ("ip",))["index"].to_list() == [0, *[1] * MAX_ITEMS, 2]


HIDDEN = ("84.17.49.3", "2001:4860:4860::8888", "10.0.0.1", "1.2.3.4")
ESCAPED = {
    "percent": lambda c: f"%{ord(c):02X}",
    "percent twice": lambda c: f"%25{ord(c):02x}",
    "percent u": lambda c: f"%u{ord(c):04x}",
    "backslash": lambda c: f"\\u{ord(c):04x}",
    "backslashes": lambda c: f"\\\\x{ord(c):02x}",
    "decimal": lambda c: f"&#{ord(c)};",
    "hexadecimal": lambda c: f"&#x{ord(c):x};",
    "wide": lambda c: chr(ord(c) + 0xFEE0),
    "zero width": lambda c: f"\u200b{c}",
    "name": lambda c: {".": "&period;", ":": "&colon;"}.get(c, c),
}
BESIDE = ("", " ", "=", "ip=", "/", "x", "::", ".")


@pytest.mark.parametrize("how", ESCAPED)
@settings(max_examples=25)
@given(st.data())
def test_an_address_behind_escapes_is_found_as_all_decodings_show_it(how, data):
    """Whatever beside it is escaped, where it stands as it is itself: it is not looked for elsewhere."""
    before, after = (data.draw(st.sampled_from(BESIDE)) for _ in range(2))
    hide = data.draw(st.sampled_from(("before", "after", "both")))
    shown = data.draw(st.sampled_from(HIDDEN))
    hidden = ["".join(map(ESCAPED[how], part)) for part in (before, after)]
    text = f"GET {before if hide == 'after' else hidden[0]}{shown}{after if hide == 'before' else hidden[1]}"
    whole = {(item.start, item.end, item.confidence) for item, _ in climb(text, "", CATALOGUE["ip"].detector)}
    found = find(pl.Series([text]), ("ip",)).select("start", "end", "confidence")
    passes = pl.Series([text]).str.contains(CATALOGUE["ip"].gate.exact)[0]
    assert set(found.rows()) == (whole if passes else set())


def test_a_query_without_escapes_beside_numbers_is_not_decoded():
    gate = CATALOGUE["ip"].gate
    texts = pl.Series(["84.17.49.3 GET /a?q=a%20b&c=%2Fd HTTP/1.1", "GET /?ip%3D84.17.49.3", quote("é1")])
    assert texts.str.contains(gate.veiled).to_list() == [False, True, True]


OLD = {
    "base64": [re.compile(r"[A-Za-z0-9_\-]{16,}={0,2}"), re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")],
    "hex": [re.compile(r"(?<![0-9A-Za-z])(?:0x|\\x)?((?:[0-9A-Fa-f]{2}){10,})(?![0-9A-Za-z])")],
}
"""What the tokens are, said as regular expressions, which are slower."""
SCRAPS = (
    b"anna.berg@nordwind-shop.de".hex(), "0x", "\\x", "ab" * 10, "a", " ", "g", "=", "==", "===", "/", "-",
    base64.b64encode(b"anna.berg@nordwind-shop.de").decode(), "é", "\U0001f600", "\ud83d", "?",
    base64.urlsafe_b64encode("geb\u00fchr \u00a7\u00a7 ~~~??>".encode()).decode(), string.ascii_letters,
)  # fmt: skip


@settings(max_examples=80)
@given(st.lists(st.sampled_from(SCRAPS), max_size=9).map("".join))
def test_tokens_are_those_of_the_regular_expressions(text):
    decodings = dict(DECODINGS)
    for name, patterns in OLD.items():
        tokens = {m.span(m.lastindex or 0) for pattern in patterns for m in pattern.finditer(text)}
        shown = {view.origin(0, 1) for view in decodings[name](View(text))}
        assert shown <= tokens
        assert {text[a:b] for a, b in tokens if is_text(text[a:b], name)} <= {text[a:b] for a, b in shown}


def is_text(token: str, name: str) -> bool:
    try:
        if name == "hex":
            return bytes.fromhex(token).decode().isprintable()
        body = token.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode().isprintable()
    except ValueError:
        return False


def test_runs_of_a_million_characters_take_one_look():
    rng = random.Random(1)
    words = [rng.choice("ab") * rng.randrange(30) for _ in range(50_000)]
    text = " ".join(words)
    spans = list(Alphabet("ab").runs(text, 20))
    assert [text[a:b] for a, b in spans] == [word for word in words if len(word) >= 20]
