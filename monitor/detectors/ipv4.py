"""IPv4 addresses: their form, whose they can be, and all of them in many texts at once."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final, NamedTuple

import polars as pl

from monitor.detectors.columns import PATH, TEXT, candidates, near, saying
from monitor.detectors.item import MAX_ITEMS
from monitor.detectors.states import MASKED, NOT_PERSONAL, RAW
from monitor.detectors.surroundings import worded

QUAD: Final = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"

WORDS: Final = (
    r"ips?(?:v?[46])?", r"addr\w*",
    r"(?:remote|client|source|src|dest\w*|dst|peer|user)[ _-]?(?:ip|host|addr\w*)?",
    r"from", r"host", r"forwarded(?:[ _-]for)?", r"rhost", r"by",
)  # fmt: skip
TRUNCATED: Final = (r"\w*trunc\w*", r"\w*anonymi[sz]\w*", r"\w*masked\w*", r"\w*subnet\w*", r"\w*prefix\w*")

PRODUCT: Final = r"(?i:[A-Za-z][A-Za-z0-9]*/v?|(?:version|ver|release|build|rev)[ :=\"']*v?|\bv)"
"""What stands right before a version."""
BESIDE: Final = "[0-9A-Za-z_.]"
"""What a number with more parts, or a name, goes on with to the left. `:` comes before an address in
`src:203.0.113.7`."""
GOES_ON: Final = r"(?:[0-9A-Za-z_]|[.\-][0-9A-Za-z])"
"""And to the right; `:` comes behind one with a port."""
PREFIX: Final = r"/(?:0{0,2}[0-9]|0?[12][0-9]|0?3[01])"
"""A length below 32, where no digit follows: `203.0.113.0/24` is nobody's."""

SMALL: Final = 20
"""Four numbers up to this are a version unless something says address."""

ALONE_SURE: Final = 0.75
SURE: Final = 0.95
NOBODYS_SURE: Final = 0.9


class Quad(NamedTuple):
    """What four numbers are: whether anyone's on the internet, their largest and their last."""

    public: bool
    largest: int
    last: int


@lru_cache(maxsize=16_384)
def quad(text: str) -> Quad | None:
    """What the address is; None where it is none."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return None
    return Quad(address.is_global and not address.is_multicast, max(address.packed), address.packed[3])


def find_quads(rows: pl.DataFrame, words: tuple[str, ...] = WORDS) -> pl.DataFrame:
    """The IPv4 addresses in texts that are suited for columns (`Columns.find`)."""
    found = candidates(rows.select("index", TEXT, PATH), QUAD).filter(
        ~pl.col("before").str.contains(f"{BESIDE}$"),
        ~pl.col("after").str.contains(f"^(?:{GOES_ON}|{PREFIX}(?:$|[^0-9]))"),
        ~pl.col("before").str.contains(f"{PRODUCT}$") | pl.col("after").str.starts_with(":"),
    )
    known = saying(_known(found), named=worded(words), truncating=worded(TRUNCATED))
    public, seen = pl.col("public"), pl.col("seen")
    truncated = pl.col("truncating") & (pl.col("last") == 0)
    state = pl.when(~public).then(pl.lit(NOT_PERSONAL)).when(truncated).then(pl.lit(MASKED))
    sure = pl.when(~public).then(NOBODYS_SURE).when(seen).then(SURE).otherwise(ALONE_SURE)
    items = (
        known.with_columns(seen=pl.col("named") | near(words))
        .filter(~public | seen | (pl.col("largest") > SMALL))
        .select("index", state=state.otherwise(pl.lit(RAW)), confidence=sure, start="start", end="end")
    )
    if items.height <= MAX_ITEMS:
        return items
    return items.filter(pl.int_range(pl.len()).over("index") < MAX_ITEMS)


def _known(found: pl.DataFrame) -> pl.DataFrame:
    """The rows in which an address stands, with what it is: each distinct one is parsed once."""
    distinct = found["found"].unique()
    parsed = [(text, *told) for text in distinct if (told := quad(text)) is not None]
    schema = {"found": pl.String(), "public": pl.Boolean(), "largest": pl.Int64(), "last": pl.Int64()}
    table = pl.DataFrame(parsed, schema=schema, orient="row")
    return found.join(table, on="found", how="inner", maintain_order="left")
