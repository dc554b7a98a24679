"""The guide is true: its files are written, its commands run, and what it shows is what they print.

`PRIVWATCH_UPDATE_GOLDEN=1` writes the outputs of getting started anew.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.support import pages
from tests.support.shipped import ROOT
from tests.support.terminal import environment, run

README, START = ROOT / "README.md", ROOT / "docs" / "getting-started.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
WIDTH = 100
LOGS = ("/var/log/nginx/access.log*", "/var/log/app/", "app.ndjson")
EVENT = '{"@timestamp": "2026-11-16T09:00:00Z", "message": "to ada.wellenbrook@nordwind-shop.de"}\n'
ACCESS = '203.0.113.9 - - [16/Nov/2026:08:00:00 +0000] "GET /?mail=a.b%40nordwind-shop.de HTTP/1.1" 200 5\n'
ELSEWHERE = {
    "make setup": "what this suite runs in",
    "make demo": "test_the_readme_shows_what_the_demo_prints",
    ".venv/bin/privwatch web --store .demo/review.db": "the same",
    ".venv/bin/pytest tests/demo": "a suite like this one",
    "privwatch explain": "test_getting_started_from_top_to_bottom; here it stands for the command as such",
    ".venv/bin/privwatch --install-completion": "test_completion_is_installed",
    "privwatch --install-completion": "test_completion_is_installed",
    "privwatch account token": "tests/test_token_commands.py",
    "privwatch account token revoke": "tests/test_token_commands.py",
    "privwatch filters": "tests/review/test_dismissed.py; here it stands for the command as such",
    "privwatch baseline": "tests/test_baseline_command.py; here it stands for the command as such",
    "privwatch baseline learn": "tests/test_baseline_command.py",
    "privwatch baseline plot": "tests/test_baseline_command.py",
    "privwatch config": "tests/test_effective.py; here it stands for the command as such",
    "privwatch config --check": "tests/test_effective.py",
    "privwatch config --hash-password": "tests/test_effective.py",
    "privwatch config --print": "tests/test_effective.py",
    "privwatch replay": "test_getting_started_from_top_to_bottom; here it stands for the command as such",
    "privwatch scan": "tests/test_scan.py; here it stands for the command as such",
    "privwatch report": "tests/test_review_commands.py; here it stands for the command as such",
    "privwatch verify": "tests/test_review_commands.py; here it stands for the command as such",
    "privwatch web": "tests/test_review_commands.py; here it stands for the command as such",
    "privwatch run": "tests/real/test_kafka_run.py",
    ".venv/bin/privwatch run -c live.yml": "tests/real/test_follow_run.py",
    "privwatch run -c privwatch.yml": "tests/real/test_kafka_run.py",
}
"""Commands that are no promise of their own, and where they are held."""


def arguments(command: str) -> list[str]:
    name, *rest = shlex.split(command)
    assert name in {".venv/bin/privwatch", "privwatch"}, command
    return rest


def test_getting_started_from_top_to_bottom(tmp_path: Path) -> None:
    outputs = []
    for step in pages.steps(START):
        if step.file:
            (tmp_path / step.file).parent.mkdir(exist_ok=True)
            (tmp_path / step.file).write_text(step.text, encoding="utf-8")
            continue
        said = run(arguments(step.command), cwd=tmp_path, columns=WIDTH)
        assert "Traceback" not in said.err
        output = re.sub(r"\n+$", "\n", said.out) + said.err
        outputs.append(step.text if pages.is_true(step.text, output) else output)
    if os.environ.get("PRIVWATCH_UPDATE_GOLDEN") == "1":
        START.write_text(pages.with_outputs(START, outputs), encoding="utf-8")
    shown = [step.text for step in pages.steps(START) if step.command]
    assert outputs == shown, "PRIVWATCH_UPDATE_GOLDEN=1 writes them anew"
    assert len(shown) >= 5, "the page shows commands with their outputs"


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    blocks = re.findall(r"^```\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    table_shown, pages_shown = blocks
    said = run(["demo"], cwd=tmp_path, columns=WIDTH)
    assert said.code == 0
    table, _, next_steps = said.out.partition("\n\nWhere to look next\n")
    assert pages.settled(table + "\n" + said.err) == pages.settled(table_shown)
    about_pages = next_steps[: next_steps.index("  where in the logs")]
    assert of_no_day(about_pages) == of_no_day(pages_shown.removeprefix("Where to look next\n"))
    proposed = re.findall(r"^ {6}(python .*)$", next_steps, re.MULTILINE)
    given = [command.removeprefix("python -m monitor ").split() for command in proposed]
    assert [one[0] for one in given] == ["web", "verify", "report", "replay", "explain", "replay", "replay"]
    web, *others = given
    for shown_elsewhere in (README, START):
        assert f".venv/bin/privwatch {shlex.join(web)}\n" in shown_elsewhere.read_text("utf-8")
    for one in others:
        done = run(one, cwd=tmp_path)
        assert done.code in {0, 1}, one
        assert done.out, one
    password = re.search(r"password (\w+)", about_pages)
    assert password is not None
    signed_in(tmp_path, web, password[1])


def of_no_day(text: str) -> str:
    """Without weeks and password, which differ from day to day, as `make demo` says the command."""
    text = text.replace("python -m monitor", ".venv/bin/privwatch")
    return re.sub(r"password \w+", "password …", re.sub(r"\d{4}-W\d\d", "…", text))


def signed_in(folder: Path, web: list[str], password: str) -> None:
    """Open the pages as the demo says, and find on them what it promises."""
    command = [sys.executable, "-m", "monitor"]
    with subprocess.Popen(
        [*command, *web, "--port", "0"], cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            address = process.stderr.readline().split()[-1]
            browser = build_opener(HTTPCookieProcessor())
            form = urlencode({"name": "dora", "password": password}).encode()
            with browser.open(f"{address}sign-in", form, timeout=60) as answer:
                assert "E-mail address in an application log" in answer.read().decode()
            with browser.open(f"{address}register", timeout=60) as answer:
                assert "Password or access token logged in clear" in answer.read().decode()
        finally:
            process.kill()


def test_completion_is_installed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "monitor", "--install-completion"]
    done = subprocess.run(
        # The shell is told by the parent process; without more to do bash would not stay that.
        ["bash", "-c", f"{shlex.join(command)}; exit $?"],
        cwd=tmp_path,
        env=environment({"HOME": str(tmp_path)}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "bash completion installed" in done.stdout
    assert (tmp_path / ".bashrc").exists()


COMMANDS = sorted({command for page in PAGES for command in pages.commands(page)} - set(ELSEWHERE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_a_page_names_can_be_run(tmp_path: Path, command: str) -> None:
    if command.startswith("make "):
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert command.split()[1] in targets
        return
    if command.startswith(".venv/bin/python -m tests."):
        assert (ROOT / (command.split()[2].replace(".", "/") + ".py")).exists()
        return
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "rules").symlink_to(ROOT / "rules")
    for name in (".demo/logs/application.ndjson", "var/log/app/a.ndjson", "app.ndjson"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(EVENT)
    (folder / "var/log/nginx").mkdir()
    (folder / "var/log/nginx/access.log.1").write_text(ACCESS)
    given = [each.removeprefix("/") if each in LOGS else each for each in arguments(command)]
    given += ["bash"] * (given[-1:] == ["--show-completion"])
    done = run(given, cwd=folder)
    assert done.code == (1 if given[0] == "replay" else 0), done.err
