"""A hostile user at the command line: names, titles and values that act, files that are not what they say."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from monitor import printable
from tests.support.command import Done, privwatch
from tests.support.terminal import run

ACTING = "\x1b[31mRED\x1b]0;pwned\x07\x9b2J\u202eabc\x7f\r\x08"
"""Colours, a window title, a cleared screen, text turned around, a line written over."""
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

RULE = {
    "title": "Quiet",
    "id": "5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c11",
    "name": "quiet",
    "status": "stable",
    "level": "high",
    "description": f"Something {ACTING}\nin lines",
    "logsource": {"category": "application"},
    "detection": {"sel": {"op": "x"}, "condition": "sel"},
    "x_privacy": {"articles": [f"32{ACTING}"], "actor": "login", "resource": "where"},
    "x_tests": [
        {"name": f"one {ACTING}", "expect": "match", "events": [{"set": {"op": "x"}}]},
        {"name": f"other {ACTING}", "expect": "no_match", "events": [{"set": {"op": "y"}}]},
    ],
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "rule.yml"
    path.write_text(json.dumps({**RULE, **changes}))
    return path


def calm(text: str) -> None:
    assert not ACTS.search(text.replace("\r\n", "\n")), repr(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    event = {
        "@timestamp": "2026-11-16T09:00:00Z",
        "op": "x",
        "login": f"ada{ACTING}",
        "where": f"there{ACTING}",
        "service": {"name": f"svc{ACTING}"},
        "event": {"action": f"go{ACTING}"},
        f"k{ACTING}": "to lena.brandt@nordwind-shop.de",
        "message": f"{ACTING} lena.brandt@nordwind-shop.de",
    }
    line = json.dumps(event, ensure_ascii=False)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / f"app{ACTING}\n.ndjson").write_text(f"{line}\n{ACTING} no json\n")
    write(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("form", "rules"),
    [
        *((form, ["--rules", "rule.yml"]) for form in ("table", "details", "json", "ndjson")),
        ("details", []),
    ],
)
def test_nothing_of_a_log_or_its_name_acts_on_the_terminal(folder: Path, form: str, rules: list[str]) -> None:
    done = privwatch("replay", "logs", *rules, "-o", form, folder=folder)
    assert done.code == 1, done.err
    calm(done.out)
    calm(done.err)
    if form == "json":
        (one,) = {v["samples"][0]["partition"].rpartition("#")[0] for v in json.loads(done.out)}
        assert one.endswith(f"app{ACTING}\n.ndjson"), "escaped, and still the file's name"


def test_at_a_terminal_neither(folder: Path) -> None:
    calm(run(["replay", "logs", "--rules", "rule.yml"], cwd=folder, columns=100).out)


@pytest.mark.parametrize("columns", [None, 100])
@pytest.mark.parametrize("form", ["table", "details"])
def test_brackets_of_a_title_are_no_markup(folder: Path, form: str, columns: int | None) -> None:
    title = "Read of [/etc/passwd] or [bold]"
    write(folder, title=title)
    said = run(["replay", "logs", "--rules", "rule.yml", "-o", form], cwd=folder, columns=columns)
    assert (said.code, title in said.out) == (1, True), said.err


@pytest.mark.parametrize("form", ["text", "json", "junit", "github"])
def test_nothing_of_a_rule_acts_on_the_terminal(folder: Path, form: str) -> None:
    failing = [
        {**test, "expect": "no_match" if test["expect"] == "match" else "match"} for test in RULE["x_tests"]
    ]
    write(folder, x_tests=failing)
    done = privwatch("check", "rule.yml", "-o", form, folder=folder)
    assert done.code == 1
    assert "other" in done.out
    calm(done.out)


def test_explain_neither(folder: Path) -> None:
    logs = next((folder / "logs").iterdir())
    done = privwatch("explain", "quiet", "--rules", "rule.yml", "--event", logs, folder=folder)
    assert done.code == 0, done.err
    calm(done.out)
    calm(done.err)


@pytest.mark.parametrize("key", ["title", "name"])
@pytest.mark.parametrize("sign", ["\x1b[31m", "a\tb", "a\nb", "\u202e", "\x85"])
def test_a_title_of_more_than_a_line_is_refused(folder: Path, key: str, sign: str) -> None:
    done = privwatch("check", write(folder, **{key: f"x{sign}y"}), folder=folder)
    assert done.code == 1
    assert "another character that is not shown" in done.out
    calm(done.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", f"{ACTING}.log"],
        ["check", f"{ACTING}.yml"],
        ["explain", f"{ACTING}"],
        ["replay", "logs", "--since", ACTING],
        ["replay", f"{ACTING}*.log"],
        ["replay", "logs", "--store", f"mysql://h/{ACTING}"],
        ["run", "-c", ACTING],
    ],
)
def test_nor_what_is_typed(folder: Path, arguments: list[str]) -> None:
    done = privwatch(*arguments, folder=folder)
    assert done.code == 2
    calm(done.err)


def test_cells_stay_in_their_columns_and_json_stays_json() -> None:
    assert printable.cell("a\tb\nc") == "a\ufffdb\ufffdc"
    assert printable.line("a\tb\nc") == "a\tb\ufffdc"
    text = f"a\n\t{ACTING}\ud800"
    assert json.loads(printable.json_text(json.dumps(text, ensure_ascii=False))) == text
    calm(printable.lines(text))


def test_a_name_that_is_not_utf8_is_a_name(folder: Path) -> None:
    odd = os.fsdecode(b"odd\xff.ndjson")
    (folder / odd).write_text('{"op": "x", "@timestamp": "2026-11-16T09:00:00Z"}\n')
    for form in ("details", "json"):
        done = privwatch("replay", odd, "--rules", "rule.yml", "-o", form, folder=folder)
        assert done.code == 1, done.err
        assert "odd\\xff.ndjson" in done.out.replace("\\\\", "\\")
    assert "read nothing new" in done.err, "it is known again"


@pytest.mark.parametrize(
    "inputs", [["absent.log"], ["*.nope"], ["logs", "absent.log"], ["empty"], ["/dev/null"]]
)
def test_where_there_is_nothing_to_read_nothing_is_made(folder: Path, inputs: list[str]) -> None:
    (folder / "empty").mkdir()
    before = sorted(folder.rglob("*"))
    done = privwatch("replay", *inputs, folder=folder)
    assert done.code == 2
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "options",
    [
        *(["--namespace", ""], ["--year", "99999"], ["--year", "0"]),
        *(["--store", store] for store in (".", "..", "/", "logs", "sqlite:///x.db")),
        *(["--key", key] for key in (".", "..", "logs")),
    ],
)
def test_options_out_of_range_are_refused(folder: Path, options: list[str]) -> None:
    assert privwatch("replay", "logs", *options, folder=folder).code == 2


def test_an_empty_category_says_nothing(folder: Path) -> None:
    arguments = ["replay", "logs", "--rules", "rule.yml", "--category", "", "--exit-zero"]
    assert "1 violation of 1 rule" in privwatch(*arguments, folder=folder).err


def test_rule_files_without_end_and_loops_of_links(folder: Path) -> None:
    assert "file-too-large" in privwatch("check", "/dev/zero", folder=folder).out
    (folder / "rules").mkdir()
    write(folder).rename(folder / "rules" / "rule.yml")
    (folder / "rules" / "again").symlink_to(folder / "rules")
    (folder / "rules" / "loop.yml").symlink_to("loop.yml")
    os.mkfifo(folder / "rules" / "pipe.yml")
    done = privwatch("check", "rules", folder=folder)
    assert (done.code, done.out) == (0, "0 errors, 0 warnings; 2 of 2 tests passed.\n")


@pytest.mark.parametrize(
    "event",
    [
        {"at": "999999999w"},
        {"every": "300w", "repeat": 5},
        {"at": "366d", "every": "366d", "repeat": 100_000},
    ],
)
def test_tests_of_a_rule_span_a_decade_at_most(folder: Path, event: dict[str, object]) -> None:
    tests = [{"name": "far", "expect": "match", "events": [{**event, "set": {"op": "x"}}]}]
    done = privwatch("check", write(folder, x_tests=[*tests, RULE["x_tests"][1]]), folder=folder)
    assert done.code == 1
    assert "more than ten years" in done.out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_what_may_not_be_read_is_said(folder: Path) -> None:
    for name in ("locked.ndjson", "locked.yml"):
        (folder / name).write_text("title: x\n")
        (folder / name).chmod(0)
    for each in [folder, *folder.parents][:4]:
        each.chmod(each.stat().st_mode | 0o755)
    (folder / "logs" / "nginx").mkdir(parents=True)
    for name in ("logs/app.ndjson", "logs/nginx/access.ndjson"):
        (folder / name).write_text("{}\n")
    (folder / "logs" / "nginx").chmod(0)
    (folder / "out").mkdir()
    (folder / "out").chmod(0o777)
    names = "locked.ndjson", "logs", "logs/nginx", "logs/nginx/access.ndjson"

    def asked(store: str) -> list[Done]:
        replayed = [privwatch("replay", name, "--store", store, folder=folder) for name in names]
        return [privwatch("check", "locked.yml", folder=folder), *replayed]

    as_root = asked("root.db")  # who reads all of it; what is imported late is imported by now, too
    os.seteuid(65_534)
    try:
        unread, *refused = asked("out/x.db")
    finally:
        os.seteuid(0)
    assert not any("ermission denied" in done.out + done.err for done in as_root)
    assert unread.code == 1
    assert "file-unreadable" in unread.out
    for done in refused:
        assert done.code == 2
        assert "Permission denied" in done.err


LEAKED = "lena.brandt@nordwind-shop.de", "4111 1111 1111 1111", "DE89370400440532013000", "8.8.8.8"


def test_a_log_given_as_a_rule_is_not_quoted(folder: Path) -> None:
    (folder / "app.ndjson").write_text(f'{{"user": "Lena Brandt", "note": "{" ".join(LEAKED)}"}}\n' * 2)
    (folder / "app.log").write_text(f"2026-11-16 Lena Brandt: paid, {' '.join(LEAKED)}\n- [\n")
    (folder / "app.csv").write_text(f"level: {LEAKED[0]}\nid: {LEAKED[0]}\ndetection: {LEAKED[2]}\n")
    for name in ("app.ndjson", "app.log", "app.csv"):
        for form in ("text", "json", "junit", "github"):
            done = privwatch("check", name, "-o", form, folder=folder)
            assert done.code == 1
            assert not any(each in done.out for each in (*LEAKED, "Lena", "lena")), done.out


def test_a_quoted_line_of_a_rule_stars_out_what_it_holds(folder: Path) -> None:
    rest = "logsource: {category: a}\ndetection: {a: {b: c}, condition: a}\n"
    (folder / "rule.yml").write_text(f"title: A\nlevle: {' '.join(LEAKED)}\nid: {LEAKED[0]}\n{rest}")
    done = privwatch("check", "rule.yml", folder=folder)
    assert not any(each in done.out for each in LEAKED)
    _, line, caret = done.out[done.out.index("rule.yml:3:5") :].splitlines()[:3]
    assert (line, caret) == ("  id: " + "*" * len(LEAKED[0]), "      " + "^" * len(LEAKED[0]))
