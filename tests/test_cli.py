"""The command as scripts and people meet it: exit codes, forms of output, messages that say what to do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LEAK = (
    '{"@timestamp": "2026-11-16T09:00:00Z", "service": {"name": "shop"}, '
    '"message": "to ada.wellenbrook@nordwind-shop.de"}'
)
CLEAN = '{"@timestamp": "2026-11-16T10:00:00Z", "service": {"name": "shop"}, "message": "ready"}'


def run(*arguments: str, cwd: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor", *arguments]
    done = subprocess.run(
        command, cwd=cwd, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "leak.ndjson").write_text(f"{LEAK}\n{CLEAN}\n")
    (tmp_path / "clean.ndjson").write_text(f"{CLEAN}\n")
    return tmp_path


def test_exit_codes_of_replay(folder: Path) -> None:
    assert run("replay", "clean.ndjson", "--store", "clean.db", cwd=folder).returncode == 0
    assert run("replay", "leak.ndjson", cwd=folder).returncode == 1
    assert run("replay", "leak.ndjson", "--exit-zero", cwd=folder).returncode == 0
    assert run("replay", "nothing-there.ndjson", cwd=folder).returncode == 2


def test_the_forms_of_output_say_the_same(folder: Path) -> None:
    (one,) = json.loads(run("replay", "leak.ndjson", "-o", "json", cwd=folder).stdout)
    (line,) = run("replay", "leak.ndjson", "-o", "ndjson", cwd=folder).stdout.splitlines()
    assert json.loads(line) == one
    assert (one["name"], one["events"], one["subjects"]) == ("email_in_application_log", 1, 1)
    plain = run("replay", "leak.ndjson", cwd=folder).stdout
    assert "email_in_application_log" in plain
    assert "\x1b" not in plain, "a pipe gets no colours"


def test_replaying_again_changes_nothing(folder: Path) -> None:
    first = run("replay", "leak.ndjson", "-o", "json", cwd=folder).stdout
    again = run("replay", "leak.ndjson", "-o", "json", cwd=folder)
    assert again.stdout == first
    assert "read nothing new" in again.stderr


def test_only_the_times_asked_for(folder: Path) -> None:
    late = run("replay", "leak.ndjson", "--since", "2026-11-16T09:30:00Z", "-o", "json", cwd=folder)
    assert json.loads(late.stdout) == []
    early = run("replay", "leak.ndjson", "--until", "2026-11-16T09:30:00Z", "-o", "json", cwd=folder)
    assert len(json.loads(early.stdout)) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", "leak.ndjson", "--since", "yesterday"], "is not a time"),
        (["replay", "leak.ndjson", "--field", "user.name"], "FIELD=PATH"),
        (["replay", "leak.ndjson", "--format", "xml"], "format"),
        (["replay", "leak.ndjson", "--store", "leak.ndjson"], "leak.ndjson"),
        (["replay", "leak.ndjson", "--rules", "no-rules"], "no-rules"),
        (["replay", "*.nope"], "nope"),
        (["check", "no-rules"], "no-rules"),
        (["explain", "email_in_ulr"], "email_in_url"),
        (["run", "-c", "no.yml"], "no.yml"),
    ],
)
def test_a_refusal_is_a_message_and_exit_code_2(folder: Path, arguments: list[str], said: str) -> None:
    done = run(*arguments, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_key_that_others_can_read_is_refused(folder: Path) -> None:
    run("replay", "leak.ndjson", "--key", "key", cwd=folder)
    (folder / "key").chmod(0o644)
    done = run("replay", "leak.ndjson", "--key", "key", cwd=folder)
    assert done.returncode == 2
    assert "chmod 600" in done.stderr


def test_a_key_that_is_gone_is_not_made_anew(folder: Path) -> None:
    assert run("replay", "leak.ndjson", cwd=folder).returncode == 1
    key = folder / ".privwatch" / "privwatch.key"
    key.unlink()
    done = run("replay", "leak.ndjson", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no key, and what is stored was written with one" in done.stderr
    assert not key.exists()


def test_another_key_is_refused_before_it_writes(folder: Path) -> None:
    run("replay", "leak.ndjson", "--key", "key", cwd=folder)
    (folder / "another").write_text("f" * 64)
    (folder / "another").chmod(0o600)
    done = run("replay", "leak.ndjson", "--key", "another", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    said = " ".join(done.stderr.split())
    assert "another: what is in store .privwatch/privwatch.db was written with another key" in said
    assert "restore that key from your backup" in said
    assert run("replay", "leak.ndjson", "--key", "another", "--namespace", "n", cwd=folder).returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_where_no_output_fits_that_is_said(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "monitor", "replay", "leak.ndjson"],
            cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "privwatch: the output: No space left on device; make room, then run the same command again",
    )


def test_check_shows_the_place_and_the_cure(folder: Path) -> None:
    (folder / "rule.yml").write_text(
        "title: x\nid: 5\nlogsuorce: {category: application}\ndetection: {a: {b: c}, condition: a}\n"
    )
    done = run("check", "rule.yml", cwd=folder)
    assert done.returncode == 1
    assert "rule.yml:3:1" in done.stdout
    assert "logsource" in done.stdout
    assert json.loads(run("check", "rule.yml", "-o", "json", cwd=folder).stdout)["errors"] > 0
    assert run("check", cwd=folder).returncode == 0


def test_explain_says_which_selection_held(folder: Path) -> None:
    done = run("explain", "email_in_application_log", "--event", "leak.ndjson", cwd=folder)
    assert done.returncode == 0
    assert "match" in done.stdout
    assert "wellenbrook" not in done.stdout


@pytest.mark.parametrize("command", ["replay", "run", "check", "explain", "demo"])
def test_every_command_helps(folder: Path, command: str) -> None:
    done = run(command, "--help", cwd=folder)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_completion_and_version(folder: Path) -> None:
    assert "privwatch" in run("--version", cwd=folder).stdout
    # The shell is told by the parent process; without more to do bash would not stay that.
    script = f"{sys.executable} -m monitor --show-completion; exit $?"
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "_PRIVWATCH_COMPLETE" in done.stdout or "complete" in done.stdout


def test_a_closed_pipe_is_no_error_message(folder: Path) -> None:
    script = f"{sys.executable} -m monitor check -o json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr


def test_json_over_several_lines_is_searched_and_told(folder: Path) -> None:
    (folder / "pretty.json").write_text(json.dumps([json.loads(LEAK)] * 2, indent=2))
    done = run("replay", "pretty.json", cwd=folder)
    assert "email_in_application_log" in done.stdout
    assert "read as text: one event a line is needed (jq -c '.[]') (spread_json)" in done.stderr
    (folder / "array.json").write_text(json.dumps([json.loads(LEAK)] * 2))
    assert "spread_json" not in run("replay", "array.json", "--store", "b.db", cwd=folder).stderr


FILTERED = """
title: Exports
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c10
name: exports
level: low
logsource: {category: application}
detection:
    export: {op: export}
    condition: export
---
title: The nightly export
id: 0a4f4b35-5c0f-4d0c-8a49-24f4c7a0a611
logsource: {category: application}
filter:
    rules: [exports]
    nightly: {user: svc-night}
    condition: not nightly
x_expires: EXPIRES
"""


@pytest.mark.parametrize(("expires", "found"), [("2999-12-31", 0), ("2020-12-31", 1)])
def test_a_filter_whose_last_day_is_over_hides_nothing_and_says_so(
    folder: Path, expires: str, found: int
) -> None:
    (folder / "rules.yml").write_text(FILTERED.replace("EXPIRES", expires))
    (folder / "night.ndjson").write_text('{"op": "export", "user": "svc-night"}\n')
    done = run("replay", "night.ndjson", "--rules", "rules.yml", cwd=folder)
    assert done.returncode == found
    said = "The filter 'The nightly export' expired on 2020-12-31 and hides nothing any more."
    assert (said in done.stderr) is bool(found)


def test_what_a_filter_hides_is_kept_with_that_status(folder: Path) -> None:
    (folder / "rules.yml").write_text(FILTERED.replace("EXPIRES", "2999-12-31"))
    (folder / "night.ndjson").write_text(
        '{"op": "export", "user": "svc-night"}\n{"op": "export", "user": "ada"}\n{"op": "read"}\n' * 3
    )
    done = run("replay", "night.ndjson", "--rules", "rules.yml", cwd=folder)
    assert done.stdout == "low\texports\t1\t3\t0\tExports\n"
    assert "hidden by filters: 1 violation of 3 events (--output json has them)" in done.stderr
    asked = "replay", "night.ndjson", "--rules", "rules.yml", "-o", "json"
    every = json.loads(run(*asked, cwd=folder).stdout)
    assert {(v["rule"], v["name"], v["status"], v["events"]) for v in every} == {
        ("5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c10", "exports", status, 3) for status in ("stable", "filtered")
    }
    (folder / "rules.yml").write_text(FILTERED.partition("---")[0])
    (one,) = json.loads(
        run("replay", "night.ndjson", "--rules", "rules.yml", "-o", "json", cwd=folder).stdout
    )
    assert (one["status"], one["events"]) == ("stable", 6)
