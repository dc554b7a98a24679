"""Which token may do what; and that tokens are kept, ended and never shown as they should be."""

import logging
from itertools import product

import pytest

from monitor.review.verdicts import DecisionError
from monitor.web import tokens
from monitor.web.api.table import ENDPOINTS
from monitor.web.permissions import ROLES, SCOPES
from monitor.web.rates import Rates
from monitor.web.site import HEADERS, Options
from tests.support.api import BASE, address, body, caller, token
from tests.support.review import CASE, form_token, office
from tests.web.test_security import EXPECTED, HOSTILE

SCOPED = {
    "me": "", "week": "read", "report": "report", "cases": "read", "case": "evidence",
    "violation": "evidence", "verdict": "decide", "confirm": "decide", "decline": "decide",
    "aware": "incident", "notified": "incident", "severity": "incident",
    "write_register": "incident", "register": "register", "notification": "register",
    "filters": "evidence", "running": "read", "entries": "ledger", "head": "ledger", "proof": "ledger",
}  # fmt: skip
ACTIONS = {
    "read": "overview", "evidence": "evidence", "decide": "decide", "incident": "incident",
    "register": "register", "ledger": "ledger", "report": "export",
}  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with office(tmp_path_factory.mktemp("office"), options=Options(api_a_minute=1_000_000)) as made:
        yield made


@pytest.fixture(scope="module")
def texts(here):
    """A token for every role and scope; those that the role may not have are in the store all the same."""
    made = {}
    for role, scope in product(ROLES, SCOPES):
        account = here.book.account(role)
        dpo = here.book.account("dpo")
        text, kept, record = tokens.made(dpo, "x", [scope], 1, by="test", now=here.desk.now())
        kept = tokens.replace(kept, account=account.name)
        here.book.keep_token(kept, record, here.desk.now())
        made[role, scope] = text
    return made


def test_the_scopes_are_those_written_down_here():
    assert SCOPES == ACTIONS
    assert {each.answer.__name__: each.scope for each in ENDPOINTS} == SCOPED


@pytest.mark.parametrize("each", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_each_token_reaches_what_role_and_scope_allow_and_nothing_else(here, texts, each):
    """Whoever may is told that the version is another one; nothing is decided."""
    client = here.client()
    for (role, scope), text in texts.items():
        headers = {"authorization": f"Bearer {text}"}
        answer = client.request(each.method, address(each), json=body(each, 99), headers=headers)
        wanted = SCOPED[each.answer.__name__]
        may = not wanted or (scope == wanted and ACTIONS[wanted] in EXPECTED[role])
        expected = ({200} if each.method == "GET" else {409}) if may else {403}
        assert answer.status_code in expected, (role, scope, answer.text)
        if not may:
            kind = answer.json()["type"].rpartition(":")[2]
            assert kind == ("scope" if ACTIONS[wanted] in EXPECTED[role] else "role")
    assert here.book.case(CASE).state == "new"


@pytest.mark.parametrize("each", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_nobody_else_reaches_anything(here, texts, each):
    good = texts["dpo", "read"]
    session = here.client("dpo")  # who is signed in on the pages is nobody here: no form can be forged
    tries = [{}, {"authorization": f"Basic {good}"}, {"authorization": good}, {"cookie": f"token={good}"}]
    tries += [
        {"authorization": f"Bearer {wrong}"} for wrong in ("", "x", good[:-1], good + "x", good.upper())
    ]
    for headers in tries:
        answer = session.request(each.method, address(each), json=body(each, 0), headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith('Bearer realm="privwatch"')
    asked = session.request(each.method, f"{address(each)}?access_token={good}", json=body(each, 0))
    assert asked.status_code == 401, "a token in an address would be in logs of proxies"


def test_a_token_ends_by_its_date_by_hand_and_with_its_account(tmp_path):
    with office(tmp_path) as here:
        one, other, third = (token(here, "viewer", "read", days=days) for days in (1, 2, 2))
        codes = lambda: [caller(here, t).get(f"{BASE}/me").status_code for t in (one, other, third)]  # noqa: E731
        assert codes() == [200, 200, 200]
        here.clock.micros += 86_400_000_000
        assert codes() == [401, 200, 200]
        admin = here.client("admin")
        name = other.split("_")[1]
        form = {"form": form_token(admin)}
        assert admin.post(f"/accounts/tokens/{name}/revoke", data=form).status_code == 303
        assert admin.post(f"/accounts/tokens/{name}/revoke", data=form).status_code == 400
        assert codes() == [401, 401, 200]
        entry, payload = here.book.history("viewer")[-1]
        assert (entry.kind, entry.who, payload.content["token"]) == ("token.revoked", "admin", name)
        locked = form | {"name": "viewer", "role": "viewer", "active": "no"}
        assert admin.post("/accounts", data=locked).status_code == 303
        assert codes() == [401, 401, 401]


def test_an_account_that_may_less_takes_its_tokens_along(tmp_path):
    with office(tmp_path) as here:
        client = caller(here, token(here, "second", "read", "evidence"))
        assert client.get(f"{BASE}/cases/{CASE}").status_code == 200
        admin = here.client("admin")
        kept = {"form": form_token(admin), "name": "second", "role": "viewer"}
        assert admin.post("/accounts", data=kept).status_code == 303
        assert client.get(f"{BASE}/cases/{CASE}").status_code == 403
        assert client.get(f"{BASE}/me").json()["allowed"] == ["read"]


def test_a_token_is_shown_once_and_kept_as_a_hash(tmp_path):
    with office(tmp_path) as here:
        admin = here.client("admin")
        form = {"form": form_token(admin), "name": "dpo", "label": "the wiki", "days": "30"}
        page = admin.post("/accounts/tokens", data=form | {"scope-read": "yes"})
        text = page.text.split("<code>pwt_")[1].split("</code>")[0]
        assert caller(here, f"pwt_{text}").get(f"{BASE}/me").status_code == 200
        secret = text.partition("_")[2]
        assert secret not in admin.get("/accounts").text
        raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert secret.encode() not in raw
        (kept,) = here.book.tokens()
        assert (len(kept.hash), kept.scopes, kept.label) == (64, ("read",), "the wiki")
        entry, payload = here.book.history("dpo")[-1]
        assert (entry.kind, entry.who, secret in payload.body) == ("token.made", "admin", False)
        wrong = [{"scope-read": ""}, {"days": "0"}, {"days": "400"}, {"days": "x"}, {"name": "nobody"}]
        wrong += [{"label": ""}, {"label": "a\nb"}, {"name": "viewer", "scope-decide": "yes"}]
        for changes in wrong:
            sent = form | {"scope-read": "yes"} | changes
            assert admin.post("/accounts/tokens", data=sent).status_code == 400, changes
        assert len(here.book.tokens()) == 1


def test_no_scope_administers_accounts():
    assert "accounts" not in SCOPES.values()


def test_who_may_not_have_a_scope_gets_no_token_of_it(here):
    for role, scope in product(ROLES, SCOPES):
        account = here.book.account(role)
        if ACTIONS[scope] in EXPECTED[role]:
            assert tokens.made(account, "x", [scope], 1, by="test", now=0)[1].scopes == (scope,)
        else:
            with pytest.raises(DecisionError):
                tokens.made(account, "x", [scope], 1, by="test", now=0)


def test_no_token_is_in_logs(here, texts, caplog):
    caplog.set_level(logging.DEBUG)
    good = texts["dpo", "read"]
    for text in (good, good[:-1] + "x"):
        client = caller(here, text)
        for each in ENDPOINTS:
            client.request(each.method, address(each), json=body(each, 99))
    client.get("/api/v1/nowhere")
    ours = [record.getMessage() for record in caplog.records]
    assert not [line for line in ours if good[:20] in line or good.split("_", 2)[2][:8] in line]


def test_a_call_that_fails_shows_nothing_of_what_it_held(here, texts, caplog, monkeypatch):
    def broken(*_):
        raise RuntimeError("a.name@nordwind-shop.de")

    monkeypatch.setattr(here.desk, "lines", broken)
    answer = caller(here, texts["dpo", "read"]).get(f"{BASE}/cases")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:privwatch:problem:failed")
    assert "nordwind" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_who_asks_too_often_waits_and_others_do_not(tmp_path):
    with office(tmp_path, options=Options(api_a_minute=10)) as here:
        one, other = (caller(here, token(here, "viewer", "read")) for _ in range(2))
        assert [one.get(f"{BASE}/me").status_code for _ in range(3)] == [200, 200, 429]
        said = one.get(f"{BASE}/me")
        assert (said.headers["retry-after"], said.json()["type"]) == ("6", "urn:privwatch:problem:rate")
        assert other.get(f"{BASE}/me").status_code == 200
        here.clock.sleep(6)
        assert [one.get(f"{BASE}/me").status_code for _ in range(2)] == [200, 429]
        strangers = [caller(here, f"pwt_{n}_x").get(f"{BASE}/me").status_code for n in range(3)]
        assert strangers == [401, 401, 429], "by their address, whatever they send"
        assert here.client().get(f"{BASE}/openapi.json").status_code == 429


def test_the_memory_of_who_asked_is_bounded(monkeypatch):
    monkeypatch.setattr("monitor.web.rates.KEPT", 3)
    rates = Rates(60, 1)
    assert [rates.take(str(n), 0.0) for n in range(9)] == [0.0] * 9
    assert len(rates._left) == 3
    assert rates.take("8", 0.25) == 0.75


def test_a_wrong_token_is_refused_by_the_same_steps_as_an_unknown_one(here, texts, monkeypatch):
    """Not timed: both read one row and compare one hash in constant time."""
    compared = []
    real = tokens.hmac.compare_digest
    monkeypatch.setattr(
        tokens.hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or real(a, b)
    )
    good = texts["dpo", "read"]
    for wrong in (good[:-1] + "x", "pwt_ffffffffffff_x", "x", ""):
        assert tokens.whose(here.book, wrong, here.desk.now()) is None
    assert compared == [(64, 64)] * 4


def test_other_sites_get_nothing(here, texts):
    client = caller(here, texts["dpo", "read"])
    answer = client.get(f"{BASE}/cases", headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    asked = {"origin": "http://evil.example", "access-control-request-method": "GET"}
    assert client.options(f"{BASE}/cases", headers=asked).status_code == 405


@pytest.mark.parametrize("name", ["q", "state", "level", "rule", "week", "sort", "limit", "cursor", HOSTILE])
def test_what_an_address_holds_is_json_alone(here, texts, name):
    answer = caller(here, texts["dpo", "read"]).get(f"{BASE}/cases", params={name: HOSTILE})
    assert answer.headers["content-type"] in {"application/json", "application/problem+json"}
    assert answer.text.isascii()
    assert "\x1b" not in answer.text
