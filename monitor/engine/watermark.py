"""The watermark: the event time up to which every partition was read, so that nothing older is still to come.

It is a function of what was read, never of a clock. A partition stands where its newest event does. The
watermark is where the last of those partitions stands that still hold records; one of them that has said
nothing yet holds it back altogether, since partitions are read unevenly and what waits there may be old. A
partition that was read to its end holds nothing back, or a silent one would keep all windows for ever.
"""

from __future__ import annotations

from collections.abc import Collection


class Watermark:
    """Where each partition stands, event times in microseconds UTC."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}

    def observe(self, partition: str, newest: int) -> None:
        """Take account of a partition's newest event."""
        self._newest[partition] = max(newest, self._newest.get(partition, newest))

    def reached(self, behind: Collection[str]) -> int | None:
        """The watermark while the partitions `behind` still hold records; None where it is held back."""
        if any(partition not in self._newest for partition in behind):
            return None
        if behind:
            return min(self._newest[partition] for partition in behind)
        return max(self._newest.values(), default=None)
