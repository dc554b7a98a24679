"""What a person reads, golden: help of every command, and what replay, check and explain print.

In a pipe the same text comes out whatever the environment says of colours and build servers; at a terminal
only its width decides.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.cli import app
from tests.support.command import privwatch
from tests.support.golden import assert_golden
from tests.support.pages import settled
from tests.support.terminal import ENVIRONMENTS, Said, run, run_all

COMMANDS = sorted(
    command.name or command.callback.__name__ for command in app.registered_commands if command.callback
)


def subcommands(group, before: str = "") -> list[str]:
    """Every command below a group, with the words before it."""
    name, inner = f"{before}{group.name}", group.typer_instance
    mine = [f"{name} {command.name or command.callback.__name__}" for command in inner.registered_commands]
    return mine + [each for below in inner.registered_groups for each in subcommands(below, f"{name} ")]


SUBCOMMANDS = [name for group in app.registered_groups for name in subcommands(group)]
KEY = "00" * 32
RULE = """\
title: Export of many rows
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c10
name: many_rows
status: stable
level: high
generate: true
description: Somebody exported more than 10,000 rows. Ask what for, and whether fewer would do.
logsource: {category: application}
detection:
    big: {event.action: export, rows|gte: 10000}
    quiet: {user.name|startswith: svc-}
    condition: big and not quiet
x_privacy: {articles: ["5(1)(c)", "32"], actor: user.name, resource: event.dataset}
x_tests:
    - {name: much, expect: match, events: [{set: {event.action: export, rows: 12000, user.name: ada}}]}
    - {name: little, expect: no_match, events: [{set: {event.action: export, rows: 12, user.name: ada}}]}
---
title: Card number in a message
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c11
name: card
status: stable
level: critical
logsource: {category: application}
detection: {card: {message|pii: card}, condition: card}
x_privacy: {articles: ["32"], actor: user.name}
x_tests:
    - {name: a card, expect: match, events: [{set: {message: 4111 1111 1111 1111}}]}
    - {name: none, expect: no_match, events: [{set: {message: hello}}]}
---
title: Many exports by one person
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c12
name: many_exports
status: stable
level: medium
correlation:
    type: value_sum
    rules: [many_rows]
    group-by: [user.name]
    timespan: 1h
    condition: {field: rows, gte: 30000}
x_privacy: {articles: ["5(1)(c)"], actor: user.name}
x_tests:
    - name: enough
      expect: match
      events: [{repeat: 3, set: {event.action: export, rows: 12000, user.name: ada}}]
    - name: two
      expect: no_match
      events: [{repeat: 2, set: {event.action: export, rows: 12000, user.name: ada}}]
"""
WRONG = RULE.replace("rows|gte: 10000", "rows|gtee: 10000").replace("level: medium", "level: hgih")
FAILING = RULE.replace(
    "expect: no_match, events: [{set: {message: hello", "expect: match, events: [{set: {message: hello"
)


def event(minute: int, user: str, **more: object) -> str:
    at = f"2026-11-20T09:{minute:02}:00Z"
    return json.dumps({"@timestamp": at, "user": {"name": user}, "event": {"action": "export"}, **more})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [
        *(event(n, user, rows=12_000) for n in range(3) for user in ("ada", "bob")),
        *(event(10 + n, f"u{n}", rows=20_000) for n in range(4)),
        event(20, "ada", message="paid with 4111 1111 1111 1111, pin abcd-1234"),
        '{"cut": "sho',
        "no json",
        "",
    ]
    (tmp_path / "app.ndjson").write_text("\n".join(lines) + "\n")
    (tmp_path / "quiet.ndjson").write_text(event(0, "ada", rows=1) + "\n")
    (tmp_path / "rules.yml").write_text(RULE)
    (tmp_path / "wrong.yml").write_text(WRONG)
    (tmp_path / "failing.yml").write_text(FAILING)
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    return tmp_path


def replay(*more: str) -> list[str]:
    return ["replay", "app.ndjson", "--rules", "rules.yml", "--key", "key", *more]


FORMS = ("text", "json", "junit", "github")
PAGES: dict[str, list[list[str]]] = {
    "help": [["--help"], *([*command.split(), "--help"] for command in (*COMMANDS, *SUBCOMMANDS))],
    "replay": [
        *(replay("-o", form) for form in ("table", "details", "json", "ndjson")),
        ["replay", "quiet.ndjson", "--store", "quiet.db"],
    ],
    "check": [
        ["check", "rules.yml"],
        *(["check", rules, "-o", form] for rules in ("wrong.yml", "failing.yml") for form in FORMS),
    ],
    "explained": [
        ["explain", "many_rows", "--rules", "rules.yml", "--event", "app.ndjson", "--line", "1"],
        ["explain", "card", "--rules", "rules.yml", "--event", "app.ndjson", "--line", "11"],
        ["explain", "card", "--rules", "rules.yml", "--event", "app.ndjson", "--line", "12"],
        ["explain", "many_exports", "--rules", "rules.yml"],
        ["explain", "many_rwos", "--rules", "rules.yml"],
    ],
}
"""Golden files and the commands in them."""


@pytest.mark.parametrize("extra", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_what_is_printed_in_a_pipe(folder: Path, extra: dict[str, str]) -> None:
    asked = [command for commands in PAGES.values() for command in commands]
    said = iter(run_all(asked, cwd=folder, extra=extra))
    for name, commands in PAGES.items():
        page = "\n".join(shown(command, next(said), folder) for command in commands)
        # What the compiler and the index make of a rule is the engine's business; here it is how it is told.
        kept = [line for line in page.splitlines() if not line.startswith(("compiled ", "literals "))]
        assert_golden(f"{name}.txt", "\n".join(kept) + "\n")


def shown(arguments: list[str], said: Said, folder: Path) -> str:
    """The command, both streams and the exit code, settled."""
    out, err = (settled(text.replace(str(folder), "FOLDER")) for text in (said.out, said.err))
    return f"$ privwatch {' '.join(arguments)}\n{out}--- stderr\n{err}--- exit code {said.code}\n"


@pytest.mark.parametrize("width", [60, 100])
def test_replay_at_a_terminal(folder: Path, width: int) -> None:
    said = run(replay(), cwd=folder, columns=width)
    assert_golden(f"replay_{width}.txt", said.out)
    assert max(map(len, said.out.splitlines())) <= width


def test_a_pipe_gets_real_tabs(folder: Path) -> None:
    rows = [line.split("\t") for line in privwatch(*replay(), folder=folder).out.splitlines()]
    assert [row[:5] for row in rows] == [
        ["critical", "card", "1", "1", "1"],
        ["high", "many_rows", "6", "10", "0"],
        ["medium", "many_exports", "2", "6", "0"],
    ]


def test_the_order_does_not_depend_on_the_key(folder: Path) -> None:
    seen = set()
    for n in range(4):
        key = folder / f"key{n}"
        key.write_text(f"{n}{n}" * 32)
        key.chmod(0o600)
        arguments = ["replay", "app.ndjson", "--rules", "rules.yml", "--store", f"{n}.db", "--key", key.name]
        details = settled(privwatch(*arguments, "-o", "details", folder=folder).out)
        found = json.loads(privwatch(*arguments, "-o", "json", folder=folder).out)
        seen.add((details, *((v["name"], v["first"], v["samples"][0]["offset"]) for v in found)))
    assert len(seen) == 1


def test_a_rule_without_a_name_is_called_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE.split("---")[1].replace("name: card\n", ""), encoding="utf-8")
    (tmp_path / "app.ndjson").write_text(event(1, "ada", message="4111 1111 1111 1111") + "\n", "utf-8")
    asked = ("replay", "app.ndjson", "--rules", "rule.yml", "--exit-zero")
    named = "5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c11"
    assert privwatch(*asked, folder=tmp_path).out.split("\t")[1] == named
    assert f"\n  {named}, GDPR Art. 32\n" in privwatch(*asked, "--output", "details", folder=tmp_path).out
