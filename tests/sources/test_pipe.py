"""Standard input: what comes at once, what is given again, and its end."""

import os
from collections.abc import Iterator

import pytest

from monitor.errors import InputError
from monitor.model import Checkpoint, Logsource
from monitor.sources.chunks import Limits
from monitor.sources.pipe import PipeOptions, PipeSource
from monitor.telemetry import source_of


class Pipe:
    def __init__(self, **options) -> None:
        self._read, self._write = os.pipe()
        self.source = PipeSource(PipeOptions(**options), self._read)
        self.source.start({})

    def write(self, data: bytes) -> None:
        os.write(self._write, data)

    def end(self) -> None:
        if self._write >= 0:
            os.close(self._write)
            self._write = -1

    def close(self) -> None:
        self.end()
        os.close(self._read)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    found = Pipe(format="text", logsource=Logsource("application"))
    yield found
    found.close()


def test_lines_are_given_when_they_are_there(pipe):
    assert pipe.source.poll(0) is None
    pipe.write(b"one\ntwo\nthr")
    batch = pipe.source.poll(1)
    assert (batch.payload.data, batch.offsets, batch.next_position) == (b"one\ntwo\n", range(2), 2)
    assert (batch.format, batch.logsource) == ("text", Logsource("application"))
    assert source_of(batch.partition) == "stdin"
    assert pipe.source.checkpoint(batch, "p") == Checkpoint(2, "p")
    assert pipe.source.poll(0) is None
    pipe.write(b"ee\n")
    assert pipe.source.poll(1).offsets == range(2, 3)


def test_it_ends_with_its_last_line(pipe):
    pipe.write(b"one\ntwo")
    pipe.end()
    assert not pipe.source.exhausted
    assert pipe.source.poll(1).payload.data == b"one\ntwo"
    assert pipe.source.exhausted
    assert pipe.source.poll(0) is None


def test_what_is_not_stored_is_given_again(pipe):
    for word in (b"one\n", b"two\n", b"three\n"):
        pipe.write(word)
        batch = pipe.source.poll(1)
    pipe.end()
    assert pipe.source.poll(1) is None
    assert pipe.source.exhausted
    assert pipe.source.lag() == {batch.partition: 14}
    pipe.source.commit({batch.partition: 1})
    assert pipe.source.lag() == {batch.partition: 10}
    # The store knows more than was committed: the turn that failed had been written.
    pipe.source.rewind({batch.partition: Checkpoint(2, "p")})
    assert not pipe.source.exhausted
    assert pipe.source.behind() == {batch.partition}
    assert pipe.source.poll(0) == batch
    assert pipe.source.exhausted
    pipe.source.commit({batch.partition: 3})
    assert pipe.source.lag() == {batch.partition: 0}


def test_it_holds_nothing_back_while_nothing_comes(pipe):
    assert pipe.source.behind() == frozenset()
    pipe.write(b"x\n")
    assert len(pipe.source.behind()) == 1
    pipe.source.poll(1)
    assert pipe.source.behind() == frozenset()


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        (b'{"message": "x"}\n', "json"),
        (b'203.0.113.9 - - [16/Nov/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 5\n', "access"),
        (b"plain\n", "text"),
    ],
)
def test_the_first_lines_say_the_format(lines, form):
    pipe = Pipe()
    pipe.write(lines)
    first = pipe.source.poll(1)
    pipe.write(b"whatever\n")
    assert (first.format, pipe.source.poll(1).format) == (form, form)
    pipe.close()


def test_two_runs_are_two_partitions(pipe):
    other = Pipe()
    for one in (pipe, other):
        one.write(b"x\n")
    assert pipe.source.poll(1).partition != other.source.poll(1).partition
    other.close()


def test_a_batch_is_bounded():
    pipe = Pipe(format="text", lines=3, limits=Limits(chunk=10))
    pipe.write(b"12345\n" * 7)
    pipe.end()
    sizes = []
    while not pipe.source.exhausted:
        batch = pipe.source.poll(1)
        sizes += [] if batch is None else [len(batch.offsets)]
    assert sizes == [3, 3, 1]
    pipe.close()


def test_a_closed_input_and_a_table_are_said():
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(InputError, match="standard input is closed; pipe something in"):
        PipeSource(PipeOptions(), read).poll(0)
    pipe = Pipe()
    pipe.write(b"PAR1\n")
    with pytest.raises(InputError, match="is a table; write it into a file"):
        pipe.source.poll(1)
    pipe.close()
