"""Memory is that of the batches at work, not of what was read; and who has nothing to read does nothing.

The same for longer, by hand: `benchmarks/soak.py`; what it showed is in docs/operations.md.
"""

import pytest

from tests.support.soak import soak

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

GROWTH_MB = 12
"""A third of the records is 8 MB, and twice as much again once it is decoded: kept, it would be seen."""


def test_reading_on_leaves_memory_as_it_was(kafka):
    found = soak(kafka, seconds=45, rate=1000, idle_seconds=5)
    assert found.stored == found.records
    assert found.third(2) - found.third(1) < GROWTH_MB, found.memory
    assert found.idle < 0.2, "it spins while there is nothing to read"
