"""Alertmanager as shipped: it takes the configuration, and sends each alert to the right people.

The words hold nobody.
The real server renders the templates and sends them to a real mail server and to a real HTTP server.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.sinks.documents import timestamp
from tests.deploy.test_prometheus import ALERTS as OPERATIONAL
from tests.support import alert_examples
from tests.support.alertmanager import AlertmanagerServer, amtool, missing
from tests.support.mailbox import Mailbox
from tests.support.pages import quoted
from tests.support.shipped import ROOT
from tests.support.unmet import cannot_run

pytestmark = pytest.mark.alertmanager

FOLDER = ROOT / "deploy" / "alertmanager"
CONFIG = FOLDER / "alertmanager.yml"
PAGE = ROOT / "docs" / "alerts.md"
DOWN = {"component": "privwatch", "job": "privwatch", "severity": "critical"}


@pytest.fixture(autouse=True)
def _alertmanager() -> None:
    if reason := missing():
        cannot_run(reason)


def run(*arguments: str | Path) -> str:
    done = subprocess.run(
        [amtool(), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_takes_the_configuration():
    said = run("check-config", CONFIG)
    assert "5 receivers" in said
    assert "1 templates" in said


ROUTES = [
    ({"alertname": "PrivwatchWatchdog", "component": "privwatch", "severity": "none"}, "heartbeat"),
    ({"alertname": "PrivwatchDown", **DOWN}, "operations-urgent"),
    ({"alertname": "PrivwatchLagGrows", **DOWN, "severity": "warning"}, "operations"),
    ({"alertname": "email_in_url", "tier": "page", "level": "critical"}, "privacy-urgent,privacy"),
    ({"alertname": "email_in_url", "tier": "page", "level": "high"}, "privacy"),
    ({"alertname": "email_in_url", "tier": "review", "level": "critical"}, "privacy"),
    ({"alertname": "email_in_url", "tier": "review", "level": "low", "site": "muenchen"}, "privacy"),
    ({"alertname": "PrivwatchBreachDeadlineNear", **DOWN, "desk": "privacy"}, "privacy-urgent,privacy"),
    ({"alertname": "PrivwatchReviewLate", **DOWN, "severity": "warning", "desk": "privacy"}, "privacy"),
    ({"alertname": "SomebodyElsesAlert"}, "operations"),
]


@pytest.mark.parametrize(("labels", "receivers"), ROUTES, ids=lambda one: str(one)[:60])
def test_each_alert_reaches_its_people(labels, receivers):
    said = run(
        "config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receivers}",
        *(f"{name}={value}" for name, value in labels.items()),
    )  # fmt: skip
    assert said.strip() == receivers


def test_inhibition_names_alerts_that_exist():
    for rule in yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            value = matcher.partition("=")[2].strip('~ "')
            prefix, _, rest = value.partition("(")
            for name in rest.rstrip(")").split("|"):
                assert prefix + name in OPERATIONAL, matcher


@pytest.fixture
def told(tmp_path) -> Iterator[tuple[AlertmanagerServer, Mailbox]]:
    """The shipped configuration; only whither and how soon is the test's own."""
    with Mailbox() as mailbox:
        config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        config["global"] = {
            "smtp_smarthost": mailbox.address,
            "smtp_from": config["global"]["smtp_from"],
            "smtp_require_tls": False,
            "slack_api_url": "{url}/slack",
        }
        config["templates"] = [str(FOLDER / "templates" / "*.tmpl")]
        hasten(config["route"])
        (beat,) = (one for one in config["receivers"] if one["name"] == "heartbeat")
        beat["webhook_configs"][0]["url"] = "{url}/heartbeat"
        # Braces of the templates are not the server's, which fills in where its receiver is.
        text = json.dumps(config).replace("{", "{{").replace("}", "}}").replace("{{url}}", "{url}")
        with AlertmanagerServer(text) as server:
            server.start()
            yield server, mailbox


def hasten(route: dict) -> None:
    """No waiting in a test."""
    route["group_wait"] = "0s"
    for one in route.get("routes", ()):
        hasten(one)


def violation(**labels: str) -> dict:
    """The example of docs/alerts.md, as posted by privwatch, but of now."""
    (alert,) = json.loads(alert_examples.pages()[0])
    alert["startsAt"] = timestamp(SystemClock().now())
    del alert["endsAt"]
    return alert | {"labels": alert["labels"] | labels}


def test_mail_and_slack_say_what_was_found_and_nobody(told):
    server, mailbox = told
    server.post([violation(tier="page", level="critical")])
    (mail,) = mailbox.wait_for(1)
    assert mail["To"] == "privacy@example.org"
    assert mail["Subject"] == "[Privwatch critical] E-mail address in a URL (1 open)"
    plain = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    for said in (plain, html):
        assert "42 events from 2026-11-16T08:00:00Z to 2026-11-16T11:47:00Z, 12 people" in said
        assert "GET /account/{…}" in said
        assert "https://privacy.example.org/violations/5d1f0c2b7a9e4f3080c6d2e1b4a79f55" in said
    server.receiver.wait_for(lambda posted: any(p.path.endswith("/slack") for p in posted))
    (slack,) = (p.document for p in server.receiver.posted if p.path.endswith("/slack"))
    (shown,) = slack["attachments"]
    assert shown["color"] == "danger"
    # An actor is told nobody, not even as a pseudonym.
    assert not any("0d9c41be7f23aa10" in text for text in (plain, html, json.dumps(slack)))
    for text in (settled(plain), shown["title"] + "\n\n" + shown["text"]):
        assert quoted(PAGE, text.strip()), text


def settled(plain: str) -> str:
    """The plain mail, with the hour of the page's example in place of now."""
    return re.sub(
        r"^(State: firing since ).*",
        r"\g<1>2026-11-16 08:00 UTC",
        "\n".join(plain.splitlines()),
        flags=re.MULTILINE,
    )


def test_what_acts_in_a_page_or_chat_is_shown_as_text(told):
    server, mailbox = told
    alert = violation(tier="page", level="critical")
    alert["annotations"] |= {"summary": "<script>&</script>", "resource": "GET /<b>/{…}"}
    server.post([alert])
    (mail,) = mailbox.wait_for(1)
    html = mail.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert "&lt;script&gt;&amp;&lt;/script&gt;" in html
    server.receiver.wait_for(lambda posted: any(p.path.endswith("/slack") for p in posted))
    (slack,) = (p.document for p in server.receiver.posted if p.path.endswith("/slack"))
    assert "*&lt;script&gt;&amp;&lt;/script&gt;*" in slack["attachments"][0]["text"]
    assert "<b>" not in json.dumps(slack)


def test_the_cause_is_told_and_not_its_consequences(told):
    server, mailbox = told
    notes = {name: OPERATIONAL[name]["annotations"] for name in OPERATIONAL}
    for name, severity in (("PrivwatchStoreFailing", "critical"), ("PrivwatchLagGrows", "warning")):
        labels = {**DOWN, "alertname": name, "severity": severity}
        server.post([{"labels": labels, "annotations": notes[name]}])
    server.post(
        [{"labels": {"alertname": "PrivwatchWatchdog", "component": "privwatch", "severity": "none"}}]
    )
    server.receiver.wait_for(
        lambda posted: {p.path.rpartition("/")[2] for p in posted} == {"slack", "heartbeat"}
    )
    (mail,) = mailbox.wait_for(1)
    assert mail["To"] == "operations@example.org"
    assert "docs/runbooks.md#privwatchstorefailing" in mail.get_body(("plain",)).get_content()
    states = {one["labels"]["alertname"]: one["status"]["state"] for one in server.alerts()}
    assert states["PrivwatchLagGrows"] == "suppressed"
    assert states["PrivwatchStoreFailing"] == "active"


def test_the_templates_for_teams_render(tmp_path):
    (receiver,) = yaml.safe_load((FOLDER / "teams.yml").read_text(encoding="utf-8"))["receivers"]
    (settings,) = receiver["msteamsv2_configs"]
    alert = violation() | {"status": "firing"}
    data = {
        "status": "firing",
        "alerts": [alert],
        "commonLabels": alert["labels"],
        "commonAnnotations": alert["annotations"],
    }
    file = tmp_path / "data.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    shown = {
        part: run(
            "template", "render", f"--template.glob={FOLDER}/templates/*.tmpl", f"--template.data={file}",
            f"--template.text={settings[part]}",
        ).strip()
        for part in ("title", "text")
    }  # fmt: skip
    assert shown["title"] == "[high] E-mail address in a URL (1 open)"
    assert quoted(PAGE, shown["text"])
