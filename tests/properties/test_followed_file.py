"""A followed file and a model of it: whatever writers, rotation and crashes do, each line is read once."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.sources.marks import COPY_BYTES, PROOF_BYTES
from tests.support.following import Reader, line

KEPT = 3
"""Rotated files; the one before is removed."""


@dataclass(eq=False)
class Content:
    """What was written into one file before another one, or nothing, took its place."""

    data: bytes = b""
    seen: bool = False
    """Whether it was there when the reader looked, so that it holds the file open."""
    copy: bool = False
    stranger: bool = False
    """Whether it was rotated away before anybody knew that there is such a log at all."""

    @property
    def part(self) -> bytes:
        """The line that is not finished."""
        return self.data.rpartition(b"\n")[2]


class FollowedFile(RuleBasedStateMachine):
    """`files[0]` is the log, `files[n]` the one rotated n times; `gone` were removed, or written over."""

    @initialize(pattern=st.sampled_from(["app.log", "app.log*"]))
    def begin(self, pattern):
        self.folder = Path(tempfile.mkdtemp(prefix="followed-"))
        self.files: dict[int, Content] = {0: Content()}
        self.gone: list[Content] = []
        self.may_be_lost: set[bytes] = set()
        self.number = 0
        self.path(0).touch()
        self.down = False
        self.reader = Reader(self.folder / pattern, lines=4).start()
        self.look()

    def path(self, number: int) -> Path:
        return self.folder / (f"app.log.{number}" if number else "app.log")

    def append(self, number: int, data: bytes) -> None:
        content = self.files.setdefault(number, Content())
        content.data += data
        with self.path(number).open("ab") as file:
            file.write(data)

    def fresh(self) -> bytes:
        self.number += 1
        return line(self.number)

    def unread(self, content: Content) -> set[bytes]:
        return {text for text in content.data.splitlines(keepends=True) if not self.reader.lines[text]}

    def lose(self, content: Content) -> None:
        """What nobody has read of it may never be read: nobody holds the file."""
        self.gone.append(content)
        if self.down or not content.seen:
            self.may_be_lost |= self.unread(content)

    def look(self, *, settled: bool = False) -> None:
        """What is there by now is held open; a short file that was rotated may be a copy in the making."""
        for number, content in self.files.items():
            content.seen = content.seen or not number or len(content.data) >= PROOF_BYTES or settled

    @rule(lines=st.integers(1, 9))
    def write(self, lines):
        self.append(0, b"".join(self.fresh() for _ in range(lines)))

    @rule(cut=st.integers(6, 60))
    def write_by_halves(self, cut):
        whole = self.fresh()
        self.append(0, whole[:cut])
        self.read()
        self.append(0, whole[cut:])

    @rule()
    @precondition(lambda self: 1 in self.files and not self.files[1].copy and not self.files[1].part)
    def write_to_the_rotated_one(self):
        self.append(1, self.fresh())

    @rule(cut=st.just(0) | st.integers(6, 60))  # so much of it that no two halves are alike
    @precondition(lambda self: 0 in self.files)
    def rotate_by_renaming(self, cut):
        if cut:  # the writer died in the middle of a line
            self.append(0, self.fresh()[:cut])
        self.shift()
        self.path(0).rename(self.path(1))
        self.files[1] = self.files.pop(0)

    # Where less was read of a file its copy cannot be told from a file that merely begins like it.
    @rule()
    @precondition(lambda self: 0 in self.files and len(self.read_of(self.files[0])) >= COPY_BYTES)
    def rotate_by_copying(self):
        self.shift()
        shutil.copy(self.path(0), self.path(1))
        os.truncate(self.path(0), 0)
        content, fresh = self.files[0], Content(seen=self.files[0].seen)
        content.copy = True
        self.files |= {0: fresh, 1: content}

    def read_of(self, content: Content) -> bytes:
        return b"".join(t for t in content.data.splitlines(keepends=True) if self.reader.lines[t])

    def shift(self) -> None:
        if not self.files[0].seen and not self.reader.held:
            self.files[0].stranger = True
        for number in range(KEPT, 0, -1):
            if number in self.files:
                content = self.files.pop(number)
                if number == KEPT:
                    self.path(number).unlink()
                    self.lose(content)
                else:
                    self.path(number).rename(self.path(number + 1))
                    self.files[number + 1] = content

    @rule()
    @precondition(lambda self: 0 in self.files)
    def truncate(self):
        os.truncate(self.path(0), 0)
        self.may_be_lost |= self.unread(self.files[0])
        self.gone.append(self.files[0])
        self.files[0] = Content(seen=self.files[0].seen)

    @rule()
    @precondition(lambda self: 0 in self.files)
    def remove(self):
        self.path(0).unlink()
        self.lose(self.files.pop(0))

    @rule()
    @precondition(lambda self: not self.down)
    def read(self):
        if not self.down:
            self.reader.read()
            self.look()

    @rule(batches=st.integers(1, 4))
    @precondition(lambda self: not self.down)
    def a_turn_that_is_not_stored(self, batches):
        self.reader.clock.sleep(1.5)
        self.reader.turn(batches)
        self.reader.source.rewind(self.reader.held)

    @rule(batches=st.integers(0, 4), stored=st.booleans())
    @precondition(lambda self: not self.down)
    def die(self, batches, stored):
        self.reader.clock.sleep(1.5)
        found = self.reader.turn(batches)
        if stored:
            self.reader.keep(found)
        self.reader.source.close()
        for content in self.gone:
            self.may_be_lost |= self.unread(content)
        self.down = True

    @rule()
    @precondition(lambda self: self.down)
    def start_again(self):
        if not self.reader.held:  # it died before it stored anything: this is a first start
            for number, content in self.files.items():
                content.stranger = number > 0
        self.reader.source = self.reader.opened()
        self.reader.start()
        self.down = False
        for content in self.files.values():
            content.seen = False
        self.look()

    @rule()
    @precondition(lambda self: not self.down and not any(c.part for c in self.files.values()))
    def a_quiet_while(self):
        self.reader.read(100)
        self.reader.read(100)
        self.look(settled=True)

    @invariant()
    def nothing_twice(self):
        assert max(self.reader.lines.values(), default=1) == 1

    def teardown(self):
        if not hasattr(self, "reader"):
            return  # not even begun
        if self.down:
            self.start_again()
        for _ in range(4):
            self.reader.read(400)
        self.nothing_twice()
        for content in (*self.gone, *self.files.values()):
            assert content.stranger or self.unread(content) <= self.may_be_lost
        self.reader.source.close()
        shutil.rmtree(self.folder)


FollowedFile.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_each_line_once = pytest.mark.timeout(300)(FollowedFile.TestCase)
