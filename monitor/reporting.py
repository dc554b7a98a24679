"""Reports that make themselves: a thread of the daemon, the row that has each made once, folder and mail."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from monitor.casebook import Casebook
from monitor.clock import Clock
from monitor.errors import PrivwatchError, SettingsError, StoreError
from monitor.ledger.exports import SUFFIX
from monitor.ledger.signing import Signer
from monitor.report_settings import WEEKDAYS, MailSettings, ReportsSettings
from monitor.review import clocks, schedule
from monitor.review.catalogue import catalogue
from monitor.review.desk import Desk
from monitor.review.weeks import Week
from monitor.rules.tree import RuleSet
from monitor.setting_kinds import secret_text
from monitor.sinks.mail import MailServer
from monitor.sinks.review_metrics import reports_counter
from monitor.store import keyfile

if TYPE_CHECKING:
    from monitor.web.reports import Export, Made

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
"""From one look at the clock to the next."""

HOLD_SECONDS: Final = 900
"""How long an instance has an errand; where it dies with it, another takes it after that."""

AGAIN_SECONDS: Final = (60, 300, 900, 3600)
"""Until a failed errand is tried again: after the first failure, the second, and so on; then the last."""

STOP_SECONDS: Final = 2.0
WHO: Final = "privwatch run"


class Errands(Protocol):
    """Things to be done once, see `monitor.store.errands`."""

    def take(self, name: str, at: int, until: int) -> int | None:
        """Which attempt this is; None where there is nothing to do."""
        ...

    def done(self, name: str, at: int) -> None:
        """It is done."""
        ...

    def again(self, name: str, at: int) -> None:
        """It failed; it may be tried again from then on."""
        ...


class Stored(Protocol):
    """What a report needs of the store."""

    def casebook(self, signer: Signer) -> Casebook:
        """What people review."""
        ...

    def errands(self) -> Errands:
        """What is to be done once."""
        ...

    def public_key(self) -> str | None:
        """The ledger's, where it is begun."""
        ...


class Reporter:
    """The reports of one application, from start to stop; does nothing where the settings want none.

    They are signed with the ledger's key, which is made on first use.

    Raises:
        SettingsError: what the reports need is not installed, or a secret cannot be used.
    """

    def __init__(
        self,
        settings: ReportsSettings,
        key: Path,
        store: Stored,
        rules: Callable[[], RuleSet],
        *,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        check(settings)
        self._settings = settings
        self._key = key
        self._store = store
        self._rules = rules
        self._clock = clock
        self._ways = tuple(_ways(settings))
        self._count = reports_counter(registry, self._ways)
        self._stop = Event()
        # As a daemon: a mail server that hangs must not keep the process from stopping.
        self._thread = Thread(target=self._run, name="reports", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look at the clock."""
        if self._ways:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop. What is not delivered is tried again at the next start."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Deliver what is due and not delivered yet."""
        day, zone = WEEKDAYS.index(self._settings.weekday), ZoneInfo(self._settings.zone)
        week = schedule.due(self._clock.now(), day, self._settings.hour, zone)
        for way in self._ways:
            try:
                self._errand(week, way)
            except StoreError as error:
                log.warning("reports: %s; the report of %s waits", error, week)

    def _errand(self, week: Week, way: str) -> None:
        errands, name, now = self._store.errands(), f"report {week} {way}", self._clock.now()
        attempt = errands.take(name, now, now + HOLD_SECONDS * 1_000_000)
        if attempt is None:
            return
        try:
            self._deliver(week, way)
        except Exception as error:  # noqa: BLE001 - the next try may succeed; a message could quote evidence
            self._count.labels(way, "failure").inc()
            pause = AGAIN_SECONDS[min(attempt, len(AGAIN_SECONDS)) - 1]
            said = self._said(error)
            log.error(  # noqa: TRY400 - its words say what to do
                "reports: that of %s could not go to the %s: %s; tried again in %d s", week, way, said, pause
            )
            errands.again(name, self._clock.now() + pause * 1_000_000)
            return
        errands.done(name, self._clock.now())
        self._count.labels(way, "success").inc()
        log.info("reports: that of %s went to the %s", week, way)

    def _said(self, error: Exception) -> str:
        """What may be said of it: of what nobody expected the kind alone."""
        if isinstance(error, PrivwatchError):
            return str(error)
        if isinstance(error, OSError):
            return f"{error.strerror} ({self._settings.folder})"
        return f"an unexpected {type(error).__name__}; please report it"

    def _deliver(self, week: Week, way: str) -> None:
        from monitor.web import reports  # noqa: PLC0415 - templates and all, for whoever wants reports

        begun = self._store.public_key() is not None
        signer = Signer(keyfile.load_key(self._key, begun=begun, option="ledger.key"))
        desk = Desk(self._store.casebook(signer), catalogue(self._rules()), self._clock)
        desk.catch_up()
        made = [reports.made(desk, week, form) for form in self._settings.formats]
        if way == "folder" and self._settings.folder is not None:
            _filed([one.export for one in made], self._settings.folder)
        elif self._settings.mail is not None:
            self._mailed(week, made, self._settings.mail)
        for one in made:
            desk.note("export", str(week), WHO, {**one.noted, "way": way})

    def _mailed(self, week: Week, made: list[Made], mail: MailSettings) -> None:
        message = EmailMessage()
        message["From"], message["To"] = mail.sender, ", ".join(mail.recipients)
        message["Subject"] = f"Privwatch: report of week {week}"
        message["Date"] = format_datetime(clocks.moment(self._clock.now()))
        # The same for the same files: a mail server that gets it twice, since we died between its word and
        # ours to the store, can tell.
        digest = hashlib.sha256(b"".join(one.export.content for one in made)).hexdigest()[:32]
        message["Message-ID"] = f"<{week}.{digest}@{mail.sender.rpartition('@')[2]}>"
        message.set_content(_words(week))
        for one in made:
            main, _, sub = one.kind.partition(";")[0].partition("/")
            for name, content, (kind, part) in (
                (one.export.name, one.export.content, (main, sub)),
                (one.export.name + SUFFIX, one.export.signature, ("application", "json")),
            ):
                message.add_attachment(content, maintype=kind, subtype=part, filename=name)
        server(mail).send(message, mail.sender, mail.recipients)


def _words(week: Week) -> str:
    return f"""\
The report of week {week} ({week.monday} to {week.sunday}) is attached, with a signature for each file.

Check it: privwatch verify FILE --public-key KEY, with the signature beside the file.
It holds no names. It was made by itself; who reads it decides what it means.
"""


def check(settings: ReportsSettings) -> None:
    """See that reports could be made and sent as they are wanted.

    Raises:
        SettingsError: they could not.
    """
    if not any(_ways(settings)):
        return
    try:
        from monitor.web import reports  # noqa: F401, PLC0415 - whether it is there

        if {"pdf"} & set(settings.formats):
            import weasyprint  # noqa: F401, PLC0415 - as above
        if {"xlsx"} & set(settings.formats):
            import xlsxwriter  # noqa: F401, PLC0415 - as above
    except (ModuleNotFoundError, OSError) as error:
        raise SettingsError(
            f"reports: they need what is not installed ({error}); run: pip install 'privwatch[web,report]'"
        ) from None
    if settings.mail is not None:
        server(settings.mail).context()


def server(mail: MailSettings) -> MailServer:
    """The mail server as the settings have it.

    Raises:
        SettingsError: its password cannot be used.
    """
    password = secret_text("reports.mail.password", mail.password, mail.password_file)
    return MailServer(mail.host, mail.port, mail.tls, mail.ca, mail.user, password, mail.timeout_seconds)


def _ways(settings: ReportsSettings) -> Iterator[str]:
    if settings.folder is not None:
        yield "folder"
    if settings.mail is not None:
        yield "mail"


def _filed(exports: Sequence[Export], folder: Path) -> None:
    """Each file whole or not at all; the signature first, so that no report lies there without it."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in exports:
        for name, content in ((one.name + SUFFIX, one.signature), (one.name, one.content)):
            # Beside it under a name of its own, since two instances may share the folder.
            with NamedTemporaryFile(dir=folder, prefix=f".{name}.", delete=False) as fresh:
                fresh.write(content)
                fresh.flush()
                os.fsync(fresh.fileno())
            Path(fresh.name).chmod(0o640)
            Path(fresh.name).replace(folder / name)
