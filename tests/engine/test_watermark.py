"""The watermark, drawn as a table: what was seen, what still holds records, where it stands."""

import pytest

from monitor.engine.watermark import Watermark


@pytest.mark.parametrize(
    ("seen", "behind", "reached"),
    [
        ([], "", None),
        ([("p", 5)], "", 5),
        ([("p", 5), ("p", 3)], "", 5),
        # Nobody knows what waits in q.
        ([("p", 5)], "q", None),
        ([("p", 5)], "pq", None),
        ([("p", 5), ("q", 2)], "q", 2),
        ([("p", 5), ("q", 2)], "pq", 2),
        # q was read to its end: it is silent, not slow.
        ([("p", 5), ("q", 2)], "p", 5),
        ([("p", 5), ("q", 9)], "p", 5),
        ([("p", 5), ("q", 9)], "", 9),
        ([("p", -5)], "p", -5),
    ],
)
def test_where_it_stands(seen: list[tuple[str, int]], behind: str, reached: int | None) -> None:
    watermark = Watermark()
    for partition, newest in seen:
        watermark.observe(partition, newest)
    assert watermark.reached(behind) == reached
