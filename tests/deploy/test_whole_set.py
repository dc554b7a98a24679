"""The whole set of deploy/compose on this machine: from a request to nginx to the person who looks at it."""

import json
import re
import socket
import sys
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest

from monitor.clock import SystemClock
from tests.support.unmet import cannot_run
from tests.support.whole_set import WholeSet, missing

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

CLOCK = SystemClock()
MAIL = "ada.wellenbrook@nordwind-shop.de"
RULE = "email_in_url"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Iterator[WholeSet]:
    if reason := missing():
        cannot_run(reason)
    with WholeSet(tmp_path_factory.mktemp("whole")) as started:
        yield started


def requested(whole: WholeSet, target: bytes) -> None:
    """One request with exactly these bytes as its target; more than a library would send."""
    host, _, port = whole.composed.address("nginx", 8080).partition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        assert b" 200 " in connection.recv(200)


def alerts(whole: WholeSet) -> dict[str, dict]:
    """What Alertmanager holds of violations, by the resource."""
    with urllib.request.urlopen(whole.url("alertmanager", 9093) + "/api/v2/alerts", timeout=10) as answer:
        held = json.load(answer)
    return {one["annotations"]["resource"]: one for one in held if one["labels"]["alertname"] == RULE}


def samples(whole: WholeSet, expression: str) -> float | None:
    """What Prometheus says to it, summed."""
    where = f"{whole.url('prometheus', 9090)}/api/v1/query?query={quote(f'sum({expression})')}"
    with urllib.request.urlopen(where, timeout=10) as answer:
        found = json.load(answer)["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def sign_in(whole: WholeSet, client: httpx2.Client) -> None:
    form = {"name": "dora", "password": whole.password("reviewer-password")}
    assert client.post("/sign-in", data=form).status_code == 200


def test_a_request_with_an_address_in_it_reaches_the_person_who_decides(whole):
    with httpx2.Client(base_url=whole.url("web", 8443), follow_redirects=True, timeout=30) as client:
        sign_in(whole, client)
        begun = CLOCK.monotonic()
        requested(whole, b"/newsletter/stop?mail=" + MAIL.encode())
        told = whole.wait_for(lambda: next(iter(alerts(whole).values()), None), "an alert")
        alerted = CLOCK.monotonic() - begun
        page = client.get(f"/violations/{told['annotations']['violation']}")
        shown = CLOCK.monotonic() - begun
        violations = 'privwatch_violations_total{source="nginx-access"}'
        whole.wait_for(lambda: samples(whole, violations), "a sample")
        sampled = CLOCK.monotonic() - begun
    print(f"after the request: alert {alerted:.1f} s, page {shown:.1f} s, sample {sampled:.1f} s")
    assert page.status_code == 200
    assert "E-mail address in a URL" in page.text
    assert re.search(r"/cases/[0-9a-f]{32}$", str(page.url))
    for said in (page.text, json.dumps(told), whole.said("privwatch"), whole.said("web")):
        assert MAIL not in said
        assert quote(MAIL) not in said
    assert (
        told["generatorURL"]
        == f"http://{whole.composed.address('web', 8443)}/violations/" + (told["annotations"]["violation"])
    )


def test_bytes_that_are_no_text_hide_nothing(whole):
    requested(whole, b"/suche/\xff\xfe?mail=" + MAIL.encode())
    whole.wait_for(lambda: any("suche" in where for where in alerts(whole)), "the alert of that page")
    assert not samples(whole, "privwatch_rejects_total")
    assert not samples(whole, "privwatch_rejects_total > 0")


def test_what_is_asked_while_kafka_is_away_arrives_later(whole):
    start_again = whole.stop("kafka")
    requested(whole, b"/ausfall?mail=" + MAIL.encode())
    start_again()
    whole.wait_for(lambda: any("ausfall" in where for where in alerts(whole)), "the alert of that page")


def test_people_of_the_demo_are_read_and_their_requests_come_through_nginx(whole):
    script = whole.composed.services["generator"]["entrypoint"][-1]
    generator = whole.composed.compose / script.rpartition("/")[2]
    command = [sys.executable, str(generator), *whole.composed.command("generator")]
    process = whole.run("generator", [*command, "--events-per-day", "20000", "--asked-hours", "48"])
    for topic in ("nginx-access", "application-logs"):
        read = f'privwatch_violations_total{{source="{topic}"}}'
        whole.wait_for(lambda: (samples(whole, read) or 0) > 5, f"violations in {topic}")  # noqa: B023 - now
    assert process.poll() is None
    assert not samples(whole, "privwatch_rejects_total")
