"""Sign-in through a provider of OpenID Connect, against a real one over HTTP."""

import http.client
import logging
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from monitor.sign_in_settings import OidcSettings
from monitor.web import passwords
from monitor.web.federated import PENDING
from monitor.web.oidc import CALLBACK, Provider
from monitor.web.sessions import COOKIE
from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.support.review import PASSWORD, form_token, office

ROLES = {"role_claim": "groups", "roles": {"dpo": ("privacy",), "viewer": ("staff", "guests")}}


@pytest.fixture
def provider():
    with OidcProvider().running() as made:
        yield made


@pytest.fixture
def here(tmp_path, provider):
    with office(tmp_path) as made:
        provider.now = lambda: made.clock.micros // 1_000_000
        yield set_up(made, provider, **ROLES)


def set_up(here, provider, **more):
    said = OidcSettings(
        issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET, address="http://127.0.0.1", **more
    )
    here.site.provider = Provider(said, here.clock.monotonic)
    return here


def begun(client) -> str:
    """The address at the provider."""
    answer = client.get("/sign-in/oidc")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def sent_back(url: str) -> str:
    """Where the provider sends the browser."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    connection.close()
    return answer.headers["location"].removeprefix("http://127.0.0.1")


def through(here, client=None):
    """The answer to the whole way."""
    client = client or here.client()
    return client.get(sent_back(begun(client)))


def test_who_the_provider_knows_comes_in_with_the_role_of_their_groups(here, provider):
    provider.claims["groups"] = ["other", "privacy"]
    client = here.client()
    answer = through(here, client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/register").status_code == 200
    account = here.book.account("dora")
    assert (account.role, account.password[:5], account.active) == ("dpo", "oidc$", True)
    kept, entered = (entry for entry, _ in here.book.history("dora"))
    assert (kept.kind, kept.who, entered.kind) == ("account.kept", "oidc", "access.signed_in")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert through(here).status_code == 303
    assert [entry.kind for entry, _ in here.book.history("dora")][2:] == ["access.signed_in"]


def test_what_is_asked_of_the_provider_is_new_each_time(here):
    first, second = (parse_qs(urlsplit(begun(here.client())).query) for _ in range(2))
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]
    assert (first["code_challenge_method"], first["response_type"]) == (["S256"], ["code"])
    assert first["redirect_uri"] == ["http://127.0.0.1" + CALLBACK]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"groups": "guests"}, ""),
        ({"groups": []}, "no role here"),
        ({"groups": {"privacy": 1}}, "no role here"),
        ({"groups": None}, "no role here"),
        ({"preferred_username": None}, "no name"),
        ({"preferred_username": "a b<script>"}, "no name"),
        ({"preferred_username": ["dora"]}, "no name"),
        ({"preferred_username": "dpo"}, "another person"),
        ({"sub": None}, "does not hold"),
        ({"sub": ""}, "does not hold"),
        ({"sub": 7}, "does not hold"),
        ({"iss": "http://127.0.0.1:1"}, "does not hold"),
        ({"aud": "somebody-else"}, "does not hold"),
        ({"aud": [CLIENT, "other"], "azp": CLIENT}, ""),
        ({"aud": [CLIENT, "other"]}, "does not hold"),
        ({"aud": ["other", CLIENT], "azp": "other"}, "does not hold"),
        ({"nonce": "another"}, "does not hold"),
        ({"nonce": None}, "does not hold"),
        ({"exp": 1}, "does not hold"),
        ({"exp": None}, "does not hold"),
        ({"iat": 9_999_999_999}, "does not hold"),
        ({"nbf": 9_999_999_999}, "does not hold"),
        ({"at_hash": "x"}, "does not hold"),
    ],
    ids=str,
)
def test_only_a_token_that_holds_lets_somebody_in(here, provider, claims, said):
    provider.claims |= {"groups": ["staff"]} | claims
    answer = through(here)
    if not said:
        assert answer.status_code == 303
        return
    assert (answer.status_code, said in answer.text) == (403, True), answer.text
    assert COOKIE not in answer.headers["set-cookie"]
    assert here.book.account("dora") is None
    assert "<script>" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "PS256"])
def test_only_signatures_with_the_providers_key_count(here, provider, algorithm):
    provider.claims["groups"] = ["staff"]
    provider.algorithm = algorithm
    assert through(here).status_code == (303 if algorithm in {"RS512", "PS256"} else 403)


def test_a_little_skew_of_clocks_is_borne(here, provider):
    provider.claims["groups"] = ["staff"]
    real = provider.now
    for apart, status in ((55, 303), (65, 403), (-355, 303), (-365, 403)):
        provider.now = lambda apart=apart: real() + apart
        assert through(here).status_code == status, apart


def test_a_new_key_is_fetched_and_an_old_one_believed_no_more(here, provider):
    provider.claims["groups"] = ["staff"]
    assert through(here).status_code == 303
    provider.rotate()
    assert through(here).status_code == 403, "keys were fetched just now"
    here.clock.sleep(11)
    assert through(here).status_code == 303
    assert provider.asked.count("/jwks") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "change", ["state", "iss", "no iss", "no code", "error", "code", "no cookie", "late"]
)
def test_only_the_browser_that_went_comes_back(here, provider, change):
    provider.claims["groups"] = ["staff"]
    client = here.client()
    path = sent_back(begun(client))
    asked = {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}
    match change:
        case "state" | "iss" | "code":
            asked[change] = "ümade-up"
        case "no iss" | "no code":
            del asked[change.split()[1]]
        case "error":
            asked["error"] = "<script>alert(1)</script>"
        case "no cookie":
            client = here.client()
        case "late":
            here.clock.micros += 601_000_000
    answer = client.get(CALLBACK, params=asked)
    assert answer.status_code == 403
    assert "alert(1)" not in answer.text
    assert here.book.account("dora") is None
    assert client.get("/cases").status_code == 303


def test_a_code_counts_once_and_a_forged_cookie_never(here, provider):
    provider.claims["groups"] = ["staff"]
    client = here.client()
    path = sent_back(begun(client))
    pending = client.cookies[PENDING]
    assert client.get(path).status_code == 303
    client.cookies.set(PENDING, pending, path="/sign-in/oidc")
    assert client.get(path).status_code == 403
    forged = here.client()
    flipped = pending[:-1] + ("0" if pending[-1] != "0" else "1")
    for text in ("x", "W10=.x", flipped, f"{pending}é", f"é.{pending}"):
        answer = forged.get(path, headers={"cookie": f"{PENDING}={text}".encode()})
        assert (answer.status_code, "not begun in this browser" in answer.text) == (403, True)


def test_a_session_begins_that_nobody_knew_before(here, provider):
    provider.claims["groups"] = ["staff"]
    client = here.client()
    client.cookies.set(COOKIE, "fixed-by-somebody")
    answer = through(here, client)
    assert "fixed-by-somebody" not in answer.headers["set-cookie"]
    assert here.site.sessions.of("fixed-by-somebody", here.desk.now()) is None


def test_a_person_is_the_same_whatever_they_are_called_there(here, provider):
    """Else one person with two names would be four eyes."""
    provider.claims["groups"] = ["privacy"]
    assert through(here).status_code == 303
    provider.claims["preferred_username"] = "dora-2"
    client = here.client()
    assert through(here, client).status_code == 303
    assert ">dora<" in client.get("/cases").text
    assert here.book.account("dora-2") is None
    provider.claims |= {"sub": "u-2", "preferred_username": "dora"}
    assert "another person" in through(here).text


def test_roles_follow_the_provider_and_a_lock_stays(here, provider):
    provider.claims["groups"] = ["privacy"]
    client = here.client()
    assert through(here, client).status_code == 303
    provider.claims["groups"] = ["staff"]
    assert through(here).status_code == 303
    assert here.book.account("dora").role == "viewer"
    assert client.get("/cases").status_code == 303, "with the role of before nobody stays in"
    admin = here.client("admin")
    locked = {"form": form_token(admin), "name": "dora", "role": "viewer", "active": "no"}
    assert admin.post("/accounts", data=locked).status_code == 303
    assert ">provider<" in admin.get("/accounts").text
    answer = through(here)
    assert (answer.status_code, "is locked" in answer.text) == (403, True)
    assert not here.book.account("dora").active


def test_without_a_claim_accounts_are_made_here_first(tmp_path, provider):
    with office(tmp_path) as here:
        provider.now = lambda: here.clock.micros // 1_000_000
        set_up(here, provider)
        assert "no account here yet" in through(here).text
        admin = here.client("admin")
        made = {"form": form_token(admin), "name": "dora", "role": "auditor"}
        assert admin.post("/accounts", data=made).status_code == 303
        assert through(here).status_code == 303
        assert here.book.account("dora").role == "auditor"
        provider.claims["sub"] = "u-2"
        assert "another person" in through(here).text


@pytest.mark.parametrize("path", ["realm_access.roles", "https://nordwind-shop.de/roles"])
def test_roles_may_lie_deeper_or_have_dots_in_their_name(tmp_path, provider, path):
    with office(tmp_path) as here:
        provider.now = lambda: here.clock.micros // 1_000_000
        set_up(here, provider, role_claim=path, roles={"auditor": ("audit",)})
        deep = {"realm_access": {"roles": ["audit"]}} if path[0] == "r" else {path: ["audit"]}
        provider.claims |= deep
        assert through(here).status_code == 303


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://sso.nordwind-shop.de"},
        {"authorization_endpoint": "http://sso.nordwind-shop.de/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
    ],
    ids=str,
)
def test_a_provider_that_is_another_or_in_clear_is_not_used(here, provider, about, caplog):
    provider.about = about
    answer = here.client().get("/sign-in/oidc")
    assert (answer.status_code, "cannot be used" in answer.text) == (403, True)
    assert "sign-in: the provider" in caplog.text


def test_a_provider_that_is_away_keeps_nobody_from_their_password(tmp_path):
    gone = OidcProvider()
    gone._server.server_close()
    with office(tmp_path) as here:
        set_up(here, gone)
        answer = here.client().get("/sign-in/oidc")
        assert (answer.status_code, "cannot be reached" in answer.text) == (403, True)
        assert "Sign in with your organisation" in here.client().get("/sign-in").text
        assert here.client("dpo").get("/cases").status_code == 200
        out = here.client("dpo").post("/sign-out")
        assert here.client().get(out.headers["location"]).status_code == 200


def test_who_signs_out_here_is_shown_the_way_out_there(here, provider):
    provider.claims["groups"] = ["staff"]
    client = here.client()
    assert through(here, client).status_code == 303
    token = client.cookies[COOKIE]
    page = client.get(client.post("/sign-out").headers["location"]).text
    assert f'href="{provider.issuer}/out?client_id=privwatch&amp;post_logout_redirect_uri=' in page
    assert here.site.sessions.of(token, here.desk.now()) is None


def test_passwords_can_be_shut_off(tmp_path, provider):
    with office(tmp_path) as here:
        client = here.client()
        set_up(here, provider, passwords=False)
        assert "password" not in client.get("/sign-in").text
        assert client.post("/sign-in", data={"name": "dpo", "password": PASSWORD}).status_code == 403


def test_what_an_account_keeps_of_a_provider_is_no_password():
    for kept in ("oidc$" + "0" * 64, ""):
        assert not passwords.fits(kept, kept)
        assert not passwords.fits(kept, "nobody has this password")


def test_the_provider_is_not_asked_without_end(here):
    client = here.client()
    codes = [client.get("/sign-in/oidc").status_code for _ in range(12)]
    assert codes == [303] * 10 + [403] * 2


def test_nothing_of_a_person_or_secret_is_in_logs(here, provider, caplog):
    caplog.set_level(logging.DEBUG, "monitor")
    provider.claims |= {"groups": ["staff"], "preferred_username": "ada.wellenbrook"}
    assert through(here).status_code == 303
    provider.claims |= {"nonce": "wrong"}
    assert through(here).status_code == 403
    assert "does not hold" in caplog.text
    assert not [word for word in ("wellenbrook", SECRET, "u-1", "code=") if word in caplog.text]


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": ("profile",)}, {"role_claim": "groups"}, {"roles": {"dpo": ("x",)}}, {"issuer": "sso"},
     {"roles": {"root": ("x",)}, "role_claim": "groups"}],
    ids=str,
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(wrong):
    right = {"issuer": "https://sso.example.org", "client_id": "x", "address": "https://review.example.org"}
    OidcSettings(**right)
    with pytest.raises(ValidationError):
        OidcSettings(**right | wrong)


def test_where_there_is_no_provider_there_is_no_way_to_it(tmp_path):
    with office(tmp_path) as here:
        for path in ("/sign-in/oidc", CALLBACK):
            answer = here.client().get(path)
            assert (answer.status_code, "no such way" in answer.text) == (403, True)
