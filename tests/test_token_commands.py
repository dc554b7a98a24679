"""`privwatch account token`: made, used against the served API, listed, revoked."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from tests.support.terminal import environment, run
from tests.test_review_commands import EVENT, STORE, piped

MAKE = ["account", "token", "make"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store after a replay, with one account."""
    made = tmp_path_factory.mktemp("tokens")
    (made / "app.ndjson").write_text(EVENT, encoding="utf-8")
    assert run(["replay", "app.ndjson", *STORE], cwd=made).code == 1
    assert piped(made, "dora", "dpo", "a-password-that-is-long\n").returncode == 0
    return made


@contextmanager
def served(folder, *more: str):
    """The address of `privwatch web`."""
    command = [sys.executable, "-m", "monitor", "web", "--port", "0", *STORE, *more]
    with subprocess.Popen(
        command, cwd=folder, env=environment({}), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process.stderr.readline().split()[-1], process
        finally:
            process.kill()


def ask(address: str, path: str, token: str) -> tuple[int, dict]:
    wanted = urllib.request.Request(f"{address}api/v1{path}", headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(wanted, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_token_from_its_making_to_its_end(folder):
    made = run([*MAKE, "dora", "--scope", "read", "--label", "the wiki", *STORE], cwd=folder)
    assert made.code == 0, made.err
    token = made.out.strip()
    name = token.split("_")[1]
    assert re.fullmatch(rf"token {name} of dora, for read, ends \d{{4}}-\d\d-\d\d\n", made.err)
    with served(folder, "--api-rate", "600") as (address, process):
        status, queue = ask(address, "/cases", token)
        assert (status, [one["rule"]["title"] for one in queue["cases"]]) == (
            200, ["E-mail address in an application log"],
        )  # fmt: skip
        assert ask(address, f"/cases/{queue['cases'][0]['key']}", token)[0] == 403
        listed = run(["account", "token", "list", *STORE], cwd=folder).out
        assert re.fullmatch(rf"{name}  good  dora  read  ends \S+  last used \S+  the wiki\n", listed)
        ended = run(["account", "token", "revoke", name, *STORE], cwd=folder)
        assert (ended.code, ended.out) == (0, f"token {name} is revoked\n")
        assert ask(address, "/cases", token)[0] == 401
        process.terminate()
        assert token[:20] not in process.stderr.read()
    assert "  revoked  " in run(["account", "token", "list", *STORE], cwd=folder).out
    assert run(["verify", *STORE], cwd=folder).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*MAKE, "nobody", "--scope", "read", "--label", "x"], "no account of this name"),
        ([*MAKE, "dora", "--scope", "write", "--label", "x"], "there are read, evidence"),
        ([*MAKE, "dora", "--scope", "read", "--label", "x", "--days", "999"], "1 to 366 days"),
        ([*MAKE, "dora", "--scope", "read", "--label", ""], "what the token is for"),
        (["account", "token", "revoke", "nothing"], "no such token"),
    ],
)
def test_what_cannot_be_is_said(folder, arguments, message):
    said = run([*arguments, *STORE], cwd=folder)
    assert (said.code, message in said.err) == (2, True), said.err


def test_an_account_called_token_can_be_kept(folder):
    assert run(["account", "keep", "token", "--role", "viewer", "--by-proxy", *STORE], cwd=folder).code == 0
