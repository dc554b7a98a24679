"""What programs are told and may decide: the same as on the pages, and all of it in the ledger."""

import json

import pytest

from monitor.ledger.check import Chain
from monitor.ledger.entries import Entry, Head, Payload
from monitor.ledger.exports import problem
from monitor.ledger.signing import signed
from monitor.web.reports import FORMATS
from tests.support.api import BASE, caller, named, token
from tests.support.api import body as body_of
from tests.support.review import CASE, SIGNER, found, office


@pytest.fixture
def here(tmp_path):
    with office(tmp_path) as made:
        yield made


@pytest.fixture
def dpo(here):
    return caller(here, token(here, "dpo"))


def post(here, client, what: str, key: str = CASE, **changes):
    sent = body_of(named(what), here.book.case(key).version) | changes
    return client.post(f"{BASE}/cases/{key}/{what}", json=sent)


def test_the_week_is_that_of_the_page(dpo):
    seen = dpo.get(f"{BASE}/weeks/2026-W47").json()
    assert dpo.get(f"{BASE}/weeks/latest").json() == seen
    assert (seen["first_day"], seen["violations"], len(seen["weeks"])) == ("2026-11-16", 3, 8)
    assert {one["rule"]["title"] for one in seen["rules"]} == {"E-mail in a URL", "Card number in clear"}
    assert seen["by_day"]["2026-11-20"] == {
        "critical": 1, "high": 1, "medium": 0, "low": 0, "informational": 0,
    }  # fmt: skip
    assert seen["cases_by_state"] == {"new": 2}
    assert dpo.get(f"{BASE}/weeks/2026-W60").status_code == 404


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({}, ["b", "a"]),
        ({"level": "critical"}, ["b"]),
        ({"q": "e-MAIL"}, ["a"]),
        ({"q": "/st"}, ["b", "a"]),
        ({"rule": "card", "state": "all"}, ["b"]),
        ({"week": "2026-W46"}, []),
        ({"state": "verified"}, []),
        ({"sort": "newest"}, ["a", "b"]),
    ],
    ids=str,
)
def test_the_queue_is_filtered_and_searched(dpo, asked, keys):
    queue = dpo.get(f"{BASE}/cases", params=asked).json()
    assert [one["key"][0] for one in queue["cases"]] == keys
    assert (queue["total"], queue["next"]) == (len(keys), None)


@pytest.mark.parametrize("sort", ["worst", "newest"])
def test_cursors_lead_through_all_cases_once_while_others_come_in(tmp_path, sort):
    several = [found(f"{n:032x}", ("mail", "card")[n % 2], 15 + n % 4) for n in range(23)]
    with office(tmp_path, *several) as here:
        client = caller(here, token(here, "viewer", "read"))
        keys, cursor = [], None
        while True:
            asked = {"limit": 4, "sort": sort} | ({"cursor": cursor} if cursor else {})
            queue = client.get(f"{BASE}/cases", params=asked).json()
            keys += [one["key"] for one in queue["cases"]]
            cursor = queue["next"]
            if cursor is None:
                break
        whole = client.get(f"{BASE}/cases", params={"limit": 100, "sort": sort}).json()
        assert keys == [one["key"] for one in whole["cases"]]
        assert len(set(keys)) == 23
        for wrong in ("x", "WzFd", "e30=", "WyJoaWdoIiwxLDJd"):
            assert client.get(f"{BASE}/cases", params={"cursor": wrong}).status_code == 422


def test_a_case_has_masked_evidence_and_the_look_is_in_the_ledger(here, dpo):
    case = dpo.get(f"{BASE}/cases/{CASE}").json()
    assert case["rule"]["articles"] == "5(1)(c), 32"
    assert [one["evidence"]["extract"] for one in case["newest_violations"]] == ["a***@nordwind-shop.de"] * 2
    assert (case["severity"]["score"], case["clock"], case["verdict"]) == (1.0, None, None)
    assert "in_review" in case["may_become"]
    entry, payload = here.book.history(CASE)[-1]
    assert (entry.kind, entry.who) == ("evidence.shown", "dpo")
    assert payload.content == {"page": "api case", "token": here.book.tokens()[0].id}
    belongs = dpo.get(f"{BASE}/violations/{found(CASE).fingerprint}").json()
    assert belongs == {"case": CASE}
    for missing in (f"cases/{'0' * 32}", f"violations/{'0' * 32}", "cases/x", "nowhere"):
        answer = dpo.get(f"{BASE}/{missing}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_two_programs_of_one_account_are_one_person(here, dpo):
    answer = post(here, dpo, "verdict", state="false_positive", reason="An address of ours.")
    assert (answer.status_code, answer.json()["waiting"]) == (200, True)
    own = post(here, caller(here, token(here, "dpo")), "confirm")
    assert (own.status_code, "another person" in own.json()["detail"]) == (422, True)
    text = token(here, "second", "decide")
    other = post(here, caller(here, text), "confirm").json()
    assert (other["state"], other["waiting"]) == ("false_positive", False)
    entry, payload = here.book.history(CASE)[-1]
    assert (entry.kind, entry.who, payload.content["token"]) == (
        "case.verdict", "second", text.split("_")[1],
    )  # fmt: skip
    assert dpo.get(f"{BASE}/cases/{CASE}").json()["verdict"]["confirmed_by"] == "second"


def test_who_decides_on_what_others_changed_is_told_so(here, dpo):
    version = here.book.case(CASE).version
    assert post(here, dpo, "verdict").status_code == 200
    stale = post(here, dpo, "verdict", version=version, state="confirmed")
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:privwatch:problem:outpaced")
    assert post(here, dpo, "verdict", state="verified").status_code == 422
    assert post(here, dpo, "verdict", state="duplicate", other="0" * 32).status_code == 422
    assert post(here, dpo, "decline").status_code == 422


def test_an_incident_runs_from_awareness_to_the_notification(here, dpo):
    assert post(here, dpo, "verdict", state="breach_candidate").status_code == 200
    assert post(here, dpo, "notified").status_code == 422
    assert post(here, dpo, "aware", at="2026-11-30T00:00:00Z").status_code == 422
    assert post(here, dpo, "aware").json()["due"] == "2026-11-26T10:00:00Z"
    (clock,) = dpo.get(f"{BASE}/clocks").json()["clocks"]
    assert (clock["case"], clock["state"], clock["left_seconds"]) == (CASE, "running", 49 * 3600)
    assert post(here, dpo, "severity").status_code == 200
    assert post(here, dpo, "register").status_code == 200
    (incident,) = dpo.get(f"{BASE}/register").json()["incidents"]
    assert incident["texts"] == {"cause": "A developer's debug line."}
    assert incident["severity"]["factors"]["dpc"] == {
        "value": 3.0, "source": "dpo", "reason": "There are card numbers as well.",
    }  # fmt: skip
    draft = dpo.get(f"{BASE}/cases/{CASE}/notification").json()
    assert draft["timeline"]["became_aware"] == "2026-11-23T10:00:00Z"
    assert here.book.history(CASE)[-1][1].content["page"] == "api notification"
    assert post(here, dpo, "notified").status_code == 200
    assert dpo.get(f"{BASE}/clocks").json() == {"clocks": []}


def test_whoever_has_the_ledger_can_prove_it_without_us(here, dpo):
    for _ in range(3):
        dpo.get(f"{BASE}/cases/{CASE}")
    head = dpo.get(f"{BASE}/ledger/head").json()
    said, before = [], None
    while True:
        page = dpo.get(f"{BASE}/ledger", params={"limit": 3} | ({"before": before} if before else {})).json()
        said += page["entries"]
        before = page["next"]
        if before is None:
            break
    assert head["public_key"] == SIGNER.public
    assert faults(said[::-1], head) == []
    said[2]["who"] = "somebody"
    assert faults(said[::-1], head)


def test_long_payloads_come_one_by_one(here, dpo, monkeypatch):
    monkeypatch.setattr("monitor.store.ledger.MOST_TOLD", 1)
    page = dpo.get(f"{BASE}/ledger").json()
    assert (len(page["entries"]), page["next"]) == (1, page["entries"][0]["seq"])
    assert dpo.get(f"{BASE}/ledger", params={"before": 2}).json()["next"] is None


def faults(said, head):
    chain = Chain(head["origin"], lambda text, signature: signed(head["public_key"], text, signature))
    found = []
    for one in said:
        rest = {name: value for name, value in one.items() if name not in {"salt", "body"}}
        found += chain.follow(Entry(**rest), Payload(one["salt"], one["body"]))
    return [*found, *chain.end(Head(head["origin"], head["size"], head["hash"]))]


def test_the_proof_names_what_is_not_as_it_was_written(here, dpo):
    assert dpo.get(f"{BASE}/ledger/proof").json()["holds"] is True
    with here.book._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE violation SET events = 9 WHERE rule = 'card'")
    proof = dpo.get(f"{BASE}/ledger/proof").json()
    assert (proof["holds"], len(proof["faults"])) == (False, 1)
    assert "changed" in proof["faults"][0]["what"]


def test_reports_come_in_all_formats_with_their_signature(here, dpo):
    for form, (kind, _) in FORMATS.items():
        answer = dpo.get(f"{BASE}/weeks/2026-W47/report.{form}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        signature = dpo.get(f"{BASE}/weeks/2026-W47/report.{form}.sig")
        name = f"privwatch-2026-W47.{form}"
        assert name in answer.headers["content-disposition"]
        if form != "pdf":  # of which two are the same only within a second
            assert problem(name, answer.content, signature.content, SIGNER.public) == ""
    noted = [payload.content for entry, payload in here.book.history("2026-W47") if entry.kind == "export"]
    assert len(noted) == 2 * len(FORMATS)
    assert {one["token"] for one in noted} == {here.book.tokens()[0].id}
    assert dpo.get(f"{BASE}/weeks/2026-W47/report.doc").status_code == 404


def test_what_cannot_be_taken_is_said_and_not_repeated(here, dpo):
    path = f"{BASE}/cases/{CASE}/verdict"
    wrong = {"version": 0, "state": "in_review", "reason": "a.name@nordwind-shop.de" * 200}
    said = dpo.post(path, json=wrong)
    assert (said.status_code, "nordwind" in said.text) == (422, False)
    assert said.json()["errors"] == ["reason: String should have at most 2000 characters"]
    assert dpo.post(path, json={"version": "0"} | wrong | {"reason": "x", "more": 1}).status_code == 422
    assert dpo.post(path, content=b"{", headers={"content-type": "application/json"}).status_code == 422
    assert dpo.post(path, data={"version": "0"}).status_code == 415
    assert dpo.post(path, content=b"x" * 70_000).status_code == 413
    assert dpo.get(f"{BASE}/cases", params={"nonsense": "1"}).status_code == 422
    assert dpo.get(f"{BASE}/cases?q=a&q=b").status_code == 422
    assert dpo.get(f"{BASE}/cases", params={"limit": "1_0"}).status_code == 422
    assert here.book.case(CASE).version == 0


def test_who_asks_is_told_who_they_are(here):
    me = caller(here, token(here, "auditor", "read", "ledger", days=90)).get(f"{BASE}/me").json()
    assert (me["account"], me["role"], me["scopes"]) == ("auditor", "auditor", ["read", "ledger"])
    assert me["expires"] == "2027-02-22T09:00:00Z"


def test_the_description_is_there_for_everybody_and_names_every_endpoint(here):
    answer = here.client().get(f"{BASE}/openapi.json")
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    assert document["paths"]["/cases/{key}"]["get"]["security"] == [{"token": ["evidence"]}]
    assert json.dumps(document) == answer.text
