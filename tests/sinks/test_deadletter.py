"""Dead letters in a file: whole lines, rotated by size, none lost where the disk says no."""

import json
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.errors import DeadLetterError, SettingsError
from monitor.model import Reject
from monitor.sinks.deadletter import DeadLetterFile, check_file, line_of


def letters(first: int, count: int) -> list[Reject]:
    return [Reject("logs-0", n, "not_json", 40, "{a: 0") for n in range(first, first + count)]


def offsets(*files: Path) -> list[int]:
    return [json.loads(line)["offset"] for file in files for line in file.read_text().splitlines()]


class Built:
    def __init__(self, folder: Path, max_bytes: int = 1 << 20, keep: int = 3) -> None:
        self.path = folder / "dead.ndjson"
        self.gone: list[int] = []
        self.sink = DeadLetterFile(
            self.path, "default", max_bytes=max_bytes, keep=keep, discarded=self.gone.append
        )

    def write(self, first: int, count: int) -> int:
        self.sink.put(letters(first, count))
        return self.sink.flush()

    def files(self) -> list[Path]:
        """Oldest first."""
        rotated = sorted(self.path.parent.glob("dead.ndjson.*"), key=lambda file: -int(file.suffix[1:]))
        return [*rotated, self.path]


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The kernel writes as much of a file and then says no, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_letter_says_where_and_why(tmp_path):
    built = Built(tmp_path)
    built.sink.put([Reject("logs-3", 17, "truncated", 612, '{"a": "')])
    assert built.path.read_text() == "", "nothing before the flush"
    assert built.sink.flush() == 1
    assert json.loads(built.path.read_text()) == {
        "namespace": "default", "partition": "logs-3", "offset": 17, "reason": "truncated", "length": 612,
        "sample": '{"a": "',
    }  # fmt: skip
    assert stat.S_IMODE(built.path.stat().st_mode) == 0o600
    assert built.sink.flush() == 0


def test_full_files_are_rotated_and_the_oldest_goes_counted(tmp_path):
    line = len(line_of(letters(10, 1)[0], "default")) + 1
    built = Built(tmp_path, max_bytes=10 * line, keep=2)
    for first in range(10, 90, 5):
        assert built.write(first, 5) == 5
    kept = offsets(*built.files())
    assert [len(file.read_bytes()) <= 10 * line for file in built.files()] == [True] * 3
    assert len(built.files()) == 3
    assert kept == list(range(90 - len(kept), 90)), "in order, none missing"
    assert sum(built.gone) + len(kept) == 80


def test_a_flush_larger_than_a_file_is_split(tmp_path):
    built = Built(tmp_path, max_bytes=4096, keep=99)
    assert built.write(0, 500) == 500
    assert len(built.files()) > 10
    assert sorted(offsets(*built.files())) == list(range(500))


def test_a_line_larger_than_a_file_has_one_of_its_own(tmp_path):
    built = Built(tmp_path, max_bytes=4096)
    built.write(0, 1)
    built.sink.put([Reject("x" * 5000, 1, "not_json", 1)])
    assert built.sink.flush() == 1
    assert built.write(2, 1) == 1
    assert sorted(offsets(*built.files())) == [0, 1, 2]


def test_a_disk_that_is_full_loses_no_letter_and_leaves_no_half_line(tmp_path):
    built = Built(tmp_path)
    built.write(0, 5)
    before = built.path.read_bytes()
    built.sink.put(letters(5, 50))
    with no_file_larger_than(len(before) + 250):
        for _ in range(3):
            with pytest.raises(DeadLetterError, match=r"cannot be written \(File too large\); make room"):
                built.sink.flush()
            assert built.path.read_bytes() == before
    built.sink.put(letters(55, 1))
    assert built.sink.flush() == 51
    assert offsets(built.path) == list(range(56))


def test_a_folder_that_is_away_is_waited_for(tmp_path):
    (tmp_path / "dead").mkdir()
    built = Built(tmp_path / "dead")
    (tmp_path / "dead").rename(tmp_path / "gone")
    built.sink.put(letters(0, 2))
    with pytest.raises(DeadLetterError, match="No such file"):
        built.sink.flush()
    (tmp_path / "gone").rename(tmp_path / "dead")
    assert built.sink.flush() == 2
    assert offsets(built.path) == [0, 1]


def test_a_file_moved_away_by_another_tool_is_begun_anew(tmp_path):
    built = Built(tmp_path)
    built.write(0, 1)
    built.path.rename(tmp_path / "moved")
    built.write(1, 1)
    assert (offsets(tmp_path / "moved"), offsets(built.path)) == ([0], [1])


def test_a_line_torn_by_a_crash_does_not_spoil_the_next(tmp_path):
    (tmp_path / "dead.ndjson").write_text('{"offset": 1}\n{"offs')
    built = Built(tmp_path)
    built.write(2, 2)
    lines = built.path.read_text().splitlines()
    assert [json.loads(line)["offset"] for line in lines[2:]] == [2, 3]


def test_what_cannot_be_written_is_said_at_the_start(tmp_path):
    with pytest.raises(SettingsError, match=r"dead_letters.file: .*cannot be written \(No such file"):
        Built(tmp_path / "absent")
    (tmp_path / "dead.ndjson").mkdir()
    with pytest.raises(SettingsError, match="Is a directory"):
        Built(tmp_path)


def test_control_characters_and_other_scripts_stay_on_one_line(tmp_path):
    built = Built(tmp_path)
    built.sink.put([Reject("a\nb\u2028ü", 1, "not_json", 1, "\x1b[31m")])
    built.sink.flush()
    (line,) = built.path.read_bytes().splitlines()
    assert json.loads(line)["partition"] == "a\nb\u2028ü"
    assert line.isascii()


@pytest.mark.parametrize(
    ("name", "why"), [("folder", "Is a directory"), ("absent/letters", "No such file or directory")]
)
def test_a_place_that_is_none_is_said_and_nothing_is_left_there(tmp_path, name, why):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsError, match=rf"dead_letters\.file: .*{name} cannot be written \({why}\)"):
        check_file(tmp_path / name)
    check_file(tmp_path / "letters")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]
