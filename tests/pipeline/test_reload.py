"""Changed rules: noticed once they are whole, taken between turns or not at all."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from monitor.app import _ruling, _tested
from monitor.clock import ManualClock
from monitor.errors import RuleError, StoreError
from monitor.pipeline.reload import PATIENCE_SECONDS, Reloader, RuleFiles, Ruling, difference
from monitor.pipeline.ways import Decoding
from tests.pipeline.test_coverage import rule

CLOCK = ManualClock(1_795_000_000_000_000)


def ruling(folder: Path, **rules: str) -> Ruling:
    for file in folder.glob("*.yml"):
        file.unlink()
    for name, detection in rules.items():
        (folder / f"{name}.yml").write_text(rule(name, detection))
    return _ruling([folder], CLOCK, {"": Decoding()})


ONE = "{a: {x: 1}, condition: a}"
TWO = "{a: {x: 2}, condition: a}"


class Watch:
    """Rule files looked at every two seconds."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(1_795_000_000_000_000)
        self.files = RuleFiles([folder], self.clock, 2)

    def seen(self, looks: int = 4) -> list[bool]:
        found = []
        for _ in range(looks):
            self.clock.sleep(2)
            found.append(self.files.changed())
        return found


def test_a_change_is_noticed_once_it_holds_still(tmp_path):
    (tmp_path / "a.yml").write_text("1")
    watch = Watch(tmp_path)
    assert not any(watch.seen())
    (tmp_path / "a.yml").write_text("12")
    assert watch.seen() == [False, True, False, False]
    assert not watch.files.changed(), "two seconds have not passed"


def test_a_table_that_changed_is_noticed_as_a_rule_is(tmp_path):
    (tmp_path / "lookups").mkdir()
    table = tmp_path / "lookups" / "tickets.csv"
    table.write_text("ticket\n")
    rule = tmp_path / "one.yml"
    rule.write_text("1")
    for path in (tmp_path, rule):
        watch = Watch(path)
        assert not any(watch.seen())
        table.write_text(table.read_text() + "T-1\n")
        assert watch.seen() == [False, True, False, False]


def test_a_changed_table_makes_another_ruling(tmp_path):
    (tmp_path / "lookups").mkdir()
    table = tmp_path / "lookups" / "tickets.yml"
    asking = "{a: {ticket|lookup: tickets}, condition: a}"
    table.write_text("[T-1]")
    old = ruling(tmp_path, one=asking).ruleset
    table.write_text("[T-1, T-2]")
    assert difference(old, ruling(tmp_path, one=asking).ruleset).endswith("; changed one")


def test_a_file_that_is_being_written_is_waited_for(tmp_path):
    watch = Watch(tmp_path)
    found = []
    for size in range(5):
        (tmp_path / "a.yml").write_text("x" * size)
        found += watch.seen(1)
    assert not any(found)
    assert watch.seen() == [True, False, False, False]


@pytest.mark.parametrize("how", ["new", "gone", "below", "touched", "replaced", "link"])
def test_every_kind_of_change(tmp_path, how):
    old, new = tmp_path / "..old", tmp_path / "..new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "linked.yml").write_text("1")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yml").write_text("1")
    (rules / "note.txt").write_text("1")
    (rules / "linked.yml").symlink_to(old / "linked.yml")
    watch = Watch(rules)
    match how:
        case "new":
            (rules / "b.yaml").write_text("1")
        case "gone":
            (rules / "a.yml").unlink()
        case "below":
            (rules / "sub").mkdir()
            (rules / "sub" / "b.yml").write_text("1")
        case "touched":
            os.utime(rules / "a.yml", (1, 1))
        case "replaced":
            stat = (rules / "a.yml").stat()
            (rules / "other").write_text("2")
            os.utime(rules / "other", ns=(stat.st_atime_ns, stat.st_mtime_ns))
            (rules / "other").replace(rules / "a.yml")
        case "link":  # as Kubernetes changes a mounted ConfigMap
            (rules / "linked.yml").unlink()
            (rules / "linked.yml").symlink_to(new / "linked.yml")
    assert watch.seen() == [False, True, False, False]


def test_other_files_and_folders_that_vanish(tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    watch = Watch(rules)
    (rules / "note.txt").write_text("1")
    assert not any(watch.seen())
    shutil.rmtree(rules)
    assert watch.seen() == [False, True, False, False], "which is said, and changes nothing"


def test_a_new_day_is_a_change_since_filters_expire(tmp_path):
    watch = Watch(tmp_path)
    watch.clock.sleep(86_400)
    assert watch.seen() == [False, True, False, False]


def test_without_an_interval_nothing_is_looked_at(tmp_path):
    files = RuleFiles([tmp_path], ManualClock(), 0)
    (tmp_path / "a.yml").write_text("1")
    assert not files.changed()


class Taking:
    """A reloader whose every step is kept."""

    def __init__(self, current: Ruling, prepare) -> None:
        self.said: list[object] = []
        self.clock = ManualClock()
        self._done = threading.Event()

        def prepared():
            try:
                return prepare()
            finally:
                self._done.set()

        self.reloader = Reloader(
            current=current,
            prepare=prepared,
            take=self.take,
            begun=lambda: self.said.append("begun"),
            ended=lambda ruling: self.said.append("kept" if ruling is None else "ended"),
            clock=self.clock,
        )

    def take(self, ruling: Ruling) -> None:
        self.said.append(ruling)

    def turns(self, *wanted: bool) -> list[object]:
        for each in wanted:
            self.reloader.between(wanted=each)
            if self.reloader._coming is not None:
                assert self._done.wait(20)
                while not self.reloader._coming.done():
                    pass
            self._done.clear()
        return self.said


def test_what_changed_is_taken_at_a_later_turn(tmp_path, caplog):
    caplog.set_level("INFO", "monitor")
    old, new = ruling(tmp_path, one=ONE, kept=ONE), ruling(tmp_path, two=ONE, kept=TWO)
    taking = Taking(old, lambda: new)
    assert taking.turns(False) == []
    assert taking.turns(True) == ["begun"]
    assert taking.turns(False, False) == ["begun", new, "ended"]
    assert "2 event rules, 0 correlations; new two; changed kept; gone one" in caplog.text


def test_what_says_the_same_is_not_taken(tmp_path):
    old = ruling(tmp_path, one=ONE)
    taking = Taking(old, lambda: ruling(tmp_path, one=ONE))
    assert taking.turns(True, False) == ["begun", "ended"]


def test_asked_again_meanwhile_it_looks_again(tmp_path):
    new = ruling(tmp_path, one=TWO)
    taking = Taking(ruling(tmp_path, one=ONE), lambda: new)
    assert taking.turns(True, True, False, False) == ["begun", new, "ended", "begun", "ended"]


@pytest.mark.parametrize("broken", ["title: x\n", "{", rule("one", "{a: {x|nope: 1}, condition: a}")])
def test_what_is_broken_leaves_the_former_in_use(tmp_path, caplog, broken):
    old = ruling(tmp_path, one=ONE)
    (tmp_path / "one.yml").write_text(broken)
    taking = Taking(old, lambda: _ruling([tmp_path], CLOCK, {"": Decoding()}))
    assert taking.turns(True, False) == ["begun", "kept"]
    assert "the former stay in use" in caplog.text
    assert "one.yml:" in caplog.text


def test_a_folder_that_was_emptied_leaves_the_former_in_use(tmp_path, caplog):
    old = ruling(tmp_path, one=ONE)
    (tmp_path / "one.yml").unlink()
    taking = Taking(old, lambda: _ruling([tmp_path], CLOCK, {"": Decoding()}))
    assert taking.turns(True, False) == ["begun", "kept"]
    assert "There is no rule file in" in caplog.text


def test_rules_whose_own_tests_fail_are_not_taken(tmp_path):
    text = rule("one", ONE) + (
        "x_tests:\n  - {name: fires, expect: match, events: [{at: 0s, set: {x: 2}}]}\n"
        "  - {name: other, expect: no_match, events: [{at: 0s, set: {x: 3}}]}\n"
    )
    (tmp_path / "one.yml").write_text(text)
    with pytest.raises(RuleError, match=r"one.yml:\d+:\d+: failed\[fires\]: Expected match"):
        _tested(_ruling([tmp_path], CLOCK, {"": Decoding()}))
    (tmp_path / "one.yml").write_text(text.replace("{x: 2}", "{x: 1}"))
    _tested(_ruling([tmp_path], CLOCK, {"": Decoding()}))


@pytest.mark.parametrize("error", [StoreError("store x: away"), RuntimeError("geheim")])
def test_a_change_over_that_fails_leaves_the_former_in_use(tmp_path, caplog, error):
    new = ruling(tmp_path, one=TWO)
    taking = Taking(ruling(tmp_path, one=ONE), lambda: new)

    def fails(_):
        raise error

    taking.reloader._take = fails
    assert taking.turns(True, False) == ["begun", "kept"]
    assert taking.turns(True, False)[-1] == "kept", "the new rules are still not in use"


def test_a_difference_names_what_changed(tmp_path):
    old, new = ruling(tmp_path, one=ONE), ruling(tmp_path, one=ONE, two=ONE)
    assert difference(old.ruleset, new.ruleset) == "2 event rules, 0 correlations; new two"


def test_files_that_never_end_are_given_up_and_looked_at_again(tmp_path, caplog):
    old, new = ruling(tmp_path, one=ONE), ruling(tmp_path, two=ONE)
    pipe = tmp_path / "pipe.yml"
    os.mkfifo(pipe)
    ways = [pipe.read_text, lambda: new]
    clock, said, taken = ManualClock(), [], []

    def prepare():
        return ways.pop(0)()

    reloader = Reloader(
        current=old,
        prepare=prepare,
        take=taken.append,
        begun=lambda: said.append("begun"),
        ended=lambda one: said.append("kept" if one is None else "ended"),
        clock=clock,
    )
    for wanted, passed in ((True, 0), (False, PATIENCE_SECONDS), (False, 1)):
        clock.sleep(passed)
        reloader.between(wanted=wanted)
    assert said == ["begun", "kept"]
    assert "is there a pipe among the files" in caplog.text
    reloader.between(wanted=True)
    while not taken:
        reloader.between(wanted=False)
    assert taken == [new]
    assert said == ["begun", "kept", "begun", "ended"]
    pipe.write_text("")  # lets the thread go; what it comes to is not asked for any more
    reloader.between(wanted=False)
    assert len(said) == 4
