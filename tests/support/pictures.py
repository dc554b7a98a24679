"""Pictures of the dashboards: `python -m tests.support.pictures` runs the whole set and draws what it shows.

The people of the demo use the shop for some minutes; then every panel's query is asked of the Prometheus of
deploy/compose, and drawn below docs/pictures, each where Grafana has the panel. Grafana draws more finely.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from monitor.clock import SystemClock
from tests.support import dashboards
from tests.support.drawing import drawn
from tests.support.prometheus_server import ask, ask_over
from tests.support.shipped import ROOT
from tests.support.whole_set import WholeSet

CLOCK = SystemClock()
FOLDER = ROOT / "docs" / "pictures"
POINTS = 120
"""Of a series."""


def recorded(minutes: float) -> dict[str, list[list[dict]]]:
    """By dashboard, for each of its queries in their order: what Prometheus answered."""
    with tempfile.TemporaryDirectory() as folder, WholeSet(Path(folder)) as whole:
        generator = whole.composed.compose / "generator.py"
        command = [sys.executable, str(generator), *whole.composed.command("generator")]
        whole.run("generator", command)
        begun = CLOCK.now() / 1e6
        CLOCK.sleep(minutes * 60)
        end = CLOCK.now() / 1e6
        url, step = whole.url("prometheus", 9090), (end - begun) / POINTS
        return {
            file.stem: [
                ask_over(url, one.expr, begun, end, step) if one.kind == "timeseries" else ask(url, one.expr)
                for one in dashboards.queries(file)
            ]
            for file in dashboards.files()
        }


def main() -> None:
    """Record, or take what was recorded, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--record", type=Path, help="file of the answers; taken where it is there")
    said = parser.parse_args()
    if said.record and said.record.exists():
        found = json.loads(said.record.read_text(encoding="utf-8"))
    else:
        found = recorded(said.minutes)
        if said.record:
            said.record.write_text(json.dumps(found), encoding="utf-8")
    FOLDER.mkdir(exist_ok=True)
    for file in dashboards.files():
        (FOLDER / f"{file.stem}.svg").write_text(drawn(file, found[file.stem]), encoding="utf-8")


if __name__ == "__main__":
    main()
