r"""Common and Combined Log Format, to the names of the Elastic Common Schema.

    10.0.0.1 - jo [17/May/2015:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 512 "https://…" "Mozilla/5.0 …"

Format: https://httpd.apache.org/docs/2.4/logs.html#accesslog. Real logs also have, and we take: a list of
forwarded addresses or a virtual host before the client, text after the user agent, requests that are no HTTP,
times in ISO 8601. `-` means "nothing" and is null.
"""

from __future__ import annotations

import re
from functools import partial

import polars as pl

from monitor.decode.fields import Wanted, event_frame, maybe_nested, nested
from monitor.decode.leaves import Flattener, leaves_frame
from monitor.decode.reasons import NOT_ACCESS
from monitor.decode.records import records, without_blank
from monitor.decode.times import clf_micros
from monitor.frames import RAW, ROW, EventBatch, Projection, RecordBatch
from monitor.model import Logsource

LOGSOURCE = Logsource(category="webserver")
"""What a line of this format is where the source does not say."""

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = (
    r"(?s)^(?:(.+?) - (.*?)|(\S+) (\S+) (\S+)) \[([^\]]{10,40})\] "
    rf"{_QUOTED} (\d{{3}}|-) (\d+|-)(?: {_QUOTED} {_QUOTED})?(?:\s+(\S.*?))?\s*$"
)
_REQUEST = r"(?s)^(\S+) (.*) HTTP/(\d(?:\.\d)?)$"
# A virtual host with its port may stand first; of a list of forwarded addresses the first is the client.
_CLIENT = r'^(?:[\w.-]+:\d+ )?"?([^\s,"]+)'

_ESCAPE = re.compile(r"((?:\\x[0-9a-fA-F]{2})+)|\\(.)", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f"}


class AccessDecoder:
    """Decodes lines of an access log.

    Columns, all String: `source.address`, `source.ip` (the client as logged, a name where names are logged),
    `apache.access.user.identity` (RFC 1413), `user.name`, `@timestamp`, `http.request.method`,
    `url.original` (the whole request where it is no HTTP), `http.version`, `http.response.status_code`,
    `http.response.body.bytes`, `http.request.referrer`, `user_agent.original`, and `rest` for what follows.
    """

    def __init__(self, projection: Projection) -> None:
        self._wanted = Wanted(projection)

    def decode(self, batch: RecordBatch) -> EventBatch:
        """Events of a batch of lines or values; a line of another format is a reject."""
        found = without_blank(records(batch, replace=True))
        groups = found.text.str.extract_groups(_LINE).struct.unnest()
        matched = groups["8"].is_not_null()
        reasons = pl.select(pl.when(~matched).then(pl.lit(NOT_ACCESS)).alias("reason")).to_series()
        found = found.without(reasons)
        fields = _fields(groups.filter(matched))
        columns = self._wanted.columns(fields)
        return EventBatch(
            partition=batch.partition,
            logsource=LOGSOURCE if batch.logsource == Logsource() else batch.logsource,
            frame=event_frame(found.frame, columns, clf_micros(fields["@timestamp"]), last=(RAW,)),
            irregular=_irregular(columns, fields.height),
            haystack=(RAW,),
            read_leaves=partial(_leaves, fields),
            rejects=found.rejects,
            facts=found.facts,
        )


def _fields(groups: pl.DataFrame) -> pl.DataFrame:
    """The captures of `_LINE` as columns with their names."""
    request = unescaped(groups["7"])
    parts = request.str.extract_groups(_REQUEST).struct
    address = groups["1"].fill_null(groups["3"])
    columns = {
        "source.address": address,
        "source.ip": address.str.extract(_CLIENT),
        "apache.access.user.identity": unescaped(groups["4"]),
        "user.name": unescaped(groups["2"].fill_null(groups["5"])),
        "@timestamp": groups["6"],
        "http.request.method": parts.field("1"),
        "url.original": parts.field("2").fill_null(request),
        "http.version": parts.field("3"),
        "http.response.status_code": groups["8"],
        "http.response.body.bytes": groups["9"],
        "http.request.referrer": unescaped(groups["10"]),
        "user_agent.original": unescaped(groups["11"]),
        "rest": unescaped(groups["12"]),
    }
    nothing = pl.all().is_in(["-", ""])
    return pl.DataFrame(columns).with_columns(pl.when(~nothing).then(pl.all()))


def is_access(lines: pl.Series) -> pl.Series:
    """Which lines (String) are of this format."""
    return lines.str.contains(_LINE)


def unescaped(texts: pl.Series) -> pl.Series:
    r"""Values without the escapes `\"`, `\\`, `\n` and `\x22`; bytes that are not UTF-8 stay escaped."""
    escaped = texts.str.contains("\\", literal=True).fill_null(value=False)
    if not escaped.any():
        return texts
    rows = escaped.arg_true()
    return texts.scatter(rows, [_ESCAPE.sub(_character, text) for text in texts.gather(rows)])


def _character(found: re.Match[str]) -> str:
    coded, single = found.groups()
    if coded is None:
        return _CONTROLS.get(single, single)
    try:
        return bytes.fromhex(coded.replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return coded


def _irregular(columns: pl.DataFrame, height: int) -> pl.Series:
    """Events with a wanted text that may be JSON; rules that only search whole records want no column."""
    suspects = [name for name in columns.columns if columns.select(maybe_nested(pl.col(name)).any()).item()]
    odd = [nested(pl.col(name)) for name in suspects]
    if not odd:
        return pl.repeat(value=False, n=height, dtype=pl.Boolean, eager=True)
    return columns.select(pl.any_horizontal(odd)).to_series()


def _leaves(fields: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    rows = events[ROW]
    flattener = Flattener(fields.columns)
    lines = (zip(fields.columns, row, strict=True) for row in fields[rows].iter_rows())
    return leaves_frame(
        rows.to_list(),
        (
            (leaf for path, text in line if text is not None for leaf in flattener.field(path, text))
            for line in lines
        ),
    )
