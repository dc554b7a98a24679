"""`privwatch baseline`: what it learns, shows and draws, and what it never says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from monitor.app import shipped_rules
from tests.support import pages
from tests.support.command import Done, privwatch
from tests.support.readers import main
from tests.support.shipped import ROOT

PAGE = ROOT / "docs" / "baselines.md"
ACTOR = "agent-008"
"""Reads twenty times as much in an hour on one day of October."""

RULE = "--rule", "bulk_read_customers"
SHOW = "baseline", "show", ACTOR, *RULE


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs, and a store in which September is learned and October judged."""
    folder = tmp_path_factory.mktemp("archive")
    main(folder)
    (folder / "outputs.json").write_text(json.dumps(pages.ran(PAGE, folder)))
    return folder


def pseudonym(folder: Path) -> str:
    listed = privwatch("baseline", "show", "--rule", "bulk_read_customers", folder=folder).out
    return re.search(r"^ {2}([0-9a-f]{16})", listed, re.MULTILINE)[1]


def test_the_page_is_true(archive: Path) -> None:
    shown, said = json.loads((archive / "outputs.json").read_text())
    assert said == shown, "PRIVWATCH_UPDATE_GOLDEN=1 writes them anew"
    assert len(shown) == 5
    assert "55,991 events" in shown[1], "what was learned was not evaluated"


def test_an_actor_is_found_by_pseudonym_group_or_name_and_the_name_is_not_said(archive: Path) -> None:
    wanted = pseudonym(archive)
    by_name = privwatch(*SHOW, folder=archive)
    by_stdin = privwatch("baseline", "show", "-", *RULE, folder=archive, given=f"{ACTOR}\n".encode())
    assert by_name == by_stdin == privwatch("baseline", "show", wanted, *RULE, folder=archive)
    assert f"actor {wanted}, peers agent" in by_name.out
    drawn = privwatch("baseline", "plot", ACTOR, *RULE, folder=archive)
    for said in (by_name, by_stdin, drawn):
        assert ACTOR not in said.out + said.err


def test_learning_again_and_replaying_again_change_nothing(archive: Path, tmp_path: Path) -> None:
    shutil.copytree(archive, tmp_path / "again")
    before = privwatch(*SHOW, folder=tmp_path / "again")
    again = privwatch("baseline", "learn", archive / "september.ndjson", folder=tmp_path / "again")
    assert "this run read nothing new" in again.err
    assert privwatch(*SHOW, folder=tmp_path / "again") == before


def test_other_options_learn_the_file_anew(archive: Path, tmp_path: Path) -> None:
    shutil.copytree(archive / ".privwatch", tmp_path / ".privwatch")
    learned = "baseline", "learn", archive / "september.ndjson", "--until", "2026-09-14"
    done = privwatch(*learned, folder=tmp_path)
    assert "on 34 days, 2026-09-07 to" in done.out, done.out


def test_the_picture_is_an_image_without_anybody_in_it(archive: Path) -> None:
    done = privwatch("baseline", "plot", ACTOR, *RULE, "--svg", "made/here.svg", folder=archive)
    assert done.out == "drawn in made/here.svg\n"
    text = (archive / "made" / "here.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg"
    bars = root.findall(f"{space}g/{space}rect")
    assert [bar.get("class") for bar in bars].count("bad") == 2, "the hour, and its day"
    assert "290 people in an hour" in root.find(f"{space}desc").text
    assert ACTOR not in text
    assert not re.search(r"(href|src|url)\s*[=(]", text)


def test_the_settings_of_run_say_where_everything_is(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "privwatch.yml").write_text(
        f"sources: {{files: {{app: {{paths: [{tmp_path}/none.ndjson]}}}}}}\n"
        f"rules: [{shipped_rules()}]\nstore: {archive}/.privwatch/privwatch.db\n"
        f"key: {archive}/.privwatch/privwatch.key\nnamespace: replay\n"
    )
    said = privwatch(*SHOW, "-c", "privwatch.yml", folder=tmp_path)
    assert said == privwatch(*SHOW, folder=archive)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nobody-here"], "no baseline knows anybody of that name"),
        (["show", "--rule", "email_in_url"], "no rule email_in_url has an x_baseline; these have: bulk_read"),
        (["show", "--namespace", "other"], "holds nothing in the namespace other"),
        (["show", "--store", "none.db"], "there is no store none.db"),
        (["learn", "september.ndjson", "--store", "."], "--store . is a folder; name a file"),
        (["show", "--store", "postgresql://none/x"], "--store is a URL; say with --key which file"),
        (["show", "-", "--day", "2026-10-20"], "the name of the actor is empty"),
        (["show", ACTOR, "--day", "monday"], "--day 'monday' is no date; write 2026-11-16"),
        (["plot"], "Missing argument"),
        (["plot", ACTOR, *RULE, "--svg", "/proc/none/a.svg"], "/proc/none/a.svg cannot be written"),
        (["learn", "none.ndjson"], "none.ndjson"),
        (["learn", "september.ndjson", "--rules", "rules"], "none of these rules has an x_baseline"),
    ],
)
def test_what_is_wrong_is_said(archive: Path, arguments: list[str], said: str) -> None:
    (archive / "rules").mkdir(exist_ok=True)
    (archive / "rules" / "one.yml").write_text(
        (shipped_rules() / "unanonymised" / "email_in_url.yml").read_text(encoding="utf-8")
    )
    done: Done = privwatch("baseline", *arguments, folder=archive)
    assert done.code == 2
    assert said in done.err
    assert "nobody-here" not in done.err
    assert not (archive / "none.db").exists()
