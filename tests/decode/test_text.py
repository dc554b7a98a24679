"""Plain text: everything is an event, and the time it begins with."""

import pytest

from monitor.decode.text import TextDecoder
from monitor.frames import TIME
from tests.decode.support import SECOND, leaves, lines, refused, values, wanting

MESSAGE = wanting("message", "user.name")


def test_a_line_is_a_message():
    batch = TextDecoder(MESSAGE).decode(lines("one", "", "two\r", first=3))
    assert batch.frame["message"].to_list() == ["one", "two"]
    assert batch.frame["user.name"].to_list() == [None, None]
    assert refused(batch) == {4: "blank"}
    assert leaves(batch, 1) == [("message", "message", "two")]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("[2016-12-20 00:04:03,231] INFO x (kafka)", 1_482_192_243.231),
        ("2016-12-20T00:04:03Z x", 1_482_192_243),
        ("2016/12/20 00:04:03 [error] x", 1_482_192_243),
        ("<34>1 2016-12-20T00:04:03.500+00:00 host app", 1_482_192_243.5),
        ("Dec 20 00:04:03 host sshd[1]: x", None),
        ("   at com.acme.Main(Main.java:7)", None),
        ("seen 2016-12-20 00:04:03", None),
    ],
)
def test_the_time_a_line_begins_with(line, seconds):
    found = TextDecoder(MESSAGE).decode(lines(line)).frame[TIME].to_list()
    assert found == [seconds and round(seconds * SECOND)]


def test_a_declared_year():
    batch = TextDecoder(MESSAGE, year=2016).decode(
        lines("Dec 20 00:04:03 host x", "<13>Dec  2 00:04:03 host x")
    )
    assert batch.frame[TIME].to_list() == [1_482_192_243 * SECOND, 1_480_637_043 * SECOND]


def test_bytes_that_are_no_text_are_replaced_and_counted():
    for batch in (lines(b"caf\xe9", b"b"), values(b"caf\xe9", b"b")):
        found = TextDecoder(MESSAGE).decode(batch)
        assert found.frame["message"].to_list() == ["caf\ufffd", "b"]
        assert found.facts == (("utf8_replaced", 1),)


def test_a_value_may_hold_lines():
    batch = TextDecoder(MESSAGE).decode(values(b"one\ntwo", b"three"))
    assert batch.frame["message"].to_list() == ["one\ntwo", "three"]


def test_json_in_a_line_is_opened():
    batch = TextDecoder(MESSAGE).decode(lines('{"mail":["a"]}', "[info] x"))
    assert batch.irregular.to_list() == [True, False]
    assert ("message.mail", "mail", "a") in leaves(batch)
