"""Records to events. One module per format; each decoder reads only what the projection asks for.

What one record becomes never depends on the records around it: the same log gives the same events however it
is split into batches.
"""

from __future__ import annotations

from typing import Protocol

from monitor.decode.access import AccessDecoder
from monitor.decode.detect import FORMATS, HEAD, JSON, TABLE, TEXT, detect, spread_json
from monitor.decode.json_lines import JsonDecoder
from monitor.decode.table import TableDecoder
from monitor.decode.text import TextDecoder
from monitor.errors import SettingsError
from monitor.frames import EventBatch, Projection, RecordBatch

AUTO = "auto"
"""Each batch says its format."""

__all__ = [
    "AUTO",
    "FORMATS",
    "HEAD",
    "JSON",
    "TABLE",
    "TEXT",
    "Decoder",
    "decoder",
    "detect",
    "spread_json",
]


class Decoder(Protocol):
    """Turns a batch of records into a batch of events."""

    def decode(self, batch: RecordBatch) -> EventBatch:
        """Events of the batch; a record that cannot be one is a reject, never an error."""
        ...


def decoder(format: str, projection: Projection, *, year: int | None = None) -> Decoder:  # noqa: A002 - the field's word
    """The decoder of a format.

    Args:
        format: one of FORMATS, or AUTO for sources that say it batch by batch.
        projection: what the rule set needs of each event.
        year: the year of text lines whose times have none; None leaves them untimed.

    Raises:
        SettingsError: there is no such format.
    """
    match format:
        case "auto":
            return _ByBatch(projection, year)
        case "json":
            return JsonDecoder(projection)
        case "access":
            return AccessDecoder(projection)
        case "text":
            return TextDecoder(projection, year)
        case "table":
            return TableDecoder(projection)
    raise SettingsError(f"there is no format {format!r}; say one of {', '.join((AUTO, *FORMATS))}")


class _ByBatch:
    """Decodes each batch in the format it says; one that says nothing is JSON."""

    def __init__(self, projection: Projection, year: int | None) -> None:
        self._projection = projection
        self._year = year
        self._decoders: dict[str, Decoder] = {}

    def decode(self, batch: RecordBatch) -> EventBatch:
        wanted = batch.format or JSON
        if wanted not in self._decoders:
            self._decoders[wanted] = decoder(wanted, self._projection, year=self._year)
        return self._decoders[wanted].decode(batch)
