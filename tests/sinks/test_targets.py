"""Targets over HTTP against a real server that misbehaves in every way a server can."""

import base64
import json
import logging

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from monitor.alert_settings import AlertsSettings
from monitor.alerting import _targets
from monitor.clock import SystemClock
from monitor.errors import SettingsError
from monitor.outbox import TAKEN, Manner, Notice, Outcome
from monitor.sinks.alertmanager import AlertmanagerTarget
from monitor.sinks.webhook import WebhookTarget, secret_bytes, signature
from tests.support import receiver as behaviour
from tests.support.alerts import HOUR, NOON
from tests.support.ports import free_ports

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOTICE = Notice(
    id="k1.1.firing.1",
    status="firing",
    number=1,
    labels=(("alertname", "email_in_url"), ("fingerprint", "f1")),
    annotations=(("summary", "E-mail address in a URL"), ("resource", "/customers/{…}")),
    starts=NOON,
    ends=NOON + HOUR,
    link="https://privacy.test/v/f1",
)


@pytest.fixture
def hook(receiver):
    target = WebhookTarget(Manner("hook", patience=0.5), receiver.url, secret_bytes(SECRET))
    yield target
    target.close()


def test_the_signature_of_the_specification():
    # The example on standardwebhooks.com and in its reference libraries.
    said = signature(
        secret_bytes(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_posted_can_be_verified(hook, receiver):
    now = SystemClock().now()
    assert hook.send([NOTICE], now) == [TAKEN]
    (posted,) = receiver.posted
    told = Webhook(SECRET).verify(posted.body, posted.headers)
    assert told["type"] == "alert.firing"
    assert told["data"] == {
        "id": "k1.1.firing.1",
        "status": "firing",
        "number": 1,
        "labels": {"alertname": "email_in_url", "fingerprint": "f1"},
        "annotations": {"summary": "E-mail address in a URL", "resource": "/customers/{…}"},
        "startsAt": "2026-11-16T12:00:00.000000Z",
        "endsAt": "2026-11-16T13:00:00.000000Z",
        "generatorURL": "https://privacy.test/v/f1",
    }
    assert posted.headers["webhook-id"] == "k1.1.firing.1"
    for change in ({"webhook-id": "other"}, {"webhook-timestamp": str(now // 1_000_000 - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(posted.body, posted.headers | change)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(posted.body.replace(b"f1", b"f2"), posted.headers)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (behaviour.status(500), "answered_500"),
        (behaviour.status(404), "answered_404"),
        (behaviour.status(302, Location="http://127.0.0.1:1/elsewhere"), "answered_302"),
        (behaviour.hang, "timeout"),
        (behaviour.drop, "unreachable"),
        (behaviour.garbage, "unreachable"),
        (behaviour.endless, ""),
    ],
)
def test_whatever_a_server_does_is_an_outcome(hook, receiver, does, reason):
    receiver.script.append(does)
    assert [one.reason for one in hook.send([NOTICE], NOON)] == [reason]
    assert hook.send([NOTICE], NOON) == [TAKEN], "the next one is not the worse for it"


def test_a_server_may_ask_for_time(hook, receiver):
    receiver.script += [
        behaviour.status(429, Retry_After="7"),
        behaviour.status(503, Retry_After="soon"),
        behaviour.status(503, Retry_After="-5"),
    ]
    assert hook.send([NOTICE], NOON) == [Outcome("answered_429", 7.0)]
    assert [one.wait for one in hook.send([NOTICE, NOTICE], NOON)] == [0.0, 0.0]


def test_nobody_there_and_no_tls():
    (port,) = free_ports(1)
    for url, reason in (
        (f"http://127.0.0.1:{port}", "unreachable"),
        ("http://no-such.invalid/", "unreachable"),
    ):
        target = WebhookTarget(Manner("hook", patience=1), url, secret_bytes(SECRET))
        assert [one.reason for one in target.send([NOTICE], NOON)] == [reason]
        target.close()


def test_a_server_without_tls_is_not_spoken_to_in_clear(receiver):
    target = WebhookTarget(
        Manner("hook", patience=1), receiver.url.replace("http:", "https:"), secret_bytes(SECRET)
    )
    assert [one.reason for one in target.send([NOTICE], NOON)] == ["tls"]
    assert receiver.posted == []
    target.close()


def test_neither_secret_nor_address_is_logged(receiver, caplog):
    receiver.always = behaviour.status(500)
    url = f"{receiver.url}/token-geheim"
    target = WebhookTarget(
        Manner("hook", patience=1), url, secret_bytes(SECRET), headers={"Authorization": "Bearer geheim"}
    )
    with caplog.at_level(logging.INFO):
        target.send([NOTICE], NOON)
    target.close()
    assert receiver.posted[0].headers["authorization"] == "Bearer geheim"
    assert "geheim" not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("secret", ["", "geheim", "whsec_", "whsec_!!!", "whsec_c2hvcnQ=", SECRET[6:]])
def test_a_secret_that_is_none_is_refused_without_being_told(secret):
    with pytest.raises(SettingsError, match="whsec_ and 24 or more random bytes") as refused:
        secret_bytes(secret)
    assert not secret or secret in "whsec_" or secret not in str(refused.value)


OTHER = "whsec_" + base64.b64encode(b"another secret of some length").decode()


def test_while_a_secret_is_changed_receivers_with_either_verify(receiver, tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{OTHER} {SECRET}\n", encoding="ascii")
    desk = {"url": receiver.url, "secret_file": str(file)}
    (target,) = _targets(AlertsSettings.model_validate({"webhook": {"desk": desk}}), SystemClock())
    assert target.send([NOTICE], SystemClock().now()) == [TAKEN]
    target.close()
    (posted,) = receiver.posted
    for secret in (OTHER, SECRET):
        assert Webhook(secret).verify(posted.body, posted.headers)["type"] == "alert.firing"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"a third secret of some length").decode()).verify(
            posted.body, posted.headers
        )


def test_alertmanager_takes_many_at_once(receiver):
    target = AlertmanagerTarget(Manner("am", patience=1), receiver.url.removesuffix("hook"))
    assert target.send([NOTICE] * 3, NOON) == [TAKEN] * 3
    (posted,) = receiver.posted
    assert posted.path == "/api/v2/alerts"
    assert [sorted(one) for one in posted.document] == [
        ["annotations", "endsAt", "generatorURL", "labels", "startsAt"]
    ] * 3
    target.close()


def test_one_that_alertmanager_refuses_holds_up_no_other(receiver):
    target = AlertmanagerTarget(Manner("am", patience=1), receiver.url.removesuffix("/hook"))
    receiver.script += [behaviour.status(400), behaviour.status(200), behaviour.status(400)]
    assert [one.reason for one in target.send([NOTICE] * 2, NOON)] == ["", "answered_400"]
    assert [len(json.loads(one.body)) for one in receiver.posted] == [2, 1, 1]
    target.close()
