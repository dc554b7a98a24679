"""The module map of docs/architecture.md, made from the modules' own docstrings.

`python -m tests.support.module_map` writes it anew; tests/test_docs.py holds page and tree equal.
"""

import ast
from pathlib import Path

from tests.support.shipped import ROOT

PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- module map: made by tests/support/module_map.py -->\n"
END = "<!-- end of the module map -->\n"


def render() -> str:
    """A table for each package: module and the first sentence of its docstring."""
    top = [path for path in sorted((ROOT / "monitor").glob("*.py")) if path.name != "__init__.py"]
    packages = sorted(path.parent for path in (ROOT / "monitor").glob("*/__init__.py"))
    parts = [_table("monitor", _sentence(ROOT / "monitor" / "__init__.py"), top)]
    for package in packages:
        modules = [path for path in sorted(package.glob("*.py")) if path.name != "__init__.py"]
        parts.append(_table(f"monitor/{package.name}", _sentence(package / "__init__.py"), modules))
    return "\n".join(parts)


def _table(name: str, sentence: str, modules: list[Path]) -> str:
    rows = [f"| `{path.stem}` | {_sentence(path)} |\n" for path in modules]
    table = ["\n| module | |\n|---|---|\n", *rows] if rows else ["\nEmpty until its release.\n"]
    return f"### {name}\n\n{sentence}\n" + "".join(table)


def _sentence(path: Path) -> str:
    """The first paragraph of the module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = " ".join(docstring.split("\n\n")[0].split())
    return first.replace("|", "\\|")


def current() -> str:
    """What the page holds now."""
    return PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]


def write() -> None:
    """Put the map in its place on the page."""
    head, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(head + BEGIN + render() + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    write()
