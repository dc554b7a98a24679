"""The log: one line of JSON a record, plain where nobody watches, and never anybody's values."""

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from monitor import logs
from monitor.errors import StoreError

VALUE = "quirin@nordwind-shop.de"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger(logs.OURS)
    kept = root.handlers[:], root.level, ours.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level, ours.level = kept
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def configured(form: str, level: str = "info", stream: io.StringIO | None = None) -> io.StringIO:
    stream = stream or io.StringIO()
    logs.configure(form, level, stream)
    return stream


def told(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def raised() -> None:
    try:
        try:
            int(VALUE)
        except ValueError as error:
            raise KeyError(VALUE) from error
    except KeyError:
        logging.getLogger("monitor.x").exception("could not do %s", "it")


def test_json_is_one_object_a_line():
    stream = configured("json")
    logging.getLogger("monitor.x").info("one\ntwo \x1b[31m %s", "ü", extra={"partition": "logs-0"})
    (line,) = told(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "logger": "monitor.x", "message": "one\ntwo \x1b[31m ü", "partition": "logs-0",
    }  # fmt: skip
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_told_without_its_words(form):
    stream = configured(form)
    raised()
    said = stream.getvalue()
    assert VALUE not in said
    for part in ("could not do it", "KeyError", "from ValueError", "test_logs.py", "raised"):
        assert part in said


def test_the_words_of_our_own_errors_are_told():
    stream = configured("json")
    try:
        raise StoreError("store x: the disk is full")
    except StoreError:
        logging.getLogger("monitor.x").exception("not stored")
    assert told(stream)[0]["error"]["message"] == "store x: the disk is full"


def test_the_console_is_plain_in_a_pipe_and_coloured_at_a_terminal(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain, coloured = configured("console"), Terminal()
    logging.getLogger("monitor.x").warning("first\n\x1b[31msecond\x07")
    configured("console", stream=coloured)
    logging.getLogger("monitor.x").warning("first\n\x1b[31msecond")
    assert plain.getvalue().endswith("Z warning  monitor.x: first\n    ?[31msecond?\n")
    assert "\x1b[33mwarning \x1b[0m monitor.x: first\n    ?[31msecond\n" in coloured.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    bare = configured("console", stream=Terminal())
    logging.getLogger("monitor.x").warning("first")
    assert "\x1b" not in bare.getvalue()


def test_levels_are_ours_and_libraries_are_heard_from_warnings_on():
    stream = configured("json", "debug")
    logging.getLogger("monitor.x").debug("ours")
    logging.getLogger("kafka.protocol").info("payload")
    logging.getLogger("kafka.protocol").warning("theirs")
    assert [line["message"] for line in told(stream)] == ["ours", "theirs"]
    stream = configured("json", "error")
    logging.getLogger("monitor.x").warning("ours")
    assert not stream.getvalue()


def test_a_record_that_cannot_be_formatted_does_not_print_its_arguments(capsys):
    stream = configured("json")
    logging.getLogger("monitor.x").warning("%d people", VALUE)
    assert "could not be written" in told(stream)[0]["message"]
    assert VALUE not in stream.getvalue() + capsys.readouterr().err


def test_a_closed_stream_stops_nobody(capsys):
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    configured("json", stream=Gone())
    logging.getLogger("monitor.x").warning(VALUE)
    assert capsys.readouterr().err == ""


def test_warnings_threads_and_uncaught_errors_end_up_in_the_log():
    stream = configured("json")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: int(VALUE), name="worker")
    thread.start()
    thread.join()
    try:
        int(VALUE)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    warned, in_thread, uncaught = told(stream)
    assert "old" in warned["message"]
    assert in_thread["message"].startswith("thread worker stopped")
    assert uncaught["error"]["type"] == "ValueError"
    assert VALUE not in stream.getvalue()


def test_a_process_that_dies_says_so_in_one_line():
    code = f"from monitor import logs; logs.configure('json', 'info'); int({VALUE!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["level"] == "critical"
    assert VALUE not in line


def test_no_command_prints_what_an_error_of_its_own_says(tmp_path):
    code = (
        "import sys, monitor.app as app, monitor.__main__ as main\n"
        f"def broken(*_, **__): raise KeyError({VALUE!r})\n"
        "app.replay = broken; sys.argv = ['privwatch', 'replay', 'x']; main.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 70
    assert "stopped by an error of its own (KeyError)" in done.stderr
    assert VALUE not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_library_is_not_heard_again_at_once_on_the_same_matter():
    stream = configured("json")
    clock = [100.0]

    def say(name: str, message: str, *args: object) -> None:
        record = logging.LogRecord(name, logging.ERROR, "x.py", 1, message, args, None)
        record.created = clock[0]
        logging.getLogger(name).handle(record)

    for second in range(25):
        clock[0] = 100.0 + second
        say("kafka.net", "lost %s", second)
        say("monitor.x", "ours")
    say("kafka.net", "another")
    messages = [line["message"] for line in told(stream)]
    assert messages.count("ours") == 25
    assert [one for one in messages if one != "ours"] == [
        "lost 0", "lost 10 (and 9 times before)", "lost 20 (and 9 times before)", "another",
    ]  # fmt: skip
