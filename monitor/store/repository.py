"""The store as the runner sees it (`monitor.ports.Store`), over SQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Select, Table, bindparam, delete, func, select

from monitor.casebook import Backlog
from monitor.errors import OutpacedError
from monitor.ledger.signing import Signer
from monitor.model import (
    Checkpoint,
    Claim,
    Episodes,
    Part,
    Reject,
    Segment,
    SourceSeen,
    Turn,
    Violation,
    merged,
)
from monitor.store import backlog, ledger, marking, ownership, rows, schema, sightings
from monitor.store.casebook import SqlCasebook
from monitor.store.database import connect, reading, writing
from monitor.store.errands import SqlErrands
from monitor.store.outbox import SqlOutbox
from monitor.store.raising import raise_alerts
from monitor.store.upsert import add_up, among, leave, replace

KEPT_REJECTS = 1000
"""Rejects kept per partition and reason; all of them are counted."""
_CHUNK = 5000
"""Keys per statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""


def open_store(
    store: str | Path, namespace: str = "default", *, password_file: Path | None = None
) -> SqlStore:
    """Open, and where needed create, the store in a file or behind a `sqlite:///` or `postgresql://` URL.

    Raises:
        StoreError: it cannot be opened, is something else, or was written by a newer privwatch.
    """
    engine, place = connect(store, password_file)
    return SqlStore(engine, place, namespace)


class SqlStore:
    """One namespace of a database. Threads may share it; each call is one transaction.

    Attributes:
        place: the file or the server's address, without secrets, to call it in messages.
    """

    def __init__(self, engine: Engine, place: str, namespace: str) -> None:
        self._engine = engine
        self.place = place
        self._namespace = namespace
        self._owner = uuid4().hex

    def checkpoints(self) -> dict[str, Checkpoint]:
        """How far each partition was read."""
        with reading(self._engine, self.place) as connection:
            found = connection.execute(self._mine(schema.checkpoint))
            return {row.partition: rows.checkpoint_of(row) for row in found}

    def keyed(self, mark: str) -> bool:
        """Whether what is stored was written with the key of this mark; where nothing is, it will be."""
        table = schema.key_mark
        with self._writing() as connection:
            known = connection.execute(
                select(table.c.mark).where(table.c.namespace == self._namespace)
            ).scalar()
            read = self._mine(schema.checkpoint).limit(1)
            if known == mark:
                return True
            if known is not None and connection.execute(read).first() is not None:
                return False
            replace(connection, table, [{"namespace": self._namespace, "mark": mark}])
            return True

    def claim(self, partitions: Collection[str]) -> dict[str, Claim]:
        """Take these partitions: from now on no turn is written that anybody else read of them."""
        with self._writing() as connection:
            generations = ownership.claim(connection, self._namespace, self._owner, partitions)
            table = schema.checkpoint
            mine = self._mine(table).where(table.c.partition.in_(list(partitions)))
            read = {row.partition: rows.checkpoint_of(row) for row in connection.execute(mine)}
        return {name: Claim(generation, read.get(name)) for name, generation in generations.items()}

    def write(self, turn: Turn) -> int:
        """All of the turn or nothing of it; returns the mark of the newest window state.

        Raises:
            FencedError: another instance claimed a partition of the turn since it was read.
            OutpacedError: there is newer window state than `turn.seen`.
        """
        with self._writing() as connection:
            ownership.check(connection, self._namespace, turn.generations)
            newest = self._newest(connection)
            if turn.seen is not None and newest > turn.seen:
                raise OutpacedError(f"store {self.place}: another instance wrote window state meanwhile")
            if turn.parts or turn.episodes:
                mark = marking.next_mark(connection, self._namespace)
                self._write_parts(connection, turn.parts, mark)
                self._write_episodes(connection, turn.episodes, mark)
            self._write_rejects(connection, turn.rejects)
            self._write_counts(connection, turn)
            raise_alerts(connection, self._namespace, turn.alerts)
            if turn.sightings is not None:
                sightings.add(connection, self._namespace, turn.sightings)
            replace(
                connection,
                schema.checkpoint,
                [rows.checkpoint_row(self._namespace, *pair) for pair in turn.checkpoints],
            )
            return self._write_segments(connection, turn.segments, newest)

    def forget(self, partition: str) -> None:
        """Take back everything this partition contributed, its position included."""
        with self._writing() as connection:
            part = schema.violation_part
            touched = select(part.c.fingerprint).where(
                part.c.namespace == self._namespace, part.c.partition == partition
            )
            fingerprints = connection.execute(touched).scalars().all()
            tables = (part, schema.window_segment, schema.reject, schema.tally, schema.checkpoint)
            for table in tables:
                mine = (table.c.namespace == self._namespace, table.c.partition == partition)
                connection.execute(delete(table).where(*mine))
            self._rebuild(connection, fingerprints)

    def segments(self, rule: str, digest: str, since: int, until: int) -> Iterator[Segment]:
        """Window state of a correlation whose ticks overlap [since, until], in the order written."""
        table = schema.window_segment
        wanted = (
            self._mine(table)
            .where(table.c.rule == rule, table.c.digest == digest)
            .where(table.c.first_tick <= until, table.c.last_tick >= since)
            .order_by(table.c.id)
        )
        return map(rows.segment_of, self._stream(wanted))

    def segments_after(self, mark: int) -> tuple[list[Segment], int]:
        """Window state written after the mark (0: all of it), in the order written, and the newest mark."""
        table = schema.window_segment
        newer = self._mine(table).where(table.c.id > mark).order_by(table.c.id)
        with reading(self._engine, self.place) as connection:
            found = connection.execute(newer).all()
        return [rows.segment_of(row) for row in found], found[-1].id if found else mark

    def violations(self) -> Iterator[Violation]:
        """Merged violations, by rule, period, fingerprint."""
        table = schema.violation
        ordered = self._mine(table).order_by(table.c.rule, table.c.period, table.c.fingerprint)
        return map(rows.violation_of, self._stream(ordered))

    def rejects(self) -> Iterator[Reject]:
        """Kept rejects, by partition and offset."""
        table = schema.reject
        ordered = self._mine(table).order_by(table.c.partition, table.c.record_offset)
        return map(rows.reject_of, self._stream(ordered))

    def counts(self) -> dict[tuple[str, str, str], int]:
        """(partition, `reject` or `event`, reason or fact) to count."""
        with reading(self._engine, self.place) as connection:
            found = connection.execute(self._mine(schema.tally))
            return {(row.partition, row.kind, row.name): row.events for row in found}

    def sightings(self) -> tuple[SourceSeen, ...]:
        """What coverage has seen of each source, by its name; the fields by theirs."""
        with reading(self._engine, self.place) as connection:
            return sightings.held(connection, self._namespace)

    def outbox(self) -> SqlOutbox:
        """What this namespace has still to say to targets."""
        return SqlOutbox(self._engine, self.place, self._namespace)

    def errands(self) -> SqlErrands:
        """What this namespace has to do once, whichever instance does it."""
        return SqlErrands(self._engine, self.place, self._namespace)

    def casebook(self, signer: Signer) -> SqlCasebook:
        """What people review of this namespace; what is written in its ledger is signed."""
        return SqlCasebook(self._engine, self.place, self._namespace, signer)

    def backlog(self) -> Backlog:
        """What the review of this namespace has taken in and people have not settled."""
        with reading(self._engine, self.place) as connection:
            return backlog.backlog(connection, self._namespace)

    def public_key(self) -> str | None:
        """The key that the ledger says it is signed with; None while there is no ledger."""
        with reading(self._engine, self.place) as connection:
            found = ledger.head(connection, self._namespace)
            return None if found is None else found[1]

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self.place, f"namespace {self._namespace}")

    def _newest(self, connection: Connection) -> int:
        """Mark of the newest window state."""
        table = schema.window_segment
        newest = select(func.max(table.c.id)).where(table.c.namespace == self._namespace)
        return connection.execute(newest).scalar() or 0

    def _mine(self, table: Table) -> Select[Any]:
        return select(table).where(table.c.namespace == self._namespace)

    def _stream(self, statement: Select[Any]) -> Iterator[Any]:
        """Rows as they come, a thousand at a time in memory."""
        with (
            reading(self._engine, self.place) as connection,
            connection.execution_options(yield_per=1000).execute(statement) as found,
        ):
            yield from found

    def _write_parts(self, connection: Connection, parts: Sequence[Part], mark: int) -> None:
        """Add the parts to what their partitions said before, then say the violations anew."""
        fresh: dict[str, dict[str, list[Violation]]] = defaultdict(lambda: defaultdict(list))
        for part in parts:
            fresh[part.violation.fingerprint][part.partition].append(part.violation)
        for chunk in _chunks(fresh):
            known = self._parts_of(connection, chunk)
            part_rows: list[dict[str, Any]] = []
            violation_rows: list[dict[str, Any]] = []
            for fingerprint in chunk:
                encoded, whole = self._encode(fresh[fingerprint], known.get(fingerprint, {}))
                part_rows += encoded
                whole["mark"] = mark
                violation_rows.append(whole)
            replace(connection, schema.violation, violation_rows)
            replace(connection, schema.violation_part, part_rows)

    def _encode(
        self, said: dict[str, list[Violation]], before: dict[str, list[Violation]]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Rows of the parts that grew, and the row of their violation."""
        grown = {partition: _whole([*before.get(partition, ()), *one]) for partition, one in said.items()}
        parts = [
            {**rows.violation_row(self._namespace, one), "partition": partition}
            for partition, one in grown.items()
        ]
        others = [one for partition in before.keys() - grown.keys() for one in before[partition]]
        if len(parts) == 1 and not others:
            # One partition says it all: the common case, and encoding is what a large turn pays for.
            row = dict(parts[0])
            del row["partition"]
        else:
            row = rows.violation_row(self._namespace, _whole([*grown.values(), *others]))
        return parts, row

    def _parts_of(
        self, connection: Connection, fingerprints: Iterable[str]
    ) -> dict[str, dict[str, list[Violation]]]:
        """Fingerprint to partition to the one part stored, in a list so that merging is adding."""
        table = schema.violation_part
        found: dict[str, dict[str, list[Violation]]] = defaultdict(dict)
        for chunk in _chunks(fingerprints):
            for row in connection.execute(
                self._mine(table).where(among(connection, table.c.fingerprint, chunk))
            ):
                found[row.fingerprint][row.partition] = [rows.violation_of(row)]
        return found

    def _rebuild(self, connection: Connection, fingerprints: Sequence[str]) -> None:
        """Say these violations anew from the parts that are left; without any they are gone."""
        mark = marking.next_mark(connection, self._namespace)
        known = self._parts_of(connection, fingerprints)
        whole = [_whole([one for part in parts.values() for one in part]) for parts in known.values()]
        self._replace_violations(connection, whole, mark)
        table = schema.violation
        for chunk in _chunks(fingerprint for fingerprint in fingerprints if fingerprint not in known):
            gone = (table.c.namespace == self._namespace, among(connection, table.c.fingerprint, chunk))
            marking.taken_back(
                connection, self._namespace, connection.execute(select(table).where(*gone)).all(), mark
            )
            connection.execute(delete(table).where(*gone))

    def _replace_violations(self, connection: Connection, whole: Iterable[Violation], mark: int) -> None:
        replace(connection, schema.violation, self._marked(connection, whole, mark))

    def _marked(self, connection: Connection, whole: Iterable[Violation], mark: int) -> list[dict[str, Any]]:
        encoded = [rows.violation_row(self._namespace, one) for one in whole]
        return marking.marked(connection, self._namespace, encoded, mark)

    def _write_episodes(self, connection: Connection, episodes: Sequence[Episodes], mark: int) -> None:
        """Episodes replace what the store held of their group, or of every group, and range."""
        if not episodes:
            return
        # Most episodes are said again as they were; only now can they be compared.
        said_now = (violation for one in episodes for violation in one.violations)
        encoded = self._marked(connection, said_now, mark)
        gone = marking.superseded(connection, self._namespace, episodes)
        marking.taken_back(connection, self._namespace, gone, mark)
        table = schema.violation
        superseded = delete(table).where(
            table.c.namespace == self._namespace,
            table.c.rule == bindparam("of_rule"),
            table.c.episode_start.between(bindparam("since"), bindparam("until")),
        )
        narrower = {"of_group": table.c.group_key, "of_digest": table.c.digest}
        spans: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for one in episodes:
            said = {"of_group": one.group, "of_digest": one.digest}
            narrow = {name: text for name, text in said.items() if text}
            span = {"of_rule": one.rule, "since": one.since, "until": one.until}
            spans[tuple(narrow)].append(span | narrow)
        for names, found in spans.items():
            same = (narrower[name] == bindparam(name) for name in names)
            connection.execute(superseded.where(*same), found)
        replace(connection, table, encoded)

    def _write_segments(self, connection: Connection, segments: Sequence[Segment], newest: int) -> int:
        """Append window state; a segment that replaces drops what its rule text and partition had before.

        It drops it last: SQLite would give the number of a dropped newest row to the next one.
        """
        if not segments:
            return newest
        table = schema.window_segment
        fresh: list[Segment] = []
        for segment in segments:
            if segment.replaces:
                fresh = [one for one in fresh if _text_of(one) != _text_of(segment)]
            fresh.append(segment)
        connection.execute(table.insert(), [rows.segment_row(self._namespace, one) for one in fresh])
        for rule, digest, partition in dict.fromkeys(_text_of(one) for one in segments if one.replaces):
            same = (table.c.rule == rule, table.c.digest == digest, table.c.partition == partition)
            mine = table.c.namespace == self._namespace
            connection.execute(delete(table).where(mine, *same, table.c.id <= newest))
        return self._newest(connection)

    def _write_rejects(self, connection: Connection, rejects: Sequence[Reject]) -> None:
        """Keep the first of each partition and reason."""
        if not rejects:
            return
        table = schema.reject
        partitions = {reject.partition for reject in rejects}
        held = (
            select(table.c.partition, table.c.reason, func.count())
            .where(table.c.namespace == self._namespace, table.c.partition.in_(partitions))
            .group_by(table.c.partition, table.c.reason)
        )
        kept = Counter({(partition, reason): count for partition, reason, count in connection.execute(held)})
        fresh = []
        for reject in sorted(rejects, key=lambda one: (one.partition, one.offset)):
            if kept[reject.partition, reject.reason] < KEPT_REJECTS:
                kept[reject.partition, reject.reason] += 1
                fresh.append(rows.reject_row(self._namespace, reject))
        leave(connection, table, fresh)

    def _write_counts(self, connection: Connection, turn: Turn) -> None:
        counts: Counter[tuple[str, str, str]] = Counter()
        for kind, lines in (("reject", turn.reject_counts), ("event", turn.event_counts)):
            for partition, name, count in lines:
                counts[partition, kind, name] += count
        keys = ("partition", "kind", "name")
        fresh = [
            {"namespace": self._namespace, **dict(zip(keys, key, strict=True)), "events": count}
            for key, count in counts.items()
        ]
        add_up(connection, schema.tally, "events", fresh)


def _text_of(segment: Segment) -> tuple[str, str, str]:
    return segment.rule, segment.digest, segment.partition


def _whole(said: Sequence[Violation]) -> Violation:
    return reduce(merged, said)


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    pending = iter(keys)
    while chunk := list(islice(pending, _CHUNK)):
        yield chunk
