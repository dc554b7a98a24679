"""What waits for people: cases that are not settled, and clocks that run."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from monitor.casebook import Backlog, Pile
from monitor.store import schema


def backlog(connection: Connection, namespace: str) -> Backlog:
    """What the review has taken in and not settled, as sums; the clocks one by one, the earliest first."""
    table = schema.review_case
    by = (table.c.rule, table.c.level, table.c.state)
    open_ones = (
        select(*by, func.count(), func.min(table.c.first_seen))
        .where(table.c.namespace == namespace, table.c.unsettled == 1)
        .group_by(*by)
        .order_by(*by)
    )
    running = (
        select(table.c.due_at)
        .where(table.c.namespace == namespace, table.c.due_at.is_not(None))
        .order_by(table.c.due_at)
    )
    piles = tuple(
        Pile(rule, level, state, cases, oldest)
        for rule, level, state, cases, oldest in connection.execute(open_ones)
    )
    return Backlog(piles, tuple(connection.execute(running).scalars()))
