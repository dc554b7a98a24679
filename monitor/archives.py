"""Archives put together with a store: what replaying and learning have in common.

A part of the composition root.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.decode import AUTO
from monitor.engine.keys import Keyring
from monitor.engine.plan import Plan
from monitor.errors import FencedError, StoreError
from monitor.lazily import Lazily
from monitor.model import Claim
from monitor.pipeline.ways import Decoding
from monitor.sources.archive import ArchiveSource
from monitor.sources.topicfile import TopicArchive

if TYPE_CHECKING:
    from monitor.store import keyfile
    from monitor.store.repository import SqlStore
else:
    keyfile = Lazily("monitor.store.keyfile")


def keyring_for(store: SqlStore, path: Path) -> Keyring:
    """The key in a file, made where there is none and nothing is stored.

    Raises:
        StoreError: it cannot be used, or what is stored was written with another one.
    """
    keyring = Keyring(keyfile.load_key(path, begun=bool(store.checkpoints())))
    if not store.keyed(keyring.mark()):
        raise StoreError(
            f"{path}: what is in store {store.place} was written with another key, by which the same people "
            "have other pseudonyms; restore that key from your backup, name its file (`key` in the settings, "
            "--key), or begin another store or namespace"
        )
    return keyring


def archive_of(
    inputs: Sequence[str],
    decoding: Decoding,
    plan: Plan,
    claim: Callable[[str], Claim],
    *,
    kafka_records: bool = False,
) -> ArchiveSource | TopicArchive:
    """Archived logs as a source: files, or records of topics."""
    if kafka_records:
        form = "" if decoding.format == AUTO else decoding.format
        return TopicArchive(inputs, format=form, logsource=decoding.logsource, claim=claim)
    return ArchiveSource(
        inputs,
        format=decoding.format,
        logsource=decoding.logsource,
        projection=plan.projection,
        claim=claim,
    )


def forget_outdated(store: SqlStore, partitions: Collection[str], digest: str) -> bool:
    """Take back the files of this replay that were read under other rules, decoding or bounds."""
    known = store.checkpoints()
    outdated = [p for p in partitions if p in known and known[p].plan != digest]
    for partition in outdated:
        store.claim([partition])  # before it is taken back: who still reads it must not add to what is left
        store.forget(partition)
    return bool(outdated)


def claimed(store: SqlStore, partition: str, digest: str) -> Claim:
    """A file in the hands of this replay.

    Two replays of one file into one namespace would count it twice: the one that claims last goes on where
    the other got to, and the other finds out when it writes.

    Raises:
        FencedError: the other one reads it under other rules, decoding or bounds.
    """
    claim = store.claim([partition])[partition]
    if claim.read is not None and claim.read.plan != digest:
        raise FencedError(
            f"{partition}: another replay reads it into this namespace under other rules or options; "
            "wait for it to end, or name another with --namespace"
        )
    return claim
