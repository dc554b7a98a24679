"""Filters, tokens and the API with hostile content in every field, and addresses that lead elsewhere."""

import json
from dataclasses import replace

import pytest
import yaml

from monitor.casebook import ApiToken, Query
from monitor.ledger.entries import Record
from monitor.model import Evidence, Position
from monitor.review.catalogue import Catalogue
from monitor.web.api.table import ENDPOINTS
from tests.support.api import BASE, address, caller, token
from tests.support.api import body as body_of
from tests.support.review import RULES, form_token, found, office
from tests.web.test_security import HOSTILE

YAML = 'x"\n---\ncondition: 1 of *\n# &a !!python/object: {}'
KEYS = [f"{n:032x}" for n in range(4)]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Cases of hostile logs under a hostile rule, three of them dismissed with hostile reasons."""
    bad = [
        found(
            key,
            actor=f"{HOSTILE}{n}",
            resource=HOSTILE + YAML,
            path=HOSTILE,
            samples=(Position(HOSTILE, 1),),
            evidence=Evidence(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        )
        for n, key in enumerate(KEYS)
    ]
    with office(tmp_path_factory.mktemp("office"), *bad) as made:
        card = replace(
            RULES.card("mail"), title=HOSTILE + YAML, name=f"../{HOSTILE}\r\nx: y", description=HOSTILE
        )
        made.desk.rules = Catalogue({"mail": card}, HOSTILE)
        one, other = made.client("dpo"), made.client("second")
        for key in KEYS[:3]:
            said = {"state": "false_positive", "reason": HOSTILE + YAML, "version": made.version(key)}
            assert one.post(f"/cases/{key}/verdict", data=said | {"form": form_token(one)}).status_code == 303
            yes = {"form": form_token(other), "version": made.version(key)}
            assert other.post(f"/cases/{key}/confirm", data=yes).status_code == 303
        kept = ApiToken("0123456789ab", "dpo", HOSTILE, ("read",), "hash", 0, 2**60)
        made.book.keep_token(kept, Record("token.made", "dpo", "x", {"token": kept.id}), made.desk.now())
        yield made


def harmless(text: str) -> None:
    assert "<script>alert" not in text
    assert "<img" not in text
    assert not {"\u202e", "\x1b"} & set(text)


@pytest.mark.parametrize(
    ("who", "path"), [("dpo", "/filters"), ("reviewer", "/filters"), ("admin", "/accounts")]
)
def test_what_logs_and_people_wrote_never_becomes_markup(here, who, path):
    answer = here.client(who).get(path)
    assert answer.status_code == 200
    harmless(answer.text)
    assert "&lt;script&gt;alert" in answer.text


def test_the_file_of_a_filter_is_one_document_with_nothing_added(here):
    client = here.client("dpo")
    page = client.get("/filters").text
    name = page.partition('href="/filters/')[2].partition('"')[0]
    answer = client.get(f"/filters/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    assert answer.headers["content-disposition"].startswith('attachment; filename="filter__')
    assert not set("\r\n/\\;") & set(answer.headers["content-disposition"].partition("; ")[2])
    assert answer.text.isascii()
    (document,) = yaml.safe_load_all(answer.text)
    assert set(document["filter"]) == {"rules", "dismissed", "condition"}
    assert document["filter"]["condition"] == "not dismissed"
    assert list(document["filter"]["dismissed"]) == ["url.path|re"]
    assert HOSTILE + YAML in document["x_reason"]
    entry, payload = here.book.history(name.removesuffix(".yml"))[-1]
    assert (entry.kind, entry.who, payload.content["hides"]) == ("filter.taken", "dpo", 4)


@pytest.mark.parametrize(
    "path",
    [
        "/filters/x.yml",
        "/filters/..%2f..%2fprivwatch.key",
        "/filters/%2e%2e/site.py",
        "/filters/.yml",
    ],
)
def test_no_other_file_is_had(here, path):
    answer = here.client("dpo").get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


@pytest.mark.parametrize("each", [one for one in ENDPOINTS if one.method == "GET"], ids=lambda one: one.path)
def test_programs_are_told_hostile_text_as_json_alone(here, each):
    client = caller(here, token(here, "dpo"))
    here.site.rates.__init__(10**9, 10**9)
    answer = client.get(address(each, KEYS[3]).replace("report.csv", "report.json"))
    assert answer.status_code in {200, 404}
    assert answer.headers["content-type"] in {"application/json", "application/problem+json"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    json.loads(answer.text)


@pytest.mark.parametrize("each", [one for one in ENDPOINTS if one.body], ids=lambda one: one.path)
def test_what_programs_send_is_kept_as_text(here, each):
    """Hostile text in every text of a body; what the page then shows of it is harmless."""
    client = caller(here, token(here, "dpo"))
    here.site.rates.__init__(10**9, 10**9)
    sent = body_of(each, here.book.case(KEYS[3]).version)
    texts = {name for name, value in sent.items() if isinstance(value, str)} - {"state", "at", "factor"}
    answer = client.post(address(each, KEYS[3]), json=sent | dict.fromkeys(texts, HOSTILE))
    assert answer.status_code in {200, 422}
    page = here.client("dpo").get(f"/cases/{KEYS[3]}")
    assert page.status_code == 200
    harmless(page.text)


@pytest.mark.parametrize(
    "path",
    [
        "/weeks/2026-W47/report.csv/../../../site.py", "/weeks/2026-W47/report.%2e%2e%2fkey",
        "/cases/..%2f..%2fledger", "/cases/%00", "/weeks/%2e%2e/report.json", "/..%2f..%2f/accounts",
    ],
)  # fmt: skip
def test_addresses_of_the_api_lead_nowhere_else(here, path):
    answer = caller(here, token(here, "dpo")).get(BASE + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_form_of_another_site_is_not_taken(here):
    admin = here.client("admin")
    data = {"form": form_token(admin), "name": "dpo", "label": "x", "days": "1", "scope-read": "yes"}
    before = len(here.book.tokens())
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert admin.post("/accounts/tokens", data=data, headers=headers).status_code == 403
    assert (
        admin.post("/accounts/tokens", data=data | {"form": form_token(here.client("dpo"))}).status_code
        == 403
    )
    assert len(here.book.tokens()) == before


def test_programs_are_told_of_proposed_filters(here):
    client = caller(here, token(here, "auditor", "evidence"))
    (one,) = client.get(f"{BASE}/filters").json()["filters"]
    assert set(one["dismissed"]) == set(KEYS[:3])
    assert set(one["hidden"]) == set(KEYS)
    assert here.book.find(Query(resource=HOSTILE + YAML)).total == 4
    assert yaml.safe_load(one["text"])["filter"]["rules"] == ["mail"]
