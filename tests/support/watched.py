"""A real daemon that everything happens to, and a real Prometheus that watches it with the shipped rules.

It reads a topic and a followed file of the made-up company; a record in fifty cannot be read; after a while
the field `user.name` vanishes; one target of alerts takes them in, another does not answer.
"""

import json
from pathlib import Path
from typing import Self

import yaml

from monitor import reviewing
from monitor.casebook import Query
from monitor.clock import SystemClock
from monitor.demo import generate
from monitor.review import clocks, incident, verdicts
from tests.real.test_kafka_run import Daemon
from tests.support.kafka_server import Kafka
from tests.support.ports import free_ports
from tests.support.prometheus_server import Prometheus
from tests.support.receiver import Receiver
from tests.support.shipped import ROOT

CLOCK = SystemClock()
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml"))
RULE = """\
title: An operator looked at something
id: 3f0f3c1e-7d67-4c55-9d0b-0a4c8f6f5c11
name: operator_looked
status: stable
level: low
description: Asks for the field that vanishes.
logsource: {category: application}
detection: {a: {user.name: ops-nobody}, condition: a}
"""
WAVE = 150
"""Records of one wave."""


class Watched:
    """The two of them, with a store and logs in `folder`."""

    def __init__(self, kafka: Kafka, folder: Path) -> None:
        self._kafka, self._folder = kafka, folder
        self._topic = kafka.topic()
        self._waves = 0
        generate(folder / "logs", days=1, events_per_day=6_000)
        self._lines = (folder / "logs" / "application.ndjson").read_text(encoding="utf-8").splitlines()
        self._access = (folder / "logs" / "access.log").read_text(encoding="utf-8").splitlines(keepends=True)
        self._receiver = Receiver()

    def wave(self, *, renamed: bool = False) -> None:
        """Another second's worth of logs; `renamed`: the application calls the user otherwise now."""
        first = self._waves * WAVE % (len(self._lines) - WAVE)
        records = [json.loads(line) for line in self._lines[first : first + WAVE]]
        if renamed:
            for one in records:
                one["usr"] = one.pop("user", None)
        texts = [json.dumps(one).encode() for one in records]
        texts[::50] = [text[:30] for text in texts[::50]]
        self._kafka.produce(self._topic, texts)
        at = self._waves * 40 % (len(self._access) - 40)
        with (self._folder / "access.log").open("a", encoding="utf-8") as file:
            file.writelines(self._access[at : at + 40])
        self._waves += 1

    def reviewed(self) -> bool:
        """Somebody looks at what was found by now: takes a case for a breach candidate, whose clock runs."""
        here = reviewing.where(self._config, "", "")
        with reviewing.desk(here) as (desk, _):
            found = desk.book.find(Query(limit=1)).cases
            if found:
                at = desk.now()
                said = verdicts.Decision(verdicts.BREACH, "dora", "it went to a vendor")
                desk.change(verdicts.decide(found[0], said, at))
                (case,) = (desk.book.case(one.key) for one in found)
                desk.change(incident.aware(case, "dora", at - clocks.HOUR, "the vendor said so", at))
            return bool(found)

    def _settings(self) -> Path:
        (silent,) = free_ports(1)
        logs = self._folder / "access.log"
        logs.touch()
        rule = self._folder / "rule.yml"
        rule.write_text(RULE, encoding="utf-8")
        said = {
            "rules": ["shipped", str(rule)],
            "sources": {
                "kafka": {
                    "bootstrap": self._kafka.bootstrap,
                    "topics": [self._topic],
                    "group": self._topic,
                    "logsource": {"category": "application"},
                },
                "files": {
                    "nginx": {
                        "paths": [str(logs)],
                        "format": "access",
                        "logsource": {"category": "webserver"},
                    }
                },
            },
            "store": str(self._folder / "store.db"),
            "key": str(self._folder / "key"),
            "metrics": {"port": 0, "quiet_seconds": 0.5},
            "dead_letters": {"file": str(self._folder / "dead.ndjson")},
            "alerts": {
                "webhook": {
                    "desk": {"url": self._receiver.url, "secret": "whsec_" + "c2VjcmV0" * 5},
                    "away": {"url": f"http://127.0.0.1:{silent}/", "secret": "whsec_" + "c2VjcmV0" * 5},
                }
            },
        }
        config = self._folder / "privwatch.yml"
        config.write_text(yaml.safe_dump(said), encoding="utf-8")
        self._config = config
        return config

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        self.daemon = Daemon(self._settings())
        address = self.daemon.url.removeprefix("http://").removesuffix("/metrics")
        self.prometheus = Prometheus({"static_configs": [{"targets": [address]}]}, RULES)
        return self

    def __exit__(self, *_: object) -> None:
        self.prometheus.close()
        self.daemon.stop()
        self._receiver.__exit__()
