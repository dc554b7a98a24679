"""Who may write what a partition says: claims, and the check within every transaction that writes.

There are no leases and no clocks. A claim is a row changed under the namespace's lock; whoever read a
partition under an earlier claim finds out when it writes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from monitor.errors import FencedError
from monitor.store.schema import ownership
from monitor.store.upsert import replace


def claim(connection: Connection, namespace: str, owner: str, partitions: Collection[str]) -> dict[str, int]:
    """Make `owner` the owner of these partitions; returns the generation of each."""
    held = {row.partition: row for row in _rows(connection, namespace, partitions)}
    generations = {}
    for name in partitions:
        row = held.get(name)
        before = row.generation if row is not None else 0
        generations[name] = before if row is not None and row.owner == owner else before + 1
    replace(
        connection,
        ownership,
        [
            {"namespace": namespace, "partition": name, "owner": owner, "generation": generation}
            for name, generation in generations.items()
        ],
    )
    return generations


def check(connection: Connection, namespace: str, generations: Sequence[tuple[str, int]]) -> None:
    """Refuse to write what was read under a generation that is over.

    Raises:
        FencedError: names the partitions.
    """
    if not generations:
        return
    now = {
        row.partition: row.generation
        for row in _rows(connection, namespace, [name for name, _ in generations])
    }
    gone = sorted({name for name, generation in generations if now.get(name, 0) != generation})
    if gone:
        raise FencedError(f"{', '.join(gone)}: another instance took over; what was read since is left to it")


def _rows(
    connection: Connection, namespace: str, partitions: Collection[str]
) -> Sequence[Row[Any, Any, Any]]:
    table = ownership
    wanted = select(table.c.partition, table.c.owner, table.c.generation).where(
        table.c.namespace == namespace, table.c.partition.in_(list(partitions))
    )
    return connection.execute(wanted).all()
