"""Pages that could rot are held to the tree."""

import re
from pathlib import Path

import pytest

from tests.support import module_map
from tests.support.shipped import ROOT, rule_files

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def test_the_module_map_equals_the_tree() -> None:
    assert module_map.current() == module_map.render(), "write it anew: python -m tests.support.module_map"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_number_of_shipped_rules_is_true_where_it_is_said() -> None:
    for name in ("README.md", "CHANGELOG.md", "docs/roadmap.md"):
        said = re.findall(r"(\d+) (?:shipped )?rules", (ROOT / name).read_text(encoding="utf-8"))
        assert set(said) <= {str(len(rule_files()))}, name


def test_decisions_are_numbered_without_gaps_and_fit_a_page() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 60
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequence"))
