"""Who may do what, and what others may not make a browser do."""

import re
from dataclasses import replace
from itertools import product

import pytest

from monitor.model import Evidence, Position
from monitor.web import passwords
from monitor.web.permissions import ACTIONS, ROLES, may
from monitor.web.sessions import COOKIE, IDLE_MINUTES, LONGEST_HOURS
from monitor.web.site import HEADERS, ROUTES, Options
from monitor.web.throttle import FREE, Throttle
from tests.support.review import CASE, PASSWORD, form_token, found, office

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}\u202e\x1b[31m"
FORM = {"GET": None, "POST": {"reason": "x"}}
EXPECTED = {
    "viewer": {"overview"},
    "reviewer": {"overview", "evidence", "decide"},
    "dpo": {"overview", "evidence", "decide", "incident", "register", "ledger", "export"},
    "auditor": {"overview", "evidence", "register", "ledger", "export"},
    "admin": {"overview", "ledger", "accounts"},
}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with office(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture(scope="module")
def visitors(here):
    return {role: here.client(role) for role in ROLES}


def address(path: str) -> str:
    given = {
        "{key}": CASE,
        "{week}": "2026-W47",
        "{file}": "privwatch-2026-W47.csv",
        "{id}": "0" * 12,
        "{proposal}": "0" * 16 + ".yml",
        "{fingerprint}": found(CASE).fingerprint,
    }
    for name, value in given.items():
        path = path.replace(name, value)
    return path


def test_the_matrix_is_the_one_written_down_here():
    assert {role: set(actions) for role, actions in ROLES.items()} == EXPECTED
    assert not may("nobody", "overview")
    assert {action for _, _, action, _ in ROUTES} == set(ACTIONS)


@pytest.mark.parametrize(("role", "route"), list(product(ROLES, ROUTES)), ids=lambda one: str(one)[:40])
def test_each_role_reaches_what_it_may_and_nothing_else(visitors, role, route):
    """Forms are sent without their token: who may send them is told so, who may not is told that."""
    method, path, action, _ = route
    client = visitors[role]
    answer = client.request(method, address(path), data={"reason": "x"} if method == "POST" else None)
    if action not in EXPECTED[role]:
        assert answer.status_code == 403
        assert "Your role may not do that" in answer.text
    elif method == "POST":
        assert answer.status_code == 403
        assert "out of date" in answer.text
    elif "{proposal}" in path:
        assert (answer.status_code, "is proposed now" in answer.text) == (404, True)
    else:
        assert answer.status_code in {200, 303}


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: str(one)[:40])
def test_who_is_not_signed_in_reaches_nothing(here, route):
    answer = here.client().request(route[0], address(route[1]), data=FORM[route[0]])
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    forged = here.client()
    forged.cookies.set(COOKIE, "made-up")
    assert forged.request(route[0], address(route[1]), data=FORM[route[0]]).status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/", "/static/style.css", "/nowhere", "/cases/" + CASE])
def test_every_answer_carries_the_headers(visitors, path):
    headers = visitors["dpo"].get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in headers["content-security-policy"]


def test_pages_need_no_inline_script_or_style(visitors):
    for path in ("/", "/weeks/2026-W47", "/cases", f"/cases/{CASE}", "/register", "/ledger", "/retention"):
        page = visitors["dpo"].get(path, follow_redirects=True).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/static/)|javascript:", page), path


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:1"},
    ],
)
def test_another_sites_form_is_not_taken_even_with_the_token(here, headers):
    client = here.client("dpo")
    data = {"form": form_token(client), "version": here.version(), "state": "in_review", "reason": "x"}
    assert client.post(f"/cases/{CASE}/verdict", data=data, headers=headers).status_code == 403
    assert client.post("/sign-in", data={"name": "a", "password": "b"}, headers=headers).status_code == 400
    assert client.post("/sign-out", headers=headers).status_code == 400
    assert here.book.case(CASE).state == "new"


def test_the_token_of_another_session_is_not_taken(here):
    mine, other = here.client("dpo"), here.client("dpo")
    data = {"form": form_token(other), "version": here.version(), "state": "in_review", "reason": "x"}
    assert mine.post(f"/cases/{CASE}/verdict", data=data).status_code == 403


def test_signing_in_begins_a_session_nobody_knew_before(here):
    client = here.client()
    client.cookies.set(COOKIE, "fixed-by-somebody")
    answer = client.post("/sign-in", data={"name": "dpo", "password": PASSWORD})
    fresh = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])[1]
    assert len(fresh) > 40
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert here.site.sessions.of("fixed-by-somebody", here.desk.now()) is None


def test_over_tls_the_cookie_is_for_tls_alone(here):
    site = replace(here.site, options=Options(secure=True))
    answer = replace(here, site=site).client().post("/sign-in", data={"name": "dpo", "password": PASSWORD})
    assert "Secure" in answer.headers["set-cookie"]


def test_sessions_end_by_themselves_and_by_leaving(tmp_path):
    minute = 60_000_000
    with office(tmp_path) as here:
        client = here.client("viewer")
        for _ in range(3):
            here.clock.micros += (IDLE_MINUTES - 1) * minute
            assert client.get("/cases").status_code == 200
        here.clock.micros += (IDLE_MINUTES + 1) * minute
        assert client.get("/cases").status_code == 303
        client = here.client("viewer")
        seen = []
        for _ in range(LONGEST_HOURS * 3 + 1):
            here.clock.micros += 20 * minute
            seen.append(client.get("/cases").status_code)
        assert seen == [200] * LONGEST_HOURS * 3 + [303]
        client = here.client("viewer")
        token = client.cookies[COOKIE]
        assert here.site.sessions.of(token, here.desk.now())
        assert client.post("/sign-out").status_code == 303
        assert here.site.sessions.of(token, here.desk.now()) is None


def test_a_changed_account_has_to_sign_in_again(here):
    client, admin = here.client("second"), here.client("admin")
    kept = {"form": form_token(admin), "name": "second", "role": "viewer"}
    assert admin.post("/accounts", data=kept).status_code == 303
    assert client.get("/cases").status_code == 303


def test_guessing_is_slowed_down_and_tells_nothing(tmp_path):
    with office(tmp_path) as here:
        client = here.client()
        wrong = [
            client.post("/sign-in", data={"name": name, "password": "wrong-password"})
            for name in ("dpo", "nobody")
        ]
        pages = {re.sub(r"\s+", " ", one.text) for one in wrong}
        assert [one.status_code for one in wrong] == [403, 403]
        assert len(pages) == 1
        for _ in range(FREE):
            client.post("/sign-in", data={"name": "dpo", "password": "wrong-password"})
        locked = client.post("/sign-in", data={"name": "dpo", "password": PASSWORD})
        assert (locked.status_code, "Too many tries" in locked.text) == (429, True)
        here.clock.sleep(31)
        assert client.post("/sign-in", data={"name": "dpo", "password": PASSWORD}).status_code == 303


def test_no_account_takes_as_long_as_a_wrong_password(here, monkeypatch):
    """Not timed: both check one hash."""
    checked = []
    real = passwords._HASHER

    class Counting:
        def verify(self, *arguments):
            checked.append(arguments[0][:9])
            return real.verify(*arguments)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    for name in ("dpo", "nobody"):
        assert here.site.sessions.sign_in(name, "wrong-password") is None
    assert checked == ["$argon2id"] * 2


@pytest.mark.parametrize(
    "path", ["/static/../site.py", "/static/..%2fsite.py", "/static/%2e%2e/site.py", "/static//etc/passwd"]
)
def test_nothing_is_read_from_outside_the_folder(visitors, path):
    answer = visitors["dpo"].get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_forms_that_are_too_large_or_none_are_refused(here):
    client = here.client("dpo")
    path = f"/cases/{CASE}/verdict"
    assert client.post(path, content=b"a=" + b"x" * 70_000).status_code == 400
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(path, content=b"a=" + b"x" * 70_000, headers=kind).status_code == 400
    assert client.post(path, content=b"&".join([b"a=1"] * 50), headers=kind).status_code == 400
    assert client.post(path, json={"state": "in_review"}).status_code == 400


def hostile_office(folder):
    key = "cc" * 16
    bad = found(
        key,
        actor=HOSTILE,
        resource=HOSTILE,
        path=HOSTILE,
        samples=(Position(HOSTILE, 1),),
        evidence=Evidence(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
    )
    return office(folder, bad, replace(found("dd" * 16), rule=HOSTILE))


def test_what_logs_hold_never_becomes_markup(tmp_path):
    with hostile_office(tmp_path) as here:
        client = here.client("dpo")
        data = {"form": form_token(client), "version": "0", "state": "breach_candidate", "reason": HOSTILE}
        assert client.post(f"/cases/{'cc' * 16}/verdict", data=data).status_code == 303
        texts = {"form": form_token(client), "version": "1", "nature": HOSTILE, "cause": HOSTILE}
        assert client.post(f"/cases/{'cc' * 16}/register", data=texts).status_code == 303
        paths = ["/weeks/2026-W47", "/cases", "/register", "/ledger", f"/cases/{'dd' * 16}"]
        paths += [f"/cases/{'cc' * 16}", f"/cases/{'cc' * 16}/notification"]
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "<script>alert" not in answer.text, path
            assert "<img" not in answer.text, path
            assert not {"\u202e", "\x1b"} & set(answer.text), path
        assert "&lt;script&gt;alert" in client.get(f"/cases/{'cc' * 16}").text
        draft = client.get(f"/cases/{'cc' * 16}/notification.json")
        assert draft.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", ["q", "state", "level", "rule", "week", "sort", "page"])
def test_what_an_address_holds_never_becomes_markup(visitors, name):
    answer = visitors["dpo"].get("/cases", params={name: HOSTILE})
    assert answer.status_code in {200, 400}
    assert "<script>alert" not in answer.text


def test_a_page_that_fails_shows_nothing_of_what_it_held(here, caplog, monkeypatch):
    def broken(*_):
        raise RuntimeError("a.name@nordwind-shop.de")

    client = here.client("dpo")
    monkeypatch.setattr(here.desk, "lines", broken)
    answer = client.get("/cases")
    assert (answer.status_code, "nordwind" in answer.text + caplog.text) == (500, False)
    assert "RuntimeError" in caplog.text


def test_a_proxy_is_believed_from_its_own_address_alone(tmp_path):
    options = Options(user_header="x-forwarded-user", proxies=("10.0.0.1",))
    with office(tmp_path, options=options) as here:
        proxy = here.client(client=("10.0.0.1", 1))
        assert proxy.get("/cases", headers={"x-forwarded-user": "dpo"}).status_code == 200
        assert proxy.get("/cases", headers={"x-forwarded-user": "unknown"}).status_code == 303
        assert proxy.get("/cases").status_code == 303
        twice = [("x-forwarded-user", "dpo"), ("x-forwarded-user", "viewer")]
        assert proxy.get("/cases", headers=twice).status_code == 303, "one of them came from the browser"
        assert here.client().get("/cases", headers={"x-forwarded-user": "dpo"}).status_code == 303
        assert proxy.post("/sign-in", data={"name": "dpo", "password": PASSWORD}).status_code == 403


def test_an_account_is_changed_by_whoever_may_and_written_down(here):
    client = here.client("admin")
    kept = {"form": form_token(client), "name": "new", "role": "viewer", "password": "another-long-one"}
    assert client.post("/accounts", data=kept).status_code == 303
    for wrong in ({"password": "short"}, {"role": "root"}, {"name": "a b"}, {"password": "admin-admin-new"}):
        assert client.post("/accounts", data=kept | wrong).status_code == 400
    own = {"form": form_token(client), "name": "admin", "role": "dpo"}
    assert client.post("/accounts", data=own).status_code == 400
    entry, payload = here.book.history("new")[-1]
    assert (entry.kind, entry.who) == ("account.kept", "admin")
    assert "another-long-one" not in payload.body
    assert client.post("/accounts", data=kept | {"password": "", "active": "no"}).status_code == 303
    assert not here.book.account("new").active


def test_tries_that_come_at_once_are_not_taken_together():
    """As many threads as the site has, all before the first of them is answered."""
    throttle = Throttle()
    waits = [throttle.begin("dora", f"192.0.2.{n}", 0.0) for n in range(40)]
    assert [wait == 0 for wait in waits] == [True] * FREE + [False] * (40 - FREE)
    waits = [throttle.begin(f"name{n}", "198.51.100.1", 0.0) for n in range(40)]
    assert sum(wait == 0 for wait in waits) == FREE


def test_who_signs_in_rightly_never_has_to_wait():
    throttle = Throttle()
    for n in range(3 * FREE):
        assert throttle.begin(f"name{n}", "192.0.2.1", 0.0) == 0
        throttle.succeeded(f"name{n}", "192.0.2.1")
