"""The daemon for minutes beside a real Apache Kafka: is its memory flat, and does it idle when nothing comes?

    .venv/bin/python benchmarks/soak.py --minutes 10 --rate 2000

The last line of its output is one JSON object: megabytes (median of each third of the time, and the most),
shares of one processor under that rate and with nothing to read.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support import kafka_jars
from tests.support.kafka_server import Kafka, KafkaServer
from tests.support.soak import soak


def main() -> int:
    """Measure and print; 2 where there is no Kafka."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=2000, help="records a second")
    parser.add_argument("--idle", type=float, default=60, help="seconds of idling before")
    wanted = parser.parse_args()
    if reason := kafka_jars.provision():
        print(reason, file=sys.stderr)
        return 2
    server = KafkaServer()
    try:
        server.start()
        kafka = Kafka(server.bootstrap)
        found = soak(kafka, seconds=60 * wanted.minutes, rate=wanted.rate, idle_seconds=wanted.idle, every=5)
    finally:
        server.close()
    print(
        json.dumps(
            {
                "minutes": wanted.minutes,
                "records": found.records,
                "stored": found.stored,
                "mb_thirds": [round(found.third(number), 1) for number in range(3)],
                "mb_most": round(max(found.memory), 1),
                "cpu_share": round(found.busy, 3),
                "cpu_share_idle": round(found.idle, 4),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
