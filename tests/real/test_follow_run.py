"""`privwatch run` over files that are written, rotated and removed while it reads, and while it is dead."""

import os
import random
import shutil
import signal
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
import yaml

from monitor.app import ReplayOptions, load_rules, replay, shipped_rules
from monitor.clock import SystemClock
from monitor.demo import generate
from monitor.model import Position
from monitor.pipeline.ways import Decoding
from monitor.store.repository import open_store
from tests.real.test_kafka_run import Daemon, told
from tests.support.crashes import Instance, records
from tests.support.log_programs import needed
from tests.support.ports import free_ports
from tests.test_taint import access_line, leaks, stored, write_logs

CLOCK = SystemClock()
KILLS = int(os.environ.get("PRIVWATCH_TEST_KILLS", "4"))
SEED = int(os.environ.get("PRIVWATCH_TEST_SEED", "1"))
PATIENCE = 60


def settings_for(folder: Path, files: dict[str, dict[str, object]], **more) -> dict[str, object]:
    return {
        "sources": {"files": files},
        "store": str(folder / "store.db"),
        "key": str(folder / "key"),
        "metrics": {"port": 0},
        **more,
    }


def daemon(folder: Path, files: dict[str, dict[str, object]], **more) -> Daemon:
    config = folder / "privwatch.yml"
    config.write_text(yaml.safe_dump(settings_for(folder, files, **more)))
    return Daemon(config)


def counts(store: Path, namespace: str = "default") -> Counter[tuple[str, str]]:
    """Rejects and facts of all files together."""
    opened = open_store(store, namespace)
    found: Counter[tuple[str, str]] = Counter()
    for (_, kind, name), n in opened.counts().items():
        found[kind, name] += n
    opened.close()
    return found


def violations(store: Path, namespace: str = "default"):
    opened = open_store(store, namespace)
    found = list(opened.violations())
    opened.close()
    return found


def positions(store: Path) -> dict[str, int]:
    opened = open_store(store)
    found = {name: one.next_position for name, one in opened.checkpoints().items()}
    opened.close()
    return found


def wait_until(done: Callable[[], bool], what: Callable[[], object], seconds: float = PATIENCE) -> None:
    until = CLOCK.monotonic() + seconds
    while not done():
        assert CLOCK.monotonic() < until, what()
        CLOCK.sleep(0.1)


def replayed(folder: Path, *inputs: Path, form: str = "auto"):
    options = ReplayOptions(
        tuple(map(str, inputs)),
        (shipped_rules(),),
        folder / "replay.db",
        folder / "key",
        decoding=Decoding(format=form),
    )
    return replay(options)


def test_logs_followed_live_give_what_their_replay_gives_to_the_last_word(tmp_path):
    made, logs = tmp_path / "made", tmp_path / "logs"
    generate(made, events_per_day=300)
    logs.mkdir()
    names = ("access.log", "application.ndjson", "database.ndjson")
    lines = {name: (made / name).read_bytes().splitlines(keepends=True) for name in names}
    for name in names:  # half of it is there already
        (logs / name).write_bytes(b"".join(lines[name][: len(lines[name]) // 2]))
    groups = {name.partition(".")[0]: {"paths": str(logs / name)} for name in names}
    running = daemon(tmp_path, groups, limits={"batch_records": 200})
    assert "reading " + str(logs / "access.log") in running.said
    for step in range(4):  # and the rest comes, cut anywhere
        for name in names:
            rest = b"".join(lines[name][len(lines[name]) // 2 :])
            with (logs / name).open("ab") as file:
                file.write(rest[len(rest) * step // 4 : len(rest) * (step + 1) // 4])
    running.wait_for(sum(map(len, lines.values())))
    wait_until(lambda: set(lag(running).values()) == {0.0}, lambda: lag(running))
    metrics = running.metrics()
    assert running.stop() == 0
    assert {name: n for name, n in metrics.items() if "source_silence" in name}.keys() == {
        f'privwatch_source_silence_seconds{{source="{group}"}}' for group in groups
    }
    expected = replayed(tmp_path, logs).violations
    assert len(expected) > 20
    places = {f"{group}:{logs / name}#1": name for group, name in zip(groups, names, strict=True)}
    found = violations(tmp_path / "store.db")
    assert [moved(v, lambda p: places[p]) for v in found] == [
        moved(v, lambda p: Path(p.rpartition("#")[0]).name) for v in expected
    ]


def lag(running: Daemon) -> dict[str, float]:
    return {name: n for name, n in running.metrics().items() if name.startswith("privwatch_lag_bytes")}


def moved(violation, name: Callable[[str], str]):
    samples = tuple(Position(name(sample.partition), sample.offset) for sample in violation.samples)
    return replace(violation, samples=samples)


class Writer:
    """Writes two logs for some seconds; one is rotated by renaming, the other by copying and truncating."""

    def __init__(self, folder: Path, values: list[bytes], seconds: float, rng: random.Random) -> None:
        self.logs = [folder / "renamed.log", folder / "copied.log"]
        self._values, self._seconds, self._rng = values, seconds, rng
        self.thread = Thread(target=self._write, daemon=True)
        self.thread.start()

    def _write(self) -> None:
        steps = max(1, round(self._seconds / 0.05))
        size = -(-len(self._values) // steps)
        for first in range(0, len(self._values), size):
            log = self._rng.choice(self.logs)
            data = b"".join(value + b"\n" for value in self._values[first : first + size])
            cut = self._rng.randrange(len(data))
            for part in (data[:cut], data[cut:]):
                with log.open("ab") as file:
                    file.write(part)
                CLOCK.sleep(0.025)
            if self._rng.random() < 0.4 / KILLS:  # some twenty times in all, so that none is removed
                self._rotate(log)

    def _rotate(self, log: Path) -> None:
        for number in range(40, 0, -1):
            older = log.with_name(f"{log.name}.{number}")
            if older.exists():
                older.rename(log.with_name(f"{log.name}.{number + 1}"))
        if log is self.logs[0]:
            log.rename(log.with_name(f"{log.name}.1"))
            log.touch()
        else:
            shutil.copy(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


@pytest.mark.timeout(300 + 30 * KILLS)
def test_killed_at_random_moments_while_logs_rotate(tmp_path):
    rng = random.Random(SEED)
    values = [value for some in records(800 * KILLS, SEED) for value in some]
    logs = tmp_path / "logs"
    logs.mkdir()
    files = {"app": {"paths": str(logs / "*.log"), "format": "json", "every_seconds": 0.3}}
    one = Instance(tmp_path, "one", settings_for(tmp_path, files, limits={"batch_records": 50}))
    for name in ("renamed.log", "copied.log"):
        (logs / name).touch()
    with closing(one):
        one.start()
        one.wait_reading()
        wait_until(lambda: len(positions(tmp_path / "store.db")) == 2, one.said)  # both logs are known
        writer = Writer(logs, values, 4 * KILLS, random.Random(SEED))
        for kill in range(KILLS):
            if kill:
                one.start()
            if kill % 4 == 3:
                CLOCK.sleep(rng.uniform(0, 3))  # while it starts, too
            else:
                one.wait_reading()
                CLOCK.sleep(rng.uniform(0, 4))
            one.kill()
        writer.thread.join(600)
        one.start()
        one.wait_reading()
        stored = tmp_path / "store.db"
        expected_records = Counter({"event": len(values)})

        def read() -> int:
            return sum(n for (_, name), n in counts(stored).items() if name in TAKEN)

        wait_until(lambda: read() >= expected_records["event"], read, PATIENCE + 10 * KILLS)
        one.stop()
    rotated = len(list(logs.glob("*.log.*")))
    assert rotated > KILLS
    reference = tmp_path / "reference.ndjson"
    reference.write_bytes(b"".join(value + b"\n" for value in values))
    expected = replayed(tmp_path, reference, form="json")
    assert counts(stored) == counts(tmp_path / "replay.db", "replay")
    found = violations(stored)
    assert told(found) == told(expected.violations)
    assert {v.kind for v in found} >= {"baseline", "event"}, "the records must ask for both"
    print(f"{KILLS} kills, {rotated} rotated files, {len(values)} records")


TAKEN = {"events", "not_json", "truncated", "trailing_text", "not_an_object", "blank", "not_utf8"}
"""What a record becomes."""


@pytest.mark.parametrize("way", ["create", "copytruncate"])
def test_logrotate(tmp_path, way):
    program = needed("logrotate")
    log, config = tmp_path / "app.log", tmp_path / "logrotate.conf"
    config.write_text(f"{log} {{\n  rotate 9\n  {way}\n  su root root\n}}\n" if os.getuid() == 0 else
                      f"{log} {{\n  rotate 9\n  {way}\n}}\n")  # fmt: skip
    tmp_path.chmod(0o755)
    log.touch()
    running = daemon(tmp_path, {"app": {"paths": str(log), "format": "text", "every_seconds": 0.2}})
    said = "%03d 2026-11-16T12:00:00Z sent to ada.wellenbrook@nordwind-shop.de, and a line of some length\n"
    total = 0
    for turn in range(3):
        with log.open("a") as file:
            for _ in range(20):
                file.write(said % total)
                total += 1
        if turn:  # once before it is read, and then after
            running.wait_for(total)
        command = [program, "--force", "--state", str(tmp_path / "state"), str(config)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    running.wait_for(total)
    CLOCK.sleep(0.5)
    assert running.records() == total
    assert running.stop() == 0
    assert sum(v.count for v in violations(tmp_path / "store.db")) == total
    assert len(list(tmp_path.glob("app.log.*"))) == 3


def test_a_file_that_may_not_be_read_is_said_and_the_others_are_followed(tmp_path):
    """By a user who is not root: root may read everything."""
    if os.getuid():
        pytest.skip("only root can start it as somebody else; others test this by running at all")
    nobody = 65534
    folder = tmp_path / "logs"
    folder.mkdir()
    for place in (*tmp_path.parents, tmp_path, folder):
        if place.stat().st_uid == 0 and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o755)
    leak = "2026-11-16T12:00:00Z sent to ada.wellenbrook@nordwind-shop.de\n"
    (folder / "closed.log").write_text(leak)
    (folder / "closed.log").chmod(0o600)
    (folder / "open.log").write_text(leak)
    source = """
import os, sys, threading
from pathlib import Path
from monitor.clock import SystemClock
from monitor.model import Claim
from monitor.sources.follow import FollowOptions, FollowSource
os.setgid(65534); os.setuid(65534)
import logging; logging.basicConfig(level=logging.WARNING, format="%(message)s")
folder = Path(sys.argv[1])
one = FollowSource(FollowOptions("a", (folder / "*.log",), every_seconds=0.1), SystemClock(),
                   claim=lambda names: dict.fromkeys(names, Claim(0)))
one.start({})
seen = []
while len(seen) < 2:
    batch = one.poll(0.5)
    if batch is not None and batch.offsets:
        seen.append(batch.partition)
        print(batch.partition, flush=True)
"""
    import sys  # noqa: PLC0415

    process = subprocess.Popen(
        [sys.executable, "-c", source, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        first = process.stdout.readline()
        assert "open.log" in first, process.stderr.read()
        (folder / "closed.log").chmod(0o644)
        second, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert "closed.log" in second
    assert said.count("closed.log: cannot be read (Permission denied); give this user the right to") == 1
    assert nobody not in {place.stat().st_uid for place in folder.iterdir()}


def guide() -> dict[str, object]:
    """The settings that getting started begins with."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "getting-started.md").read_text("utf-8")
    return yaml.safe_load(page.partition("This is `live.yml`:\n\n```yaml\n")[2].partition("```")[0])


def test_the_first_run_of_the_guide_over_a_real_nginx(tmp_path):
    program = needed("nginx")
    (port,), log = free_ports(1), tmp_path / "access.log"
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; daemon off; user root;\n"
        f"events {{}} http {{ access_log {log};\n"
        f"  server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }} }}\n"
    )
    nginx = subprocess.Popen([program, "-p", str(tmp_path), "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        wait_until(log.exists, nginx.poll)
        settings = guide()
        settings["sources"]["files"]["nginx"]["paths"] = str(log)
        config = tmp_path / "live.yml"
        config.write_text(yaml.safe_dump(settings | {"metrics": {"port": 0}}))
        ask(port, "before-the-start")
        running = Daemon(config)
        for number in range(4):
            ask(port, f"customer{number}%40nordwind-shop.de")
            if number == 1:  # as Debian's logrotate does it
                log.rename(tmp_path / "access.log.1")
                ask(port, "written-to-the-old-one%40nordwind-shop.de")
                nginx.send_signal(signal.SIGUSR1)
                wait_until(log.exists, nginx.poll)
        running.wait_for(5)
        assert running.stop() == 0
    finally:
        nginx.terminate()
        nginx.wait(10)
    found = violations(tmp_path / "live.db")
    rules = {rule.header.id: rule.header.name for rule in load_rules([shipped_rules()], CLOCK)[0].rules}
    in_urls = [v for v in found if rules.get(v.rule) == "email_in_url"]
    assert sum(v.count for v in in_urls) == 5
    assert {sample.partition.rpartition("#")[2] for v in in_urls for sample in v.samples} == {"1", "2"}


def ask(port: int, word: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/search?mail={word}", timeout=10) as answer:
        assert answer.status == 204


def test_nothing_personal_leaves_a_daemon_that_follows_files(tmp_path):
    """The logs with known values of the taint tests, in all of what it says, stores and keeps."""
    logs = tmp_path / "logs"
    logs.mkdir()
    write_logs(logs)
    kept = tmp_path / "kept"
    kept.mkdir()
    running = daemon(
        kept,
        {"all": {"paths": str(logs / "*"), "every_seconds": 0.2}},
        log={"format": "json", "level": "debug"},
        dead_letters={"file": "dead.ndjson"},
    )
    wait_until(lambda: running.records() > 100 and set(lag(running).values()) == {0.0}, lambda: lag(running))
    (logs / "app.ndjson").rename(logs / "app.ndjson.1")
    os.truncate(logs / "plain.txt", 0)
    (logs / "plain.txt").write_text(f"{access_line()}\n")
    CLOCK.sleep(1)
    with running.page() as page:
        said = page.read()
    assert running.stop() == 0
    said += (running.said + running.rest).encode()
    assert b"table.csv: is a table, which cannot be followed" in said
    assert leaks(said) == set()
    files = {name: data for name, data in stored(kept).items() if name != "privwatch.yml"}
    assert {"store.db", "dead.ndjson"} <= files.keys()
    assert {name: leaks(data) for name, data in files.items() if leaks(data)} == {}
