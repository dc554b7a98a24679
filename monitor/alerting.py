"""Alerting put together from settings: targets, a sender with a thread for each, what a turn has to say."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from prometheus_client import CollectorRegistry

from monitor.alert_settings import AlertsSettings, HttpSettings, WebhookSettings
from monitor.broker_settings import brokers_of
from monitor.clock import Clock
from monitor.errors import SettingsError
from monitor.outbox import Manner, Outbox, Target
from monitor.pipeline.alerts import Alerting, Wording
from monitor.pipeline.sender import Pace, Sender
from monitor.pipeline.within import Within
from monitor.rules.tree import Rule
from monitor.setting_kinds import secret_text
from monitor.sinks.alert_metrics import AlertMetrics
from monitor.sinks.alertmanager import AlertmanagerTarget
from monitor.sinks.topic import TopicTarget
from monitor.sinks.webhook import WebhookTarget, secret_bytes

STOP_SECONDS: Final = 2.0
"""How long a stop waits for what is being said; what is not said then is said at the next start."""


class Alarm:
    """The senders of one application, from start to stop.

    Raises:
        SettingsError: a secret cannot be read or used.
    """

    def __init__(
        self,
        settings: AlertsSettings,
        outbox: Outbox,
        clock: Clock,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._clock = clock
        self._targets = list(_targets(settings, clock))
        names = [t.manner.name for t in self._targets]
        waiting = Within(outbox.waiting)
        metrics = AlertMetrics(registry or CollectorRegistry(), names, waiting, clock)
        wording = Wording(tuple(settings.labels.items()), settings.link)
        pace = Pace(hold=settings.hold_seconds)
        self._stop = Event()
        senders = [
            Sender(target=t, outbox=outbox, wording=wording, clock=clock, pace=pace, observe=metrics.observe)
            for t in self._targets
        ]
        # As daemons: a target that hangs must not keep the process from stopping.
        self._threads = [
            Thread(target=self._send, args=(sender, target), name=f"alerts-{target.manner.name}", daemon=True)
            for sender, target in zip(senders, self._targets, strict=True)
        ]

    def _send(self, sender: Sender, target: Target) -> None:
        """A thread from start to end: it lets go of its target too, which may take as long as a word."""
        try:
            sender.run(self._stop.wait)
        finally:
            target.close()

    def __enter__(self) -> Self:
        """Begin to send, what a former run left first."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sending. What is not said is in the outbox."""
        self.close()

    def alerting(self, rules: Iterable[Rule]) -> Alerting:
        """What adds to a turn what it has to say, for violations of these rules."""
        return Alerting(rules, self._clock, self._settings.told(), self._settings.burst)

    def finish(self, seconds: float) -> int:
        """Wait at most so long until every target was told; returns how many alerts still wait."""
        until = self._clock.monotonic() + seconds
        while (waiting := self._waiting()) and self._clock.monotonic() < until:
            self._clock.sleep(0.1)
        return waiting

    def _waiting(self) -> int:
        waiting = self._outbox.waiting()
        return sum(waiting.get(target.manner.name, (0, 0))[0] for target in self._targets)

    def close(self) -> None:
        """Stop sending. What is not said is in the outbox."""
        self._stop.set()
        until = self._clock.monotonic() + STOP_SECONDS
        for thread, target in zip(self._threads, self._targets, strict=True):
            if thread.ident is None:  # it was never started
                target.close()
            else:
                thread.join(max(until - self._clock.monotonic(), 0))


def check(settings: AlertsSettings, clock: Clock) -> None:
    """See that files and secrets of the targets can be used.

    Raises:
        SettingsError: some cannot.
    """
    for target in _targets(settings, clock):
        target.close()


def _targets(settings: AlertsSettings, clock: Clock) -> Iterable[Target]:
    for name, one in settings.alertmanager.items():
        manner = Manner(name, resend=one.resend_seconds, patience=one.timeout_seconds)
        yield AlertmanagerTarget(manner, one.url, one.ca, _headers(f"alerts.alertmanager.{name}", one))
    for name, hook in settings.webhook.items():
        manner = Manner(name, patience=hook.timeout_seconds)
        secret, *former = _signing(f"alerts.webhook.{name}.secret", hook)
        headers = _headers(f"alerts.webhook.{name}", hook)
        yield WebhookTarget(manner, hook.url, secret, hook.ca, headers, former=former)
    for name, topic in settings.kafka.items():
        brokers = brokers_of(f"alerts.kafka.{name}", topic, clock)
        yield TopicTarget(Manner(name, patience=topic.timeout_seconds), brokers, topic.topic)


def _signing(key: str, hook: WebhookSettings) -> list[bytes]:
    """The secrets that sign, one at least: the new one first, where two are in use."""
    texts = (secret_text(key, hook.secret, hook.secret_file) or "").split() or [""]
    try:
        return [secret_bytes(text) for text in texts]
    except SettingsError as error:
        raise SettingsError(f"{key}: {error}") from None


def _headers(key: str, target: HttpSettings) -> dict[str, str]:
    text = secret_text(f"{key}.authorization", target.authorization, target.authorization_file)
    return {} if text is None else {"Authorization": text}
