"""Things to be done once, whichever instance does them: a row for each, taken for a time and then done.

Whoever takes one has it until then; another instance may take it once that time is over, or once it failed
and is to be tried again.
"""

from __future__ import annotations

from sqlalchemy import Engine, Update, select, update

from monitor.store.database import writing
from monitor.store.schema import errand
from monitor.store.upsert import leave


class SqlErrands:
    """The errands of one namespace. Threads may share it; each call is one transaction."""

    def __init__(self, engine: Engine, place: str, namespace: str) -> None:
        self._engine = engine
        self._place = place
        self._namespace = namespace

    def take(self, name: str, at: int, until: int) -> int | None:
        """Take an errand until then: which attempt this is, from 1; None where it is done, or another has it.

        Times are microseconds UTC.
        """
        row = {"namespace": self._namespace, "name": name, "attempts": 0, "free_at": 0, "done_at": None}
        with writing(self._engine, self._place, f"errand {name}") as connection:
            leave(connection, errand, [row])
            ours = self._of(name).where(errand.c.done_at.is_(None), errand.c.free_at <= at)
            taken = ours.values(free_at=until, attempts=errand.c.attempts + 1)
            if connection.execute(taken).rowcount != 1:
                return None
            mine = (errand.c.namespace == self._namespace, errand.c.name == name)
            return int(connection.execute(select(errand.c.attempts).where(*mine)).scalar_one())

    def done(self, name: str, at: int) -> None:
        """It is done, for good."""
        with writing(self._engine, self._place, f"errand {name}") as connection:
            connection.execute(self._of(name).values(done_at=at))

    def again(self, name: str, at: int) -> None:
        """It failed; nobody is to try before then."""
        with writing(self._engine, self._place, f"errand {name}") as connection:
            connection.execute(self._of(name).values(free_at=at))

    def _of(self, name: str) -> Update:
        return update(errand).where(errand.c.namespace == self._namespace, errand.c.name == name)
