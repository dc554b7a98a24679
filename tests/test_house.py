"""The rules of the house that no linter knows."""

import ast
import re
import statistics
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "monitor").rglob("*.py"))
# A replacement field of an f-string: a name, perhaps with attributes, a call, an index or a format.
FIELD = re.compile(r"(?<!\{)\{([A-Za-z_]\w*)(?:[.\[(:!][^{}]*)?\}(?!\})")
# Braces that are the text itself: in field paths, in the events of rule tests, in columns of a progress bar.
LITERAL_BRACES = {"{key}", "{n}", "{task.description}"}
EXPLAINED = re.compile(r"# noqa: [A-Z0-9, ]+ - \w|# type: ignore\[[a-z-]+\]  # \w")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in FILES:
        yield file, ast.parse(file.read_text(encoding="utf-8"), str(file))


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its docstring not counted."""
    body = function.body
    described = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    rest = body[1:] if described else body
    return rest[-1].end_lineno - rest[0].lineno + 1 if rest else 0


def test_files_stay_short():
    sizes = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    written = [size for size in sizes.values() if size]
    over = [f"{file.relative_to(ROOT)}: {size} lines" for file, size in sizes.items() if size > 500]
    assert not over, "no file has more than 500 lines"
    assert statistics.median(written) < 150
    assert percentile(written, 0.9) < 350


def test_functions_stay_short():
    sizes: list[int] = []
    over: list[str] = []
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                sizes.append(body_lines(node))
                if sizes[-1] > 60:
                    over.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}: {sizes[-1]} lines")
    assert not over, "no function body has more than 60 lines"
    assert statistics.median(sizes) < 8
    assert percentile(sizes, 0.9) < 30


def plain_strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """String literals that are no part of an f-string, no docstring, and not filled by `.format`."""
    filled = {
        node.func.value.id if isinstance(node.func.value, ast.Name) else id(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    }
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out.update(id(part) for part in ast.walk(node))
        if isinstance(node, ast.Expr):
            left_out.add(id(node.value))
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in filled:
            left_out.add(id(node.value))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in left_out | filled
        ):
            yield node


def bound_names(tree: ast.Module) -> set[str]:
    """Names that a replacement field in this file could mean."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def forgotten_fields(tree: ast.Module) -> Iterator[tuple[int, str]]:
    names = bound_names(tree)
    for node in plain_strings(tree):
        for field in FIELD.finditer(node.value):
            if field.group(1) in names and field.group() not in LITERAL_BRACES:
                yield node.lineno, field.group()


def test_no_message_lacks_its_f():
    forgotten = [
        f"{file.relative_to(ROOT)}:{line} {field}"
        for file, tree in trees()
        for line, field in forgotten_fields(tree)
    ]
    assert not forgotten


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("file = 1; raise ValueError('in {file}')", ["{file}"]),
        ("def f(a): return 'at {a.b:>3}, {a!r}'", ["{a.b:>3}", "{a!r}"]),
        ("file = 1; x = f'in {file}'", []),
        ("file = 1; x = '{{file}} {4} {other}'", []),
        ("file = 1; x = 'in {file}'.format(file=file)", []),
        ("file = 1; TEXT = 'in {file}'; x = TEXT.format(file=file)", []),
    ],
)
def test_a_forgotten_f_is_recognised(code, found):
    assert [field for _, field in forgotten_fields(ast.parse(code))] == found


def test_dependencies_are_the_documented_ones():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    name = re.compile(r"^[A-Za-z0-9-]+")
    declared = [name.match(line).group() for line in project["project"]["dependencies"]]
    groups = project["dependency-groups"].values()
    declared += [name.match(line).group() for group in groups for line in group]
    extras = project["project"]["optional-dependencies"].values()
    declared += [name.match(line).group() for extra in extras for line in extra]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Za-z0-9-]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    documented = [row[0] for row in rows if row[0] != "package" and not row[0].startswith("-")]
    assert sorted(documented) == sorted(declared)
    assert all(cell.strip() for row in rows for cell in row)


def test_every_exception_says_why():
    bare = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in FILES
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# (noqa|type: ignore)", line) and not EXPLAINED.search(line)
    ]
    assert not bare
