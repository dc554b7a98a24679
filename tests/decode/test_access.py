"""Access logs: the fields of real lines, escapes, what is refused."""

import json

import polars as pl
import pytest

from monitor.decode.access import AccessDecoder, unescaped
from monitor.frames import TIME, Lines, Logsource, RecordBatch
from tests.decode.support import leaves, lines, refused, wanting
from tests.support.fixtures import fixtures_dir, needs_fixtures

FIELDS = (
    "source.address",
    "source.ip",
    "apache.access.user.identity",
    "user.name",
    "http.request.method",
    "url.original",
    "http.version",
    "http.response.status_code",
    "http.response.body.bytes",
    "http.request.referrer",
    "user_agent.original",
    "rest",
)


def fields(line: str) -> dict[str, str]:
    batch = AccessDecoder(wanting(*FIELDS)).decode(lines(line))
    assert not batch.rejects
    return {
        name: value
        for name, value in batch.frame.select(FIELDS).row(0, named=True).items()
        if value is not None
    }


COMMON = '192.0.2.7 - jo [17/May/2015:10:05:03 +0200] "GET /a?b=c HTTP/1.1" 200 512'


def test_common():
    assert fields(COMMON) == {
        "source.address": "192.0.2.7",
        "source.ip": "192.0.2.7",
        "user.name": "jo",
        "http.request.method": "GET",
        "url.original": "/a?b=c",
        "http.version": "1.1",
        "http.response.status_code": "200",
        "http.response.body.bytes": "512",
    }


def test_combined_with_something_after_it():
    found = fields(COMMON + ' "https://shop.test/" "Mozilla/5.0 (X11)" "198.51.100.1" 0.003')
    assert found["http.request.referrer"] == "https://shop.test/"
    assert found["user_agent.original"] == "Mozilla/5.0 (X11)"
    assert found["rest"] == '"198.51.100.1" 0.003'


def test_a_dash_is_nothing():
    found = fields('192.0.2.7 - - [17/May/2015:10:05:03 +0000] "-" 408 - "-" "-"')
    assert set(found) == {"source.address", "source.ip", "http.response.status_code"}


@pytest.mark.parametrize(
    ("before", "client", "user"),
    [
        ("2001:db8::1 - -", "2001:db8::1", None),
        ("host.test - -", "host.test", None),
        ("192.0.2.1, 192.0.2.2, 192.0.2.3 - -", "192.0.2.1", None),
        ('"192.0.2.1, 192.0.2.2" 192.0.2.3 - -', "192.0.2.1", None),
        ("www.shop.test:443 192.0.2.1 - -", "192.0.2.1", None),
        ("192.0.2.1 - Jo Ann", "192.0.2.1", "Jo Ann"),
        ("192.0.2.1 ident jo", "192.0.2.1", "jo"),
    ],
)
def test_who(before, client, user):
    found = fields(f'{before} [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 1')
    assert (found["source.ip"], found.get("user.name")) == (client, user)


@pytest.mark.parametrize(
    ("request_", "method", "url"),
    [
        ("GET /a b HTTP/1.1", "GET", "/a b"),
        (r"\x16\x03\x01", None, "\x16\x03\x01"),
        ("GET /old", None, "GET /old"),
        (r"GET /\"q\\ HTTP/2.0", "GET", '/"q\\'),
    ],
)
def test_requests(request_, method, url):
    found = fields(f'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "{request_}" 400 0')
    assert (found.get("http.request.method"), found["url.original"]) == (method, url)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"a\x40b", "a@b"),
        (r"\xc3\xa9", "é"),
        (r"\xff", r"\xff"),
        (r"\"\\\n", '"\\\n'),
        (None, None),
        ("plain", "plain"),
    ],
)
def test_escapes(escaped, text):
    assert unescaped(pl.Series([escaped, "x"], dtype=pl.String)).to_list() == [text, "x"]


def test_times_and_routing():
    batch = AccessDecoder(wanting()).decode(
        lines(COMMON, COMMON.replace("17/May/2015:10:05:03 +0200", "2015-05-17T08:05:03+00:00"))
    )
    assert batch.frame[TIME].to_list() == [1_431_849_903_000_000] * 2
    assert batch.logsource == Logsource(category="webserver")
    said = RecordBatch("log", range(1), 1, Lines(COMMON.encode()), Logsource(product="nginx"))
    assert AccessDecoder(wanting()).decode(said).logsource == Logsource(product="nginx")


def test_other_lines_are_refused_and_neighbours_live():
    batch = AccessDecoder(wanting("source.ip")).decode(lines(COMMON, "other", "", COMMON, '{"a":1}'))
    assert refused(batch) == {1: "not_access", 2: "blank", 4: "not_access"}
    assert batch.frame["__offset"].to_list() == [0, 3]


def test_bytes_that_are_no_text_are_replaced_and_counted():
    batch = AccessDecoder(wanting("url.original")).decode(
        lines(COMMON.encode().replace(b"/a", b"/\xe9"), COMMON)
    )
    assert batch.frame["url.original"].to_list() == ["/\ufffd?b=c", "/a?b=c"]
    assert batch.facts == (("utf8_replaced", 1),)


def test_leaves_are_the_fields():
    batch = AccessDecoder(wanting()).decode(lines("bad", COMMON))
    assert ("url.original", "original", "/a?b=c") in leaves(batch)
    assert ("@timestamp", "@timestamp", "17/May/2015:10:05:03 +0200") in leaves(batch)


def test_who_the_client_says_is_logged_in_is_a_field_too():
    found = fields(COMMON.replace(" - jo ", " ada.wellenbrook@nordwind-shop.de jo "))
    assert found["apache.access.user.identity"] == "ada.wellenbrook@nordwind-shop.de"
    assert found["user.name"] == "jo"


def test_rules_that_want_no_field_get_a_row_for_every_line():
    batch = AccessDecoder(wanting()).decode(lines(COMMON, COMMON))
    assert batch.irregular.to_list() == [False, False]


def test_json_in_a_field_is_irregular():
    batch = AccessDecoder(wanting("user_agent.original")).decode(
        lines(COMMON + r' "-" "{\"mail\":1}"', COMMON)
    )
    assert batch.irregular.to_list() == [True, False]
    assert ("user_agent.original.mail", "mail", "1") in leaves(batch)


def read(*parts: str) -> RecordBatch:
    data = fixtures_dir(*parts).read_bytes()
    count = data.count(b"\n") + (not data.endswith(b"\n"))
    return RecordBatch(parts[-1], range(count), count, Lines(data))


@needs_fixtures
def test_the_apache_sample():
    batch = AccessDecoder(wanting("source.ip", "http.response.body.bytes")).decode(
        read("access-elastic-apache10k", "apache_logs.log")
    )
    assert (batch.frame.height, batch.rejects) == (10_000, ())
    assert batch.frame["source.ip"].n_unique() == 1_753
    assert batch.frame["http.response.body.bytes"].cast(pl.Int64).sum() == 2_747_282_740
    assert batch.frame[TIME].null_count() == 0


BEATS = ["nginx/access/test/test.log", "apache/access/test/test.log"]
SAME = [*(set(FIELDS) - {"source.ip", "apache.access.user.identity", "rest"}), "@timestamp"]
# Of several forwarded addresses Filebeat takes the first public one as source.address; ours is all of them.
LISTS = "nginx.access.remote_ip_list"


@needs_fixtures
@pytest.mark.parametrize("log", BEATS)
def test_filebeats_expectations(log):
    path = fixtures_dir("parse-beats-filebeat-modules", f"{log}-expected.json")
    expected = json.loads(path.read_text(encoding="utf-8"))
    batch = AccessDecoder(wanting(*SAME)).decode(read("parse-beats-filebeat-modules", *log.split("/")))
    times = batch.frame[TIME].cast(pl.Datetime("us")).dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ")
    for row, event in enumerate(expected):
        found = batch.frame.row(row, named=True) | {"@timestamp": times[row]}
        for field in SAME:
            if field == "source.address" and len(event.get(LISTS, [])) > 1:
                continue
            value = event.get(field)
            assert found[field] == (None if value in (None, "-") else str(value)), field
