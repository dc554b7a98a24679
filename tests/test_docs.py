"""Pages that could rot are held to the tree."""

import re
import tomllib
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
        # How many of them found something in the demo is told by its page, which is run.
        said = re.findall(
            r"(?<!violations of )\b(\d+) (?:shipped )?rules", (ROOT / name).read_text(encoding="utf-8")
        )
        assert set(said) <= {str(len(rule_files()))}, name


def test_the_layers_are_those_that_are_held() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (contract["layers"] for contract in held["contracts"] if "layers" in contract)
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    said = page.split("Highest first", 1)[1].split("\n\n")[1]
    assert [re.findall(r"`(\w+)`", layer) for layer in said.split(">")] == [
        re.findall(r"\w+", layer.replace("monitor.", "")) for layer in layers
    ]


BENCHMARKS = sorted(file.stem for file in (ROOT / "benchmarks").glob("*.py") if file.stem != "__init__")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_is_said_of_a_benchmark_is_what_it_takes(name: str) -> None:
    """It has a section, and every option that a page names with it is one it has."""
    source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    has = set(re.findall(r'add_argument\(\s*"(--[a-z-]+)"', source))
    about = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {name}\.py$(.*?)(?=^## |\Z)", about, re.MULTILINE | re.DOTALL)
    spans = [span for span in re.findall(r"`([^`\n]+)`", section) if "pip install" not in span]
    for page in PAGES:
        spans += re.findall(rf"benchmarks/{name}\.py ([^`\n]*)`", page.read_text(encoding="utf-8"))
    said = {option for span in spans for option in re.findall(r"--[a-z-]+", span)}
    assert said <= has, said - has


def test_decisions_are_numbered_without_gaps_and_fit_a_page() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 60
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequence"))
