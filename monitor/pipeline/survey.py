"""The question `privwatch scan` asks: what personal data is in these records, and where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from monitor.decode import AUTO, decoder
from monitor.detectors import Catalogue
from monitor.engine.survey import Survey
from monitor.frames import Projection, RecordBatch

EVERYTHING: Final = Projection(everything=True)
"""A survey reads whatever there is."""


def survey(batches: Iterable[RecordBatch], catalogue: Catalogue, classes: tuple[str, ...]) -> Survey:
    """Read all batches, their format said, and count what classes of the catalogue find in them."""
    read = decoder(AUTO, EVERYTHING)
    counted = Survey(catalogue, classes)
    for batch in batches:
        counted.add(read.decode(batch))
    return counted
