"""Format detection, and the decoders by name."""

import re
from pathlib import Path

import pytest

from monitor.decode import FORMATS, decoder, detect, spread_json
from monitor.decode.reasons import REASONS
from monitor.errors import SettingsError
from monitor.frames import Lines, RecordBatch
from tests.decode.support import lines, wanting

ACCESS = b'192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET / HTTP/1.1" 200 5\n'


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b'{"a":1}\n{"a":2}\n', "app.log", "json"),
        (b'\xef\xbb\xbf{"a":1}\n', "app.log", "json"),
        (b'{"a":1}\nbroken\n{"a":1}\n', "app.json.gz", "json"),
        (b'{\n  "a": 1\n}\n', "pretty.json", "text"),
        (b'[{"a":1},{"a":2}]\n', "events.json", "json"),
        (b'[{"a":"' + b"x" * 70_000, "events.json", "json"),
        (b"[1, 2]\n", "numbers.log", "text"),
        (b'{"a":"' + b"x" * 70_000, "long.log", "json"),
        (b'{"a":1}\n' * 9000 + b'{"a', "cut.log", "json"),
        (ACCESS, "access.log", "access"),
        (ACCESS + b"\n\nx\n" + ACCESS, "access.log.1", "access"),
        (b"[2016-12-20 00:00:00,1] INFO x\n", "server.log", "text"),
        (b"\xff\xfe\x00", "binary", "text"),
        (b"", "empty.log", "text"),
        (b"", "a.CSV", "table"),
        (b"", "a.csv.zst", "table"),
        (b"", "a.parquet", "table"),
        (b"PAR1\x00", "part-0000", "table"),
        (b"nope\n", "a.ndjson", "json"),
        (b"nope\n", "a.jsonl.gz", "json"),
    ],
)
def test_detect(head, name, expected):
    assert detect(head, name) == expected


@pytest.mark.parametrize(
    ("head", "spread"),
    [
        (b'{\n  "a": 1\n}\n', True),
        (b'[\n  {\n    "a": 1\n  }\n]\n', True),
        (b'[\n{"a":1},\n{"a":2}\n]\n', True),
        (b"[2016-12-20 00:00:00,1] INFO x\n[2016-12-20 00:00:01,1] INFO x\n", False),
        (b"{begin}\nsome\nother\nlines\n", False),
        (b"x\n", False),
        (b"", False),
    ],
)
def test_json_over_several_lines_is_told_from_text(head, spread):
    assert spread_json(head) is spread


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_decoder(name):
    assert decoder(name, wanting())


def test_an_unknown_format_says_which_there_are():
    with pytest.raises(SettingsError, match="'xml'; say one of auto, json, access, text, table"):
        decoder("xml", wanting())


def test_auto_follows_the_batch():
    by_batch = decoder("auto", wanting("message", "source.ip"))
    assert by_batch.decode(lines('{"message":"a"}')).frame["message"].to_list() == ["a"]
    for name, data in (("text", b"a"), ("access", ACCESS)):
        batch = RecordBatch("f", range(1), 1, Lines(data), format=name)
        assert by_batch.decode(batch).frame.height == 1


def test_the_page_of_formats_names_every_reason():
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page.partition("## Records that become no event")[2], re.MULTILINE)
    assert sorted(listed) == sorted(REASONS)
