"""`privwatch account`, `verify` and `web` from a replay to the page and its end."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from monitor import __main__ as main
from tests.support.shipped import ROOT
from tests.support.terminal import environment, run

EVENT = '{"@timestamp": "2026-11-16T09:00:00Z", "message": "to ada.wellenbrook@nordwind-shop.de"}\n'
STORE = ["--store", "s/privwatch.db"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store after a replay, with one account."""
    made = tmp_path_factory.mktemp("commands")
    (made / "app.ndjson").write_text(EVENT, encoding="utf-8")
    assert run(["replay", "app.ndjson", *STORE], cwd=made).code == 1
    assert piped(made, "dora", "dpo", "a-password-that-is-long\n").returncode == 0
    return made


def piped(folder, name: str, role: str, password: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monitor", "account", name, "--role", role, *STORE]
    return subprocess.run(
        command,
        input=password,
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_verify_holds_and_then_names_what_was_changed(folder, tmp_path):
    held = run(["verify", *STORE], cwd=folder)
    said = "all holds: ledger, violations, cases and accounts are as they were written\n"
    assert (held.code, held.out) == (0, said)
    assert held.err.startswith("2 entries, signed with ")
    shutil.copytree(folder / "s", tmp_path / "s")
    with closing(sqlite3.connect(tmp_path / "s" / "privwatch.db")) as db:
        db.execute("UPDATE violation SET events = events + 1")
        db.commit()
    named = run(["verify", *STORE], cwd=tmp_path)
    assert named.code == 1
    assert "changed: it is not as ledger entry 1 sealed it" in named.out
    other = run(["verify", *STORE, "--public-key", "0" * 64], cwd=folder)
    assert (other.code, "signature is not that of the ledger's key" in other.out) == (1, True)


def test_what_the_ledger_does_not_know_yet_is_said(folder, tmp_path):
    shutil.copytree(folder / "s", tmp_path / "s")
    with closing(sqlite3.connect(tmp_path / "s" / "privwatch.db")) as db:
        db.execute("UPDATE violation SET mark = mark + 1, events = events + 1")
        db.commit()
    held = run(["verify", *STORE], cwd=tmp_path)
    assert (held.code, "does not know yet: 1\n" in held.err) == (0, True)


def test_a_name_that_was_mistyped_locks_nobody(folder):
    locked = run(["account", "drora", "--role", "dpo", "--lock", *STORE], cwd=folder)
    assert (locked.code != 0, "no account drora" in locked.err) == (True, True)


def test_a_week_that_no_calendar_shows_is_told_in_words(folder, tmp_path):
    for week in ("0001-W01", "9999-W52", "2026-W99", "../../x"):
        made = run(["report", *STORE, "--week", week, "-o", str(tmp_path)], cwd=folder)
        assert (made.code, made.err) == (2, "privwatch: that is no week; write it as 2026-W47\n")
    assert not list(tmp_path.iterdir())


def test_a_report_is_written_signed_and_checked_without_its_store(folder, tmp_path):
    made = run(["report", *STORE, "--format", "json", "--format", "html", "-o", str(tmp_path)], cwd=folder)
    names = [f"privwatch-2026-W47.{form}{end}" for form in ("json", "html") for end in ("", ".sig")]
    assert (made.code, made.out.split()) == (0, [str(tmp_path / name) for name in names])
    files = [names[0], names[2]]
    public = (folder / "s" / "privwatch.ledger.pub").read_text()
    held = run(["verify", *files, "--public-key", public.strip()], cwd=tmp_path)
    assert (held.code, held.out.count("holds; it rests on entry")) == (0, 2), held
    with (tmp_path / files[0]).open("a") as file:
        file.write(" ")
    changed = run(["verify", *files, "--public-key", public.strip()], cwd=tmp_path)
    assert changed.code == 1
    assert f"{files[0]}: changed: its bytes are not those that were signed" in changed.out
    shutil.copytree(folder / "s", tmp_path / "s")
    with closing(sqlite3.connect(tmp_path / "s" / "privwatch.db")) as db:
        db.execute("UPDATE ledger SET hash = 'x'")
        db.commit()
    unknown = run(["verify", files[1], *STORE], cwd=tmp_path)
    assert (unknown.code, "which is not there any more" in unknown.out) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "--store", "no.db"], "there is none"),
        (["verify", *STORE, "--public-key", "nonsense"], "64 hex digits"),
        (["verify", "no.pdf", *STORE], "cannot be read"),
        (["report", *STORE, "--format", "doc"], "there is no format doc"),
        (["report", *STORE, "--week", "47"], "write it as 2026-W47"),
        (["web", *STORE, "--host", "0.0.0.0"], "--insecure"),
        (["web", *STORE, "--user-header", "x-user"], "go together"),
        (["account", "x", "--role", "root", *STORE], "no such role"),
        (["verify", "--store", "postgresql://nobody@192.0.2.1/x"], "--ledger-key"),
    ],
)
def test_what_cannot_be_is_said(folder, arguments, message):
    said = run(arguments, cwd=folder)
    assert (said.code, message in said.err) == (2, True), said.err


def test_a_short_password_is_refused(folder):
    said = piped(folder, "bela", "viewer", "short\n")
    assert (said.returncode, "at least 12" in said.stderr) == (2, True)


@pytest.mark.parametrize("package", ["argon2", "jinja2", "starlette", "uvicorn"])
def test_without_its_extra_the_page_says_how_to_get_it(folder, package):
    assert main.EXTRAS[package] == "web"
    blocked = f"import sys; sys.modules['{package}'] = None; from monitor.__main__ import main; main()"

    def said(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", blocked, *arguments, *STORE],
            cwd=folder,
            env={**environment({}), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    web = said("web", "--port", "0")
    cure = "privwatch: this command needs what is not installed; run: pip install 'privwatch[web]'\n"
    assert (web.returncode, web.stderr) == (2, cure)
    assert said("verify").returncode == 0, "who checks needs no pages"


def test_without_the_extra_the_demo_leaves_its_month_out(tmp_path):
    script = (
        "import sys; sys.modules['argon2'] = None; from pathlib import Path; from monitor import cli; "
        "sys.exit(bool(cli._month(Path(), Path(), 1)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**environment({}), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    cure = "no month of review: argon2 is missing; run: pip install 'privwatch[web]'\n"
    assert (said.returncode, said.stderr) == (0, cure)


def test_without_an_account_nobody_is_served(tmp_path):
    (tmp_path / "app.ndjson").write_text(EVENT, encoding="utf-8")
    run(["replay", "app.ndjson", *STORE], cwd=tmp_path)
    said = run(["web", *STORE, "--port", "0"], cwd=tmp_path)
    assert (said.code, "privwatch account" in said.err) == (2, True)


def test_web_answers_and_ends_when_it_is_told(folder):
    command = [sys.executable, "-m", "monitor", "web", *STORE, "--port", "0"]
    served = {"cwd": folder, "env": environment({}), "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **served) as process:
        try:
            url = process.stderr.readline().split()[-1]
            with urllib.request.urlopen(url, timeout=60) as answer:
                assert "Sign in" in answer.read().decode()
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{url}static/none.css", timeout=60)
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(30) in {0, -signal.SIGTERM}
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_an_account_that_is_there_is_left_as_it_is(folder):
    command = [sys.executable, "-m", "monitor", "account", "--if-missing", *STORE]
    for name, said in (("dora", "dora is there already, as dpo"), ("emil", "emil is reviewer")):
        done = subprocess.run(
            [*command, name, "--role", "reviewer"],
            input="another-long-password\n",
            cwd=folder,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout.strip()) == (0, said)


def test_a_public_key_that_has_no_room_stops_nothing(folder, tmp_path):
    shutil.copytree(folder / "s", tmp_path / "s")
    public = tmp_path / "s" / "privwatch.ledger.pub"
    public.unlink()
    public.mkdir()
    assert piped(tmp_path, "greta", "viewer", "one-more-long-password\n").returncode == 0


WITHOUT_PANGO = """
import cffi
def none_of_it(*_, **__):
    raise OSError("cannot load library")
cffi.FFI.dlopen = none_of_it
from monitor.__main__ import main
main()
"""


@pytest.mark.parametrize("lacks", ["import sys; sys.modules['weasyprint'] = None", WITHOUT_PANGO])
def test_a_pdf_without_what_draws_it_says_what_to_install(folder, tmp_path, lacks):
    """The other formats need neither, and nothing is written for what could not be made."""
    blocked = f"{lacks}\nfrom monitor.__main__ import main; main()"
    arguments = ["report", *STORE, "--format", "pdf", "-o", str(tmp_path)]
    said = subprocess.run(
        [sys.executable, "-c", blocked, *arguments],
        cwd=folder,
        env={**environment({}), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    cure = (
        "privwatch: a PDF needs an extra, and Pango, which draws its text; run: pip install "
        "'privwatch[report]' and, on Debian, apt install libpangoft2-1.0-0\n"
    )
    assert (said.returncode, said.stdout, said.stderr) == (2, "", cure)
    assert not list(tmp_path.iterdir())


def test_what_is_too_old_is_said_and_then_removed_and_all_still_holds(tmp_path):
    (tmp_path / "app.ndjson").write_text(EVENT + EVENT.replace("2026-11", "2019-11"), encoding="utf-8")
    assert run(["replay", "app.ndjson", *STORE], cwd=tmp_path).code == 1
    said = run(["retention", *STORE], cwd=tmp_path)
    assert (said.code, "nothing was removed" in said.err) == (0, True)
    kind = "violations of cases that somebody has still to decide on"
    assert said.out.startswith(f"          1 {kind} before 20")
    assert run(["retention", *STORE, "--dry-run"], cwd=tmp_path).out == said.out
    gone = run(["retention", *STORE, "--apply"], cwd=tmp_path)
    assert (gone.code, gone.out.splitlines()[0].split(None, 1)) == (0, ["1", f"{kind} removed"])
    with closing(sqlite3.connect(tmp_path / "s" / "privwatch.db")) as db:
        assert [row[0][:4] for row in db.execute("SELECT period FROM violation")] == ["2026"]
        (counts,) = db.execute("SELECT count(*) FROM ledger WHERE kind = 'retention'").fetchone()
    assert counts == 1
    assert run(["verify", *STORE], cwd=tmp_path).code == 0
    both = run(["retention", *STORE, "--apply", "--dry-run"], cwd=tmp_path)
    assert (both.code, "say one of them" in both.err) == (2, True)
