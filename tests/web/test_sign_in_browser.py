"""Through a provider and back, in a real browser, by keyboard, against the served program."""

import json
import subprocess
import sys
import urllib.request

import pytest

from tests.support import browser
from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.support.ports import free_ports
from tests.support.terminal import environment, run
from tests.support.unmet import cannot_run
from tests.test_review_commands import EVENT

SETTINGS = {
    "sources": {"files": {"app": {"paths": ["app.ndjson"]}}},
    "namespace": "replay",
    "store": "privwatch.db",
}


@pytest.fixture
def served(tmp_path):
    """A provider, and `privwatch web` with settings that name it; no account was made."""
    (tmp_path / "app.ndjson").write_text(EVENT, encoding="utf-8")
    (tmp_path / "secret").write_text(SECRET + "\n", encoding="utf-8")
    assert run(["replay", "app.ndjson", "--store", "privwatch.db"], cwd=tmp_path).code == 1
    (port,) = free_ports(1)
    with OidcProvider().running() as provider:
        provider.claims["groups"] = ["privacy"]
        provider.asks = True
        oidc = {
            "issuer": provider.issuer,
            "client_id": CLIENT,
            "client_secret_file": "secret",
            "address": f"http://127.0.0.1:{port}",
            "label": "Nordwind",
            "role_claim": "groups",
            "roles": {"dpo": ["privacy"]},
        }
        (tmp_path / "privwatch.yml").write_text(json.dumps(SETTINGS | {"sign_in": {"oidc": oidc}}))
        command = [sys.executable, "-m", "monitor", "web", "-c", "privwatch.yml", "--port", str(port)]
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment({}), stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process.stderr.readline().split()[-1]
            finally:
                process.kill()


def test_from_the_page_to_the_provider_and_back_and_out_again(served):
    with urllib.request.urlopen(served, timeout=60) as answer:
        assert "Sign in with Nordwind" in answer.read().decode()
    reason = browser.missing()
    if reason:
        cannot_run(reason)
    with browser.started() as chromium:
        page = chromium.new_context().new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(served)
        assert browser.complaints(page) == []
        page.get_by_role("link", name="Sign in with Nordwind").press("Enter")
        page.get_by_role("button", name="Let me in").press("Enter")
        page.wait_for_url("**/weeks/*")
        assert page.locator(".whoami span").inner_text().split() == ["dora", "dpo"]
        page.get_by_role("button", name="Sign out").press("Enter")
        page.get_by_text("You are signed out of Privwatch").wait_for()
        assert browser.complaints(page) == []
        page.get_by_role("link", name="Sign out of Nordwind as well").press("Enter")
        page.get_by_role("heading", name="Signed out").wait_for()
        page.goto(served + "cases")
        page.get_by_role("link", name="Sign in with Nordwind").wait_for()
        assert [line for line in said if "security" in line.lower()] == []
