"""What the pages do: a week, a queue, a case from verdict to notification, all of it in the ledger."""

import json
import re
from contextlib import closing

import pytest

from monitor.errors import SettingsError
from monitor.review import incident, verdicts
from monitor.store import open_store
from monitor.web.serve import Place, check_place
from tests.support.review import CASE, DAY, NOW, SIGNER, form_token, found, office, turn


@pytest.fixture
def here(tmp_path):
    with office(tmp_path) as made:
        yield made


def send(here, client, what: str, key: str = CASE, **data: str):
    fields = {"form": form_token(client), "version": here.version(key)} | data
    return client.post(f"/cases/{key}/{what}", data=fields)


def kinds(here, key: str = CASE) -> list[str]:
    return [entry.kind for entry, _ in here.book.history(key)]


def test_the_week_says_what_was_found_and_what_was_not_looked_at(here):
    client = here.client("viewer")
    assert client.get("/").headers["location"] == "/weeks/2026-W47"
    page = client.get("/weeks/2026-W47").text
    assert "16 Nov to 22 Nov 2026" in page
    assert all(f">2026-W{number}</text>" in page for number in range(40, 48)), "every column has its week"
    assert "E-mail in a URL" in page
    assert "No source was read yet" in page
    assert "Nothing was found in this week" in client.get("/weeks/2026-W40").text
    assert client.get("/weeks/2026-40").status_code == 400


def test_the_queue_is_filtered_searched_and_paged(here):
    here.book  # noqa: B018 - the fixture's
    client = here.client("viewer")

    def shown(**asked):
        page = client.get("/cases", params=asked).text
        return "E-mail in a URL</a>" in page, "Card number in clear</a>" in page

    assert shown() == (True, True)
    assert shown(level="critical") == (False, True)
    assert shown(q="e-MAIL") == (True, False)
    assert shown(q="/st") == (True, True)
    assert shown(q="aa") == (True, False)
    assert shown(q="nothing like it") == (False, False)
    assert shown(rule="card", state="all") == (False, True)
    assert shown(week="2026-W46") == (False, False)
    assert shown(state="verified") == (False, False)


def test_many_cases_come_in_pages(tmp_path):
    with office(tmp_path, *(found(f"{n:032x}") for n in range(60))) as here:
        client = here.client("viewer")
        pages = [client.get("/cases", params={"page": n}).text for n in (1, 2, 3)]
        assert [page.count('class="case"') for page in pages] == [25, 25, 10]
        assert "Page 3 of 3" in pages[2]
        assert client.get("/cases", params={"page": "99999999999"}).status_code == 200


def test_an_alert_leads_to_the_case(here, tmp_path):
    client = here.client("reviewer")
    later = found("ee" * 16, day=22)
    with closing(open_store(tmp_path / "store.db")) as store:
        store.write(turn(later))
    (newest, *_) = here.book.occurrences(here.book.case(CASE), 10)
    answer = client.get(f"/violations/{newest.fingerprint}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{CASE}")
    # Found after the last look of the pages: whoever follows an alert does not wait for the next one.
    assert here.book.case("ee" * 16) is None
    assert client.get(f"/violations/{later.fingerprint}").headers["location"] == f"/cases/{'ee' * 16}"
    gone = client.get(f"/violations/{'0' * 32}")
    assert (gone.status_code, "no violation of this name" in gone.text) == (404, True)
    assert here.client("viewer").get(f"/violations/{newest.fingerprint}").status_code == 403


def test_a_false_positive_takes_two_people(here):
    first, second = here.client("reviewer"), here.client("second")
    assert send(here, first, "verdict", state="false_positive", reason="our own test").status_code == 303
    page = first.get(f"/cases/{CASE}").text
    assert "Waits for a second person" in page
    assert "It is yours" in page
    assert send(here, first, "confirm").status_code == 400
    assert send(here, second, "confirm").status_code == 303
    assert here.book.case(CASE).state == "false_positive"
    assert "which reviewer had proposed" in first.get(f"/cases/{CASE}").text
    assert "case.proposed" in kinds(here)
    assert list(here.book.verify(SIGNER.public)) == []


def test_whoever_decides_on_what_they_did_not_see_is_told(here):
    client = here.client("reviewer")
    old = here.version()
    assert send(here, client, "verdict", state="in_review", reason="a look").status_code == 303
    late = send(here, client, "verdict", state="confirmed", reason="late", version=old)
    assert (late.status_code, "look at it again" in late.text) == (409, True)


def test_from_breach_candidate_to_notification(here):
    client = here.client("dpo")
    send(here, client, "verdict", state="breach_candidate", reason="cards went to a vendor")
    assert "No case was called" not in client.get("/register").text
    assert send(here, client, "notified", at="2026-11-24T08:00", reference="x").status_code == 400
    aware = send(here, client, "aware", at="2026-11-22T09:00", reason="call from the vendor")
    assert aware.status_code == 303
    assert "1 d 0 h" in client.get("/weeks/2026-W47").text
    assert (
        send(here, client, "severity", factor="ei", value="1.0", reason="names stand beside").status_code
        == 303
    )
    assert send(here, client, "severity", factor="ei", value="nonsense", reason="x").status_code == 400
    texts = {"nature": "Cards in clear in a vendor's log", "measures": "Deleted; field masked"}
    assert send(here, client, "register", **texts).status_code == 303
    draft = client.get(f"/cases/{CASE}/notification.json").json()
    assert draft["timeline"]["became_aware"] == "2026-11-22T09:00:00Z"
    assert draft["measures"] == "Deleted; field masked"
    assert draft["consequences"]["score"] == 1.25
    assert "Deleted; field masked" in client.get(f"/cases/{CASE}/notification").text
    assert (
        send(here, client, "notified", at="2026-11-24T08:00", reference="LDA 4711, first").status_code == 303
    )
    assert "notified in time" in client.get(f"/cases/{CASE}").text
    assert here.book.due() == ()
    assert list(here.book.verify(SIGNER.public)) == []


def test_every_look_at_evidence_is_in_the_ledger(here):
    here.client("auditor").get(f"/cases/{CASE}")
    entry, payload = here.book.history(CASE)[-1]
    assert (entry.kind, entry.who, json.loads(payload.body)) == (
        "evidence.shown",
        "auditor",
        {"page": "case"},
    )
    assert "evidence.shown" in here.client("auditor").get("/ledger").text
    assert here.client("dpo").get("/cases/nothing").status_code == 404


def test_what_was_verified_and_happens_again_is_open_again(here, tmp_path):
    client = here.client("dpo")
    for state in ("confirmed", "remediated", "verified"):
        assert send(here, client, "verdict", state=state, reason="done").status_code == 303
    assert "E-mail in a URL</a>" not in client.get("/cases").text
    here.clock.sleep(3 * 86_400)
    store = open_store(tmp_path / "store.db")
    store.write(turn(found(CASE, day=26)))
    store.close()
    assert here.desk.catch_up() == 1
    assert here.book.case(CASE).state == "new"
    assert (
        "opened the case again" in client.get(f"/cases/{CASE}").text
        or client.get("/cases").status_code == 303
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "review.example.org"])
def test_nothing_is_served_in_clear_to_other_machines_unless_told(host):
    with pytest.raises(SettingsError, match="--insecure"):
        check_place(Place(host))
    check_place(Place(host, insecure=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_is_served_in_clear(host, tmp_path):
    check_place(Place(host))
    with pytest.raises(SettingsError, match="--cert-key"):
        check_place(Place(host, cert=tmp_path / "x"))
    with pytest.raises(SettingsError, match="no such file"):
        check_place(Place(host, cert=tmp_path / "x", key=tmp_path / "y"))


def test_an_incident_stays_in_the_register_whatever_is_decided_later(tmp_path):
    """Told to the authority, then looked at again: the record of Art. 33(5) is not to lose it."""
    hour = 3_600_000_000
    with office(tmp_path) as here:
        for change in (
            lambda case: incident.aware(case, "dpo", NOW - hour, "a call", NOW),
            lambda case: incident.notified(case, "dpo", NOW, "AZ 1", NOW),
            lambda case: verdicts.decide(case, verdicts.Decision("in_review", "dpo", "again"), NOW),
        ):
            here.desk.change(change(here.book.case(CASE)))
        assert [one.case.key for one in here.desk.register()] == [CASE]
        assert CASE[:12] in here.client("dpo").get("/register").text


def far(year: int) -> int:
    """The middle of a year, microseconds UTC, roughly."""
    return round((year - 1970 + 0.5) * 365.2425 * DAY)


def test_events_of_any_year_that_a_log_claims_can_be_looked_at(tmp_path):
    years = {f"{n:032x}": year for n, year in enumerate((1, 1969, 9999, 30_000, -5000))}
    claimed = [found(key, first=far(year), last=far(year)) for key, year in years.items()]
    with office(tmp_path, *claimed) as here:
        client = here.client("dpo")
        for path in ("/weeks/2026-W47", "/cases", *(f"/cases/{key}" for key in years)):
            assert client.get(path).status_code == 200, path


@pytest.mark.parametrize(
    "path",
    ["/weeks/0001-W01", "/weeks/9999-W52", "/weeks/2026-W99", "/weeks/٢٠٢٦-W47", "/cases?week=9999-W52"],
)
def test_a_week_that_cannot_be_shown_is_told_in_words(here, path):
    answer = here.client("dpo").get(path)
    assert answer.status_code == 400
    assert "write it as 2026-W47" in answer.text


def test_numbers_of_any_length_are_pages_or_nonsense(here):
    client = here.client("dpo")
    for path in ("/cases?page=", "/ledger?before="):
        assert client.get(path + "9" * 5000).status_code == 200


def test_times_at_the_ends_of_the_calendar_are_taken_or_refused_in_words(tmp_path):
    with office(tmp_path) as here:
        client = here.client("dpo")
        base = {"form": form_token(client), "version": here.version(), "reason": "x"}
        early = client.post(f"/cases/{CASE}/aware", data=base | {"at": "0001-01-01T00:00+14:00"})
        assert (early.status_code, "before 1970" in early.text) == (400, True)
        terms = {"state": "accepted_risk", "owner": "ada", "until": "9999-12-31"}
        assert client.post(f"/cases/{CASE}/verdict", data=base | terms).status_code == 303
        assert client.get(f"/cases/{CASE}").status_code == 200


def test_the_page_of_retention_says_what_is_kept_and_what_goes_next(here):
    here.clock.micros += 359 * DAY
    page = here.client("auditor").get("/retention").text
    assert "retention.daily</code> is off" in page
    row = re.search(r"still to decide on</th>(.*?)</tr>", page, re.DOTALL)[1]
    # Two of the three violations are of 20 November, one of the 21st; 365 days are kept.
    assert re.findall(r">([^<>]+)</td>", row) == ["365", "2026-11-18", "0", "3", "0"]
    assert here.client("reviewer").get("/retention").status_code == 403


def test_a_case_is_put_on_hold_and_let_go_with_a_reason(here):
    client = here.client("dpo")
    assert send(here, client, "hold", reason=" ").status_code == 400
    assert send(here, client, "hold", reason="a court asked").status_code == 303
    page = client.get(f"/cases/{CASE}").text
    assert "put the case on hold" in page
    assert "End the hold" in page
    here.clock.micros += 500 * DAY
    client = here.client("dpo")
    held = client.get("/retention").text
    assert re.search(r"still to decide on</th>.*?>1</td>.*?>1</td>.*?>2</td></tr>", held, re.DOTALL)
    assert send(here, client, "release", reason="the court is done").status_code == 303
    assert kinds(here)[-2:] == ["evidence.shown", "case.released"]
    assert list(here.book.verify(SIGNER.public)) == []
