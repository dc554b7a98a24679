"""docs/catalogue.md, made from the catalogue of detectors; what it shows as found is asked of the detectors.

`python -m tests.support.detector_page` writes it anew; tests/detectors/test_docs.py holds the two equal.
"""

import polars as pl

from monitor.detectors import find
from monitor.detectors.entry import WHY, Entry
from monitor.detectors.registry import CATALOGUE, GROUPS
from tests.detectors.cases.examples import examples
from tests.support.shipped import ROOT

PAGE = ROOT / "docs" / "catalogue.md"
HEAD = """# The catalogue of detectors

Made by `python -m tests.support.detector_page` from the catalogue itself. The examples are made up, or
published as examples; what is said of them is what the detectors said.

A class is a word of the rule language (`message|pii: pl_pesel`), the name that evidence gives, and the name
of a section here. Some words stand for several classes:

| word | stands for |
|---|---|
"""
MIDDLE = """
*Prior* is the share of random texts of the form that pass the check. It says what a pass is worth: where
one text in eleven passes, it counts only beside a word that names it (thirty characters around, or the name
of the field); where one in a thousand does, also alone. Numbers that may as well be a point in time, of the
epoch or of a calendar, hardly ever count alone. Where several classes claim the same characters the surer
has them.
"""


def render() -> str:
    """The page."""
    shown = examples()
    rows = [f"| {word} | {', '.join(names)} |\n" for word, names in GROUPS.items()]
    sections = [_section(entry, shown[entry.name]) for entry in CATALOGUE.values()]
    return HEAD + "".join(rows) + MIDDLE + "".join(sections)


def _section(entry: Entry, cases: list[tuple[str, str]]) -> str:
    facts = [("what", entry.what), ("why", WHY[entry.kind]), ("check", entry.checked)]
    if entry.prior is not None:
        facts.append(("prior", f"{100 * entry.prior:.2g} %"))
    facts.append(("beware", entry.beware))
    lines = "".join(f"- *{name}*: {text}\n" for name, text in facts)
    table = "".join(_row(entry.name, field, text) for field, text in cases)
    return f"\n## {entry.name}\n\n{lines}\n| field | value | said |\n|---|---|---|\n{table}"


def _row(name: str, field: str, text: str) -> str:
    frame = find(pl.Series([text]), (name,), pl.Series([field]))
    said = ", ".join(f"{state} {sure:.2f}" for state, sure in frame.select("state", "confidence").iter_rows())
    value = text.replace("|", "\\|")
    return f"| {field} | `{value}` | {said or 'nothing'} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
