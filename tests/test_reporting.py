"""Reports that make themselves: once a week, whatever is away, however many instances there are."""

import datetime as dt
import json
import logging
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from monitor import app, reporting
from monitor.clock import ManualClock, SystemClock
from monitor.errors import SettingsError
from monitor.ledger.exports import SUFFIX, problem
from monitor.report_settings import ReportsSettings
from monitor.reporting import Reporter
from monitor.review import schedule
from monitor.review.clocks import micros
from monitor.store import open_store
from tests.real.test_kafka_run import Daemon
from tests.support.certificates import authority
from tests.support.mailbox import Mailbox
from tests.support.ports import free_ports
from tests.support.review import DAY, NOW, found, turn

HOUR = 3600 * 10**6
WEEK = "2026-W47"
RULES, _ = app.load_rules([app.shipped_rules()], SystemClock())


def wanted(mailbox: Mailbox | str | None = None, **said) -> ReportsSettings:
    """Settings; the mailbox's address, or one where nobody answers."""
    if mailbox is not None:
        address = mailbox if isinstance(mailbox, str) else mailbox.address
        host, _, port = address.partition(":")
        mail = {
            "host": host, "port": int(port), "tls": "none", "sender": "privwatch@example.org",
            "recipients": ["privacy@example.org", "auditor@example.org"],
        }  # fmt: skip
        said["mail"] = mail | said.get("mail", {})
    return ReportsSettings.model_validate_json(json.dumps(said, default=str))


class House:
    """A store with something found in it, and the daemons that share it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.clock = ManualClock(NOW)
        self.store = self.opened()
        self.store.write(turn(found("aa" * 16)))

    def opened(self):
        return self._stack.enter_context(closing(open_store(self.folder / "store.db")))

    def reporter(self, settings: ReportsSettings) -> tuple[Reporter, CollectorRegistry]:
        """Another instance."""
        registry = CollectorRegistry()
        made = Reporter(
            settings,
            self.folder / "privwatch.ledger.key",
            self.opened(),
            lambda: RULES,
            clock=self.clock,
            registry=registry,
        )
        return made, registry

    def exports(self) -> list[dict]:
        """What the ledger says was taken along."""
        signer = reporting.Signer(bytes(32))
        weeks = (WEEK, "2026-W48")
        book = self.store.casebook(signer)
        found = [one for week in weeks for one in book.history(week)]
        return [body.content for entry, body in found if entry.kind == "export"]


@pytest.fixture
def house(tmp_path):
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def counted(registry: CollectorRegistry, way: str, result: str) -> float | None:
    return registry.get_sample_value("privwatch_reports_total", {"way": way, "result": result})


def test_files_and_signatures_come_once_over_instances_and_restarts(house, tmp_path):
    settings = wanted(folder=tmp_path / "reports", formats=["html", "json"])
    one, figures = house.reporter(settings)
    other, others = house.reporter(settings)
    one.look()
    names = sorted(file.name for file in (tmp_path / "reports").iterdir())
    assert names == [f"privwatch-{WEEK}.{end}" for end in ("html", "html.sig", "json", "json.sig")]
    public = house.store.public_key()
    for name in names[::2]:
        file = tmp_path / "reports" / name
        assert problem(name, file.read_bytes(), file.with_name(name + SUFFIX).read_bytes(), public) == ""
    other.look()
    house.reporter(settings)[0].look()
    assert (counted(figures, "folder", "success"), counted(others, "folder", "success")) == (1, 0)
    assert len(house.exports()) == 2, "one for each format, and no more"
    assert all(said["way"] == "folder" for said in house.exports())
    house.clock.micros += 7 * DAY
    other.look()
    assert len(list((tmp_path / "reports").iterdir())) == 8, "the next week has one of its own"


def test_mail_carries_files_that_verify_and_no_more_than_one(house):
    with Mailbox() as mailbox:
        settings = wanted(mailbox, formats=["html", "csv"])
        for _ in range(3):
            house.reporter(settings)[0].look()
        (mail,) = mailbox.wait_for(1)
    assert (mail["Subject"], mail["To"]) == (
        f"Privwatch: report of week {WEEK}",
        "privacy@example.org, auditor@example.org",
    )
    assert mail["Message-ID"].startswith(f"<{WEEK}.")
    assert "2026-11-16 to 2026-11-22" in mail.get_body(("plain",)).get_content()
    files = {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}
    assert len(files) == 4
    public = house.store.public_key()
    for name in (f"privwatch-{WEEK}.html", f"privwatch-{WEEK}.csv"):
        assert problem(name, files[name], files[name + SUFFIX], public) == ""
    assert "privacy@example.org" not in json.dumps(house.exports()), "addresses are no part of the ledger"


def test_a_mail_server_that_is_away_is_tried_again_and_the_folder_does_not_wait(house, tmp_path, caplog):
    (port,) = free_ports(1)
    caplog.set_level(logging.INFO)
    reporter, figures = house.reporter(wanted(f"127.0.0.1:{port}", folder=tmp_path / "reports"))
    reporter.look()
    reporter.look()
    assert (counted(figures, "mail", "failure"), counted(figures, "folder", "success")) == (1, 1)
    house.clock.micros += 61 * 10**6
    reporter.look()
    assert counted(figures, "mail", "failure") == 2
    assert "tried again in 300 s" in caplog.text
    with Mailbox() as mailbox:
        again, figures = house.reporter(wanted(mailbox))
        again.look()
        assert mailbox.mails == [], "not before its time, by whichever instance"
        house.clock.micros += 301 * 10**6
        again.look()
        mailbox.wait_for(1)
    assert counted(figures, "mail", "success") == 1
    assert [said["way"] for said in house.exports()] == ["folder", "mail"], "what was not sent is not noted"
    assert "example.org" not in caplog.text


def test_where_an_instance_dies_with_it_another_takes_over(house, tmp_path):
    errands = house.store.errands()
    name = f"report {WEEK} folder"
    assert errands.take(name, NOW, NOW + 900 * 10**6) == 1
    reporter, figures = house.reporter(wanted(folder=tmp_path / "reports"))
    reporter.look()
    assert not (tmp_path / "reports").exists()
    house.clock.micros += 900 * 10**6
    reporter.look()
    assert counted(figures, "folder", "success") == 1
    assert errands.take(name, NOW * 2, NOW * 3) is None, "done is done"


def test_a_folder_that_cannot_be_written_is_said_and_tried_again(house, tmp_path, caplog):
    place = tmp_path / "reports"
    place.write_text("a file")
    reporter, figures = house.reporter(wanted(folder=place))
    reporter.look()
    assert counted(figures, "folder", "failure") == 1
    assert "File exists" in caplog.text
    place.unlink()
    house.clock.micros += HOUR
    reporter.look()
    assert counted(figures, "folder", "success") == 1


def test_what_nobody_expected_ends_neither_the_thread_nor_the_report(house, tmp_path, caplog, monkeypatch):
    def broken(*_):
        raise ValueError("ada.wellenbrook@nordwind-shop.de cannot be drawn")

    reporter, figures = house.reporter(wanted(folder=tmp_path / "reports"))
    with monkeypatch.context() as patch:
        patch.setattr("monitor.web.reports.made", broken)
        reporter.look()
    assert counted(figures, "folder", "failure") == 1
    assert "ValueError" in caplog.text
    assert "wellenbrook" not in caplog.text
    house.clock.micros += HOUR
    reporter.look()
    assert counted(figures, "folder", "success") == 1


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_mail_goes_over_tls_to_whom_the_certificate_names_and_signs_in(house, tmp_path, implicit):
    made = authority(tmp_path, "ours")
    (tmp_path / "password").write_text("geheim-und-lang\n")
    tls = {"tls": "implicit" if implicit else "starttls", "ca": made.ca, "user": "privwatch"}
    with Mailbox(made, implicit=implicit, login=("privwatch", "geheim-und-lang")) as mailbox:
        unknown = {key: value for key, value in tls.items() if key != "ca"}
        reporter, figures = house.reporter(wanted(mailbox, mail=unknown))
        reporter.look()
        assert counted(figures, "mail", "failure") == 1, "nobody vouches for this certificate"
        house.clock.micros += HOUR
        reporter, figures = house.reporter(wanted(mailbox, mail={**tls, "password": "wrong"}))
        reporter.look()
        assert counted(figures, "mail", "failure") == 1
        house.clock.micros += HOUR
        right = {**tls, "password_file": tmp_path / "password"}
        reporter, figures = house.reporter(wanted(mailbox, mail=right))
        reporter.look()
        mailbox.wait_for(1)
    assert mailbox.encrypted == [True]
    assert counted(figures, "mail", "success") == 1


def test_what_a_server_says_of_recipients_is_not_repeated(house, caplog):
    with Mailbox() as mailbox:
        mailbox.refuses = True
        house.reporter(wanted(mailbox))[0].look()
    assert mailbox.mails == []
    assert "refused every recipient" in caplog.text
    assert "somebody@" not in caplog.text


MONDAY = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "weekday", "hour", "zone", "week"),
    [
        (MONDAY + dt.timedelta(hours=6), 0, 6, dt.UTC, "2026-W47"),
        (MONDAY + dt.timedelta(hours=5, minutes=59), 0, 6, dt.UTC, "2026-W46"),
        (MONDAY + dt.timedelta(hours=5), 0, 6, BERLIN, "2026-W47"),
        (MONDAY + dt.timedelta(days=6, hours=23), 0, 6, dt.UTC, "2026-W47"),
        (MONDAY + dt.timedelta(days=1), 3, 6, dt.UTC, "2026-W46"),
        # In Berlin it is Monday already, but the week of UTC is not over.
        (MONDAY - dt.timedelta(hours=1), 0, 0, BERLIN, "2026-W46"),
        # An hour that the clock of that day leaves out.
        (dt.datetime(2027, 3, 28, 3, tzinfo=dt.UTC), 6, 2, BERLIN, "2027-W11"),
        (dt.datetime(2027, 1, 4, 8, tzinfo=dt.UTC), 0, 6, BERLIN, "2026-W53"),
    ],
)
def test_the_week_that_is_due(now, weekday, hour, zone, week):
    zone = ZoneInfo("UTC") if zone is dt.UTC else zone
    assert str(schedule.due(micros(now), weekday, hour, zone)) == week


MAIL = {"host": "localhost", "sender": "a@example.org", "recipients": "b@example.org"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"zone": "Europe/Nowhere"}, "no such time zone"),
        ({"zone": "../etc/passwd"}, "no such time zone"),
        ({"formats": ["doc"]}, "say some of html"),
        ({"mail": {**MAIL, "host": "mail.example.org", "tls": "none"}}, "in clear"),
        ({"mail": {**MAIL, "recipients": "b@example.org>"}}, "an address alone"),
        ({"mail": {**MAIL, "sender": "a\nBcc: x"}}, "pattern"),
    ],
)
def test_settings_that_cannot_be_are_refused(said, message):
    with pytest.raises(ValidationError, match=message):
        wanted(**said)


def test_without_a_folder_or_a_mail_nothing_is_done(house):
    reporter, figures = house.reporter(wanted())
    with reporter:
        reporter.look()
    assert house.exports() == []
    assert counted(figures, "mail", "success") is None


def test_a_running_daemon_mails_and_files_the_week_once(tmp_path):
    (tmp_path / "app.ndjson").touch()
    with Mailbox() as mailbox:
        host, _, port = mailbox.address.partition(":")
        said = {
            "sources": {"files": {"app": {"paths": "app.ndjson", "format": "json"}}},
            "metrics": {"port": 0},
            "reports": {
                "folder": "reports",
                "mail": {
                    "host": host, "port": int(port), "tls": "none", "sender": "privwatch@example.org",
                    "recipients": "privacy@example.org",
                },
            },
        }  # fmt: skip
        config = tmp_path / "privwatch.yml"
        config.write_text(json.dumps(said))
        for _ in range(2):
            daemon = Daemon(config)
            try:
                (mail,) = mailbox.wait_for(1)
                page = urllib.request.urlopen(daemon.url, timeout=30).read().decode()
                assert 'privwatch_reports_total{result="failure",way="mail"} 0.0' in page
            finally:
                daemon.stop()
    names = sorted(part.get_filename() for part in mail.iter_attachments())
    assert sorted(file.name for file in (tmp_path / "reports").iterdir()) == names
    assert len(names) == 2


def test_what_is_missing_is_said_at_the_start(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    with pytest.raises(SettingsError, match=r"privwatch\[web,report\]"):
        reporting.check(wanted(folder=tmp_path, formats=["pdf"]))
    with pytest.raises(SettingsError, match="password"):
        reporting.check(wanted("127.0.0.1:1", mail={"user": "x", "password_file": tmp_path / "none"}))
