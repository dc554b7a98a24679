"""The review put together: store, ledger's key, rules, the desk over them. A part of the composition root."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import app, keeping
from monitor.clock import Clock, SystemClock
from monitor.detecting import Detection
from monitor.errors import SettingsError, StoreError
from monitor.ledger import exports
from monitor.ledger.check import Fault
from monitor.ledger.entries import Head
from monitor.ledger.exports import SUFFIX
from monitor.ledger.signing import Signer
from monitor.review.catalogue import catalogue
from monitor.review.desk import Desk
from monitor.sections import RetentionSettings
from monitor.settings import load_settings
from monitor.sign_in_settings import SignInSettings
from monitor.store import keyfile, repository

if TYPE_CHECKING:
    # `account` and `verify` need no templates.
    from monitor.web.reports import Export

log = logging.getLogger(__name__)

KEY_OPTION = "--ledger-key"
"""Names the key file of the ledger."""


@dataclass(frozen=True, slots=True)
class Where:
    """What is reviewed, and how long it is kept (None: as by default).

    `rules` empty: those that come along. `ledger_key` None: beside the store.
    """

    store: str
    namespace: str
    rules: tuple[Path, ...] = ()
    password_file: Path | None = None
    ledger_key: Path | None = None
    detection: Detection | None = None
    sign_in: SignInSettings | None = None
    retention: RetentionSettings | None = None

    @property
    def key(self) -> Path:
        """Key file of the ledger.

        Raises:
            SettingsError: the store is a server, and nobody said where the key is.
        """
        if self.ledger_key is not None:
            return self.ledger_key
        name = self.store.removeprefix("sqlite:///")
        if "://" in name:
            raise SettingsError(
                f"a store on a server has no folder for the ledger's key; name it with {KEY_OPTION}"
            )
        return Path(name).with_suffix(".ledger.key")

    @property
    def public(self) -> Path:
        """File of the public key, to hand to whoever is to check."""
        return self.key.with_suffix(".pub")


def where(
    config: Path | None,
    store: str,
    namespace: str,
    *,
    rules: Sequence[Path] = (),
    ledger_key: Path | None = None,
    env: Mapping[str, str] = os.environ,
) -> Where:
    """What is reviewed: that of the daemon's settings where there are some, else what was said."""
    if config is None:
        return Where(store, namespace, tuple(rules), None, ledger_key)
    said = load_settings(config, env)
    key = ledger_key or keeping.key_file(said)
    named = tuple(rules) or said.rules
    detection = Detection(said.detectors)
    place = said.store, said.namespace, named, said.store_password_file, key
    return Where(*place, detection, said.sign_in, said.retention)


@contextmanager
def desk(here: Where, clock: Clock | None = None) -> Iterator[tuple[Desk, Signer]]:
    """The desk over an existing store, with what was found until now taken in.

    Raises:
        PrivwatchError: there is no store, the key or the rules cannot be used.
    """
    clock = clock or SystemClock()
    ruleset, _ = app.load_rules(here.rules or [app.shipped_rules()], clock, here.detection)
    with _opened(here) as store:
        signer = Signer(keyfile.load_key(here.key, begun=store.public_key() is not None, option=KEY_OPTION))
        keeping.lay_out(here.public, signer.public)
        made = Desk(store.casebook(signer), catalogue(ruleset), clock, here.retention)
        made.catch_up()
        yield made, signer


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found.

    Attributes:
        faults: what is not as it was written.
        entries: of the ledger.
        waiting: violations that it does not know yet.
        erased: entries whose payload is no more.
    """

    faults: list[Fault]
    entries: int
    waiting: int
    erased: int


def verify(here: Where, public: str) -> Verified:
    """Everything in the store that is not as it was written.

    Raises:
        StoreError: there is no store, or nothing in it was ever written down.
    """
    with _opened(here) as store:
        # Nothing is written: any key will do to look.
        book = store.casebook(Signer(bytes(32)))
        head, faults = book.head(), list(book.verify(public))
        if head is None and not faults:
            raise StoreError(f"store {store.place}: it has no ledger yet; `privwatch web` begins one")
        return Verified(faults, head.size if head else 0, book.waiting(), book.erased())


def written(made: Export, folder: Path) -> tuple[Path, Path]:
    """Write a report and its signature.

    Raises:
        SettingsError: the folder cannot be written.
    """
    file, beside = folder / made.name, folder / (made.name + SUFFIX)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(made.content)
        beside.write_bytes(made.signature)
    except OSError as error:
        raise SettingsError(
            f"{folder}: cannot be written ({error.strerror}); name another folder with --output"
        ) from error
    return file, beside


def file_written(folder: Path, name: str, text: str) -> None:
    """Write a file into a folder.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{folder}: cannot be written ({error.strerror}); name another folder with --output"
        ) from error


def verify_export(file: Path, public: str, here: Where) -> tuple[str, Head]:
    """What is wrong with an exported file, in words, and what it rests on; asks its store where that is here.

    Raises:
        SettingsError: the file or its signature cannot be read.
    """
    try:
        content, signature = file.read_bytes(), file.with_name(file.name + SUFFIX).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{error.filename}: cannot be read ({error.strerror}); a report is checked with the file beside "
            f"it that ends in {SUFFIX}"
        ) from error
    problem = exports.problem(file.name, content, signature, public)
    found = exports.unsealed(signature)
    head = found[0].head if found else Head("", 0, "")
    return problem or _unknown_here(head, here), head


def _unknown_here(head: Head, here: Where) -> str:
    """What the store's ledger has against a report that rests on it; nothing where it is another's."""
    if not _exists(here.store):
        return ""
    with _opened(here) as store:
        book = store.casebook(Signer(bytes(32)))
        ours = book.head()
        if ours is None or ours.origin != head.origin or not head.size:
            return ""
        newest = book.ledger(head.size + 1, 1)
        same = newest and (newest[0][0].seq, newest[0][0].hash) == (head.size, head.hash)
    return (
        "" if same else f"it rests on entry {head.size} of this store's ledger, which is not there any more"
    )


def public_key(here: Where, said: str | None, *, alone: bool = False) -> tuple[str, str]:
    """The public key to check with, and where it comes from: said, a file, or beside the store.

    Args:
        here: the store.
        said: the key, or its file.
        alone: the store need not be there.

    Raises:
        SettingsError: there is none, or it is no key.
        StoreError: there is no store.
    """
    if not alone:
        _there(here)
    file = here.public if said is None else Path(said)
    if file.is_file():
        said = file.read_text(encoding="ascii", errors="replace").strip()
        source = str(file)
    elif said is None:
        raise SettingsError(f"{file}: there is no public key; name it with --public-key")
    else:
        source = "the command line"
    if len(said or "") != 64 or not set(said or "") <= set("0123456789abcdef"):
        raise SettingsError("a public key is 64 hex digits, or a file that holds them")
    return str(said), source


@contextmanager
def _opened(here: Where) -> Iterator[repository.SqlStore]:
    _there(here)
    store = repository.open_store(here.store, here.namespace, password_file=here.password_file)
    try:
        yield store
    finally:
        store.close()


def _there(here: Where) -> None:
    """Say so where there is no store: opening it would make one.

    Raises:
        StoreError: there is none.
    """
    if not _exists(here.store):
        name = here.store.removeprefix("sqlite:///")
        raise StoreError(
            f"store {name}: there is none; run `privwatch replay` first, or name it with --store"
        )


def _exists(store: str) -> bool:
    """Whether there is such a file; of a server nobody knows yet."""
    name = store.removeprefix("sqlite:///")
    return "://" in name or Path(name).is_file()
