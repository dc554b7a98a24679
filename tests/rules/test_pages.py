"""The pages about rules say what the code does."""

import re
from pathlib import Path

import pytest

from monitor.rules.diagnostics import CODES
from monitor.rules.modifiers import ALIASES, LATER, ROLES
from tests.rules.checking import check, checked

DOCS = Path(__file__).resolve().parents[2] / "docs"
SECTION = re.compile(
    r"^## (?P<code>[a-z0-9-]+)\n\n\*(?P<severity>[a-z]+)\.\* (?P<text>.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)
PAGE = (DOCS / "diagnostics.md").read_text(encoding="utf-8")
SECTIONS = {each["code"]: each for each in SECTION.finditer(PAGE)}
EXAMPLE = re.compile(r"```yaml\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
WITHOUT_EXAMPLE = {
    "file-not-utf8",
    "file-too-large",
    "file-unreadable",
    "no-rules",
    "table-duplicate",
    "table-invalid",
    "test-personal-data",
    "yaml-too-big",
    "yaml-too-deep",
}


def test_every_code_has_its_section_and_every_section_its_code():
    assert list(SECTIONS) == sorted(CODES)
    assert {code: each["severity"] for code, each in SECTIONS.items()} == {
        k: str(v) for k, v in CODES.items()
    }


@pytest.mark.parametrize("code", sorted(set(CODES) - WITHOUT_EXAMPLE))
def test_the_example_gives_what_the_page_shows(code):
    example, shown = EXAMPLE.search(SECTIONS[code]["text"]).groups()
    rendered = [each.render() for each in check(example) if each.code == code]
    assert rendered[:1] == [shown.rstrip("\n")]


def rows(heading):
    """First cells of the table below a heading of docs/rules.md."""
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    table = page.split(f"## {heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)


def test_the_page_of_the_language_has_every_modifier():
    assert sorted(rows("Modifiers")) == sorted(ROLES)
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in [*ALIASES, *LATER])


def test_the_examples_of_the_language_load():
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    rule, asking, correlation, exclusion = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert check(rule) == []
    assert [each.code for each in check(asking)] == ["unknown-table"]
    ruleset, found = checked("---\n".join([rule + "name: customer_read\n", correlation]))
    assert [each.code for each in found] == ["missing-test"]
    assert len(ruleset.correlations) == 1
    assert [each.code for each in check(exclusion)] == ["unknown-rule"]
