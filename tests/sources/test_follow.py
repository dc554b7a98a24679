"""Followed files: whatever is done to them, each line once, and on from there after a restart."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.errors import StoreAwayError
from monitor.sources.follow import LINGER_SECONDS
from monitor.telemetry import CUT
from tests.support.following import Reader, line


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def reader(log) -> Iterator[Reader]:
    found = Reader(log)
    yield found
    found.source.close()


def write(path: Path, *numbers: int) -> list[bytes]:
    """Append lines as a log is written."""
    lines = [line(number) for number in numbers]
    with path.open("ab") as file:
        file.writelines(lines)
    return lines


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(0)


def test_what_is_there_and_what_comes_is_read(reader, log):
    first = write(log, 1, 2)
    reader.start()
    assert reader.read() == first
    assert reader.read() == []
    assert reader.read() + write(log, 3) == reader.read()
    assert reader.partitions() == ["app.log#1"]
    assert [offset for _, offset in reader.places] == [0, 1, 2]


def test_a_file_that_comes_later_is_read_from_its_beginning(reader, log, caplog):
    reader.start()
    assert "there is no such file yet; it is followed once it is there" in caplog.text
    caplog.clear()
    assert reader.read() == []
    assert caplog.text == "", "it is said once"
    assert reader.read() + write(log, 1) == reader.read()


def test_many_files_by_a_pattern_and_new_ones(tmp_path):
    shop, crm = tmp_path / "shop", tmp_path / "crm" / "deep"
    for folder in (shop, crm):
        folder.mkdir(parents=True)
    wanted = write(shop / "a.log", 1) + write(crm / "b.log", 2)
    write(shop / "a.txt", 3)
    write(shop / ".hidden.log", 3)
    reader = Reader(tmp_path / "**" / "*.log").start()
    assert sorted(reader.read()) == wanted
    later = tmp_path / "later"
    later.mkdir()
    assert write(later / "c.log", 4) == reader.read()
    reader.source.close()


def test_a_line_waits_for_its_end_but_not_for_ever(reader, log):
    log.write_bytes(b"one\nhal")
    reader.start()
    assert reader.read() == [b"one\n"]
    assert reader.read(200) == []
    with log.open("ab") as file:
        file.write(b"f\nthree")
    assert reader.read(200) == [b"half\n"]
    assert reader.read(299) == []
    assert reader.read(2) == [b"three"]
    with log.open("ab") as file:
        file.write(b" and more\n")
    assert reader.read() == [b" and more\n"]
    assert [offset for _, offset in reader.places] == [0, 1, 2, 3]


def test_a_line_that_is_too_long_is_a_reject(log):
    reader = Reader(log, limits=type(Reader(log).options.limits)(chunk=100, record=200)).start()
    with log.open("ab") as file:
        file.write(b"a\n" + b"x" * 1000 + b"\n" + b"y" * 200 + b"\nb\n")
    assert reader.read() == [b"a\n", b"y" * 200 + b"\n", b"b\n"]
    assert [(offset, reason) for _, offset, reason in reader.rejects] == [(1, "too_long")]
    assert reader.again().read() == []
    reader.source.close()


@pytest.mark.parametrize("stopped", [False, True])
def test_rotated_by_renaming(reader, log, stopped):
    first = write(log, 1, 2)
    reader.start()
    assert reader.read() == first
    old = log.with_name("app.log.1")

    def rotate() -> None:
        write(log, 3)
        log.rename(old)
        write(old, 4)  # the writer has not opened the new one yet
        write(log, 5)

    if stopped:
        reader.again(changed=rotate)
    else:
        rotate()
    assert reader.read() == [line(3), line(4), line(5)]
    assert write(old, 6) == reader.read()
    assert reader.partitions() == ["app.log#1", "app.log#2"]
    assert reader.again().read() == []


def test_rotated_three_times_while_nobody_watched(reader, log):
    write(log, 1)
    reader.start()
    reader.read()

    def rotate() -> None:
        for number in (2, 3, 4):
            write(log, number)
            for step in (3, 2, 1):
                older = log.with_name(f"app.log.{step}")
                if older.exists():
                    older.rename(log.with_name(f"app.log.{step + 1}"))
            log.rename(log.with_name("app.log.1"))
        write(log, 5)

    assert reader.again(changed=rotate).read() == [line(2), line(3), line(4), line(5)]
    assert len(reader.partitions()) == 4
    assert reader.again().read() == []


def test_old_rotated_files_are_left_alone(reader, log):
    write(log.with_name("app.log.2"), 1)
    write(log.with_name("app.log.1"), 2)
    wanted = write(log, 3)
    reader.start()
    assert reader.read() == wanted
    assert reader.again().read() == []


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("copied", [False, True], ids=["after a read", "before it"])
def test_rotated_by_copying_and_truncating(reader, log, stopped, copied):
    write(log, 1, 2)
    reader.start()
    reader.read()

    def rotate() -> None:
        if copied:
            write(log, 3, 4)
        shutil.copy(log, log.with_name("app.log.1"))
        truncate(log)
        write(log, 5)

    if stopped:
        reader.again(changed=rotate)
    else:
        rotate()
    assert sorted(reader.read() + reader.read()) == [line(n) for n in ((3, 4, 5) if copied else (5,))]
    assert reader.facts[CUT] == 0
    assert write(log, 6) == reader.read()
    assert reader.partitions() == ["app.log#1", "app.log#2"]
    assert reader.again().read() == []


def test_a_copy_of_what_was_not_read_yet_is_read_once(reader, log):
    """Whatever moment of the copying is looked at: empty, half, whole, truncated, written to again."""
    reader.start()
    reader.read()
    write(log, *range(9))
    copy, data = log.with_name("app.log.1"), log.read_bytes()
    for size in (0, len(data) // 3, len(data)):
        copy.write_bytes(data[:size])
        reader.clock.sleep(20)
        reader.source._scan()
    truncate(log)
    write(log, *range(10, 19))
    for _ in range(4):
        reader.read(20)
    assert reader.lines == {line(n): 1 for n in (*range(9), *range(10, 19))}


def test_a_copy_is_found_although_the_log_was_written_to_since(reader, log):
    reader.start()
    write(log, 1)
    log.touch()
    reader.read()
    write(log, 2)

    def rotate() -> None:
        shutil.copy(log, log.with_name("app.log.1"))
        truncate(log)
        write(log, 3)
        shutil.copy(log, log.with_name("app.log.2"))  # of what nobody has seen, and older than what comes
        truncate(log)
        write(log, 4)

    rotate()
    for _ in range(4):
        reader.read(20)
    assert reader.lines == {line(n): 1 for n in (1, 2, 3, 4)}


def test_copies_that_the_pattern_matches_are_not_read_twice(tmp_path):
    log = tmp_path / "app.log"
    reader = Reader(tmp_path / "app.log*").start()
    for number in range(5):
        write(log, 2 * number)
        reader.read()
        write(log, 2 * number + 1)
        for step in (3, 2, 1):
            older = log.with_name(f"app.log.{step}")
            if older.exists():
                older.rename(log.with_name(f"app.log.{step + 1}"))
        # As slow as large files are copied: half of it is seen first.
        data = log.read_bytes()
        log.with_name("app.log.1").write_bytes(data[: len(data) // 2])
        reader.read()
        with log.with_name("app.log.1").open("ab") as copy:
            copy.write(data[len(data) // 2 :])
        truncate(log)
        reader.read()
    reader.again().read(100)
    assert reader.lines == {line(number): 1 for number in range(10)}
    reader.source.close()


def test_truncated_in_place_and_grown_beyond_before_anybody_looked(reader, log):
    write(log, 1)
    reader.start()
    reader.read()
    truncate(log)
    assert write(log, *range(10, 20)) == reader.read()
    truncate(log)
    assert write(log, *range(30, 40)) == reader.read(), "not one byte more or less"
    assert reader.partitions() == ["app.log#1", "app.log#2", "app.log#3"]


def test_what_was_unread_when_a_file_was_truncated_is_counted(reader, log, caplog):
    write(log, 1)
    reader.start()
    reader.read()
    write(log, 2)
    reader.source.lag()
    reader.clock.sleep(1)
    reader.source._look(reader.clock.monotonic(), closely=False)
    truncate(log)
    reader.read()
    assert reader.facts[CUT] == 1
    assert f"truncated before its last {len(line(2))} bytes were read" in caplog.text
    assert write(log, 3) == reader.read()


def test_a_removed_file_is_read_to_its_end_and_let_go_of(reader, log):
    write(log, 1)
    reader.start()
    reader.read()
    with log.open("ab") as writer:
        log.unlink()
        writer.write(line(2) + b"cut sho")
        writer.flush()
        assert reader.read() == [line(2)]
        assert reader.read(LINGER_SECONDS - 5) == []
        assert len(reader.source.lag()) == 1
        assert reader.read(6) == [b"cut sho"]
    reader.read(1)
    assert reader.source.lag() == {}
    assert write(log, 3) == reader.read()


def test_an_inode_that_is_used_again_is_another_file(reader, log):
    write(log, 1, 2, 3)
    reader.start()
    reader.read()
    inode = log.stat().st_ino

    def replaced() -> None:
        # The same inode on every file system: the content is another one.
        truncate(log)
        write(log, 4, 5, 6, 7)

    assert reader.again(changed=replaced).read() == [line(4), line(5), line(6), line(7)]
    assert log.stat().st_ino == inode


def test_a_file_that_is_put_in_place_anew_goes_on(reader, log):
    """As rsync, or an editor, leaves it: another inode, all that was there and more."""
    write(log, 1, 2)
    reader.start()
    reader.read()
    for number in (3, 4):
        fresh = log.with_name("app.log.tmp")
        shutil.copy(log, fresh)
        write(fresh, number)
        fresh.replace(log)
        assert reader.read() == [line(number)]
    fresh = log.with_name("app.log.tmp")
    shutil.copy(log, fresh)
    write(fresh, 5)
    assert reader.again(changed=lambda: fresh.replace(log)).read() == [line(5)]
    assert reader.partitions() == ["app.log#1"]


def test_a_start_at_the_end_means_the_end_of_the_first_start(tmp_path):
    log = tmp_path / "app.log"
    write(log, 1, 2)
    with log.open("ab") as file:
        file.write(b"half")
    reader = Reader(tmp_path / "*.log", start="end").start()
    assert reader.read() == []
    assert reader.held, "the store knows where the end was"
    with log.open("ab") as file:
        file.write(b" a line\n")
    # It dies before it has read anything.
    assert reader.again().read() == [b"half a line\n"]
    assert [offset for _, offset in reader.places] == [2]

    def rotate() -> None:
        log.rename(tmp_path / "app.log.1")
        write(log, 3)

    assert reader.again(changed=rotate).read() == [line(3)]
    assert write(tmp_path / "other.log", 4) == reader.read(), "it came while we watched"
    reader.source.close()


def test_compressed_ones_and_tables_are_left_alone(tmp_path, caplog):
    import gzip  # noqa: PLC0415

    for name in ("a.log.gz", "b.log.zst", "c.log.1.XZ"):
        (tmp_path / name).write_bytes(b"not looked into\n")
    (tmp_path / "d.log.1").write_bytes(gzip.compress(line(1)))
    (tmp_path / "e.log.csv").write_bytes(b"a,b\n1,2\n")
    wanted = write(tmp_path / "f.log", 2)
    reader = Reader(tmp_path / "*.log*", format="auto").start()
    assert reader.read() == wanted
    assert reader.read() == []
    said = [
        record.getMessage().rpartition("/")[2] for record in caplog.records if record.levelname == "WARNING"
    ]
    assert sorted(said) == [
        "d.log.1: is compressed and left alone; `privwatch replay` reads it",
        "e.log.csv: is a table, which cannot be followed; `privwatch replay` reads it",
    ]
    reader.source.close()


def test_what_is_no_file_is_said_once_and_keeps_nothing_else_from_being_followed(tmp_path, caplog):
    fifo, loop, folder = tmp_path / "fifo", tmp_path / "loop", tmp_path / "folder"
    os.mkfifo(fifo)
    loop.symlink_to(loop)
    folder.mkdir()
    (folder / "round").symlink_to(folder)
    wanted = write(folder / "a.log", 1)
    good = write(tmp_path / "b.log", 2)
    reader = Reader(
        fifo, loop, folder, tmp_path / "absent", tmp_path / "b.log", folder / "**" / "*.log"
    ).start()
    assert sorted(reader.read()) == wanted + good
    reader.read()
    said = {
        record.getMessage().removeprefix(f"{tmp_path}/")
        for record in caplog.records
        if record.levelname == "WARNING"
    }
    assert said == {
        "fifo: is a named pipe, which cannot be read again; pipe it into sources.stdin",
        "loop: cannot be followed (Too many levels of symbolic links); take the link away",
        f"folder: is a folder; name the files in it, for example {folder}/*.log",
        "absent: there is no such file yet; it is followed once it is there",
    }
    fifo.unlink()
    assert write(fifo, 3) == reader.read()
    reader.source.close()


def test_where_no_more_files_may_be_opened_the_rest_is_followed(tmp_path, caplog):
    import resource  # noqa: PLC0415

    wanted = [write(tmp_path / f"{n:02}.log", n)[0] for n in range(20)]
    reader = Reader(tmp_path / "*.log")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 12, hard))
    try:
        reader.start()
        some = reader.read()
        assert 0 < len(some) < 20
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "cannot be read (Too many open files); allow more open files (LimitNOFILE)" in caplog.text
    assert sorted(some + reader.read()) == wanted
    reader.source.close()


def test_a_disk_that_fails_is_said_and_what_it_holds_is_read_once_it_works(tmp_path, monkeypatch, caplog):
    """No disk here fails when asked to, so that the call does."""
    bad, good = tmp_path / "bad.log", tmp_path / "good.log"
    first = write(bad, 1) + write(good, 2)
    reader = Reader(tmp_path / "*.log").start()
    assert sorted(reader.read()) == first
    inode, pread, broken = bad.stat().st_ino, os.pread, [True]

    def fails(descriptor, *where):
        if broken and os.fstat(descriptor).st_ino == inode:
            raise OSError(errno.EIO, "Input/output error")
        return pread(descriptor, *where)

    monkeypatch.setattr(os, "pread", fails)
    write(bad, 3)
    assert write(good, 4) == reader.read() + reader.read() + reader.read()
    assert len(warnings(caplog)) == 2, "when it was read, and when it was opened anew"
    assert "bad.log: reading failed (Input/output error); it is tried again" in caplog.text
    assert "look after its disk, or the server it is on, the rest is followed" in caplog.text
    broken.clear()
    assert reader.read() == [line(3)]
    assert reader.partitions() == ["bad.log#1", "good.log#1"]
    reader.source.close()


def test_a_link_that_leads_elsewhere_from_now_on(tmp_path):
    link = tmp_path / "current.log"
    first = write(tmp_path / "2026-11-25.txt", 1)
    link.symlink_to(tmp_path / "2026-11-25.txt")
    reader = Reader(link).start()
    assert reader.read() == first
    second = write(tmp_path / "2026-11-26.txt", 2)
    link.unlink()
    link.symlink_to(tmp_path / "2026-11-26.txt")
    late = write(tmp_path / "2026-11-25.txt", 3)
    assert sorted(reader.read()) == second + late
    reader.source.close()


def test_two_names_of_one_file_are_one_file(tmp_path):
    wanted = write(tmp_path / "a.log", 1)
    (tmp_path / "b.log").hardlink_to(tmp_path / "a.log")
    (tmp_path / "c.log").symlink_to(tmp_path / "a.log")
    reader = Reader(tmp_path / "*.log").start()
    assert reader.read() == wanted
    reader.source.close()


def test_a_turn_that_was_not_stored_is_given_again_even_where_the_file_is_gone(reader, log):
    write(log, 1)
    reader.start()
    reader.read()
    write(log, 2)
    reader.clock.sleep(1)
    dropped = reader.turn()
    log.unlink()
    write(log, 3)
    reader.clock.sleep(1)
    dropped += reader.turn()
    reader.source.rewind(reader.held)
    assert reader.source.behind() == {one.partition for one in dropped}
    again = reader.turn()
    assert [one.payload for one in again] == [one.payload for one in dropped]
    reader.store(again)
    assert reader.lines == {line(n): 1 for n in (1, 2, 3)}
    assert reader.source.behind() == frozenset()


def test_a_turn_that_fails_twice_loses_nothing_of_what_was_to_be_given_again(log):
    reader = Reader(log, lines=1)
    write(log, *range(5))
    reader.start()
    reader.turn()
    for batches in (3, 1, 0, 2):
        reader.source.rewind(reader.held)
        reader.turn(batches)
    reader.source.rewind(reader.held)
    reader.read()
    assert reader.lines == {line(n): 1 for n in range(5)}
    reader.source.close()


def test_a_turn_whose_answer_was_lost_is_not_given_again(reader, log):
    write(log, 1)
    reader.start()
    reader.clock.sleep(1)
    reader.keep(reader.turn())  # it is stored, and nobody knows
    write(log, 2)
    reader.clock.sleep(1)
    reader.turn()
    reader.source.rewind(reader.held)
    assert reader.read() == [line(2)]


def test_what_another_instance_stored_is_not_read_again(reader, log):
    write(log, 1)
    reader.start()
    reader.read()
    other = Reader(log)
    other.held = reader.held
    write(log, 2, 3)
    other.start()
    other.read()
    other.source.close()
    reader.clock.sleep(1)
    reader.turn()  # fenced
    reader.source.rewind(reader.held)
    assert reader.read() == []
    assert write(log, 4) == reader.read()


def test_a_store_that_is_away_while_a_file_is_found(reader, log):
    reader.start()
    reader.away = True
    wanted = write(log, 1)
    reader.clock.sleep(2)
    for _ in range(3):
        with pytest.raises(StoreAwayError):
            reader.poll()
    reader.away = False
    assert reader.read() == wanted


def test_bytes_ahead_are_bounded(log):
    reader = Reader(log, lines=1, ahead_bytes=3 * len(line(0)))
    write(log, *range(9))
    reader.start()
    sizes = []
    while reader.source.behind():
        batches = reader.turn()
        sizes.append(sum(len(one.offsets) for one in batches))
        reader.store(batches)
    assert sizes == [3, 3, 3]
    reader.source.close()


def test_lag_is_in_bytes_and_ends_when_the_store_has_them(reader, log):
    size = len(line(0))
    write(log, 1, 2)
    reader.start()
    (partition,) = reader.source.lag()
    assert reader.source.lag() == {partition: 2 * size}
    assert reader.source.behind() == {partition}
    batches = reader.turn()
    assert reader.source.lag() == {partition: 2 * size}
    assert reader.source.behind() == frozenset()
    reader.store(batches)
    assert reader.source.lag() == {partition: 0}


def test_names_that_are_no_text(tmp_path):
    log = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.log"))
    wanted = write(log, 1)
    reader = Reader(log).start()
    assert reader.read() == wanted
    assert reader.partitions() == ["caf\\xe9.log#1"]
    log.rename(str(log) + ".1")
    assert reader.again().read() == []
    reader.source.close()


def test_one_inode_number_on_two_devices(tmp_path):
    """Device numbers change with a restart of the machine; what stands in the files does not."""
    places = [Path("/dev/shm"), tmp_path]
    if not places[0].is_dir() or places[0].stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    reader = Reader(*(place / "privwatch-test-a.log" for place in places))
    try:
        first = [write(place / "privwatch-test-a.log", n)[0] for n, place in enumerate(places)]
        reader.start()
        assert sorted(reader.read()) == first
        assert reader.again().read() == []
    finally:
        (places[0] / "privwatch-test-a.log").unlink()
        reader.source.close()
