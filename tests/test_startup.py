"""What starts without the heavy libraries: who asks for help, or mistypes, does not wait for them."""

import subprocess
import sys

import pytest

HEAVY = ("polars", "pyarrow", "sqlalchemy", "alembic", "kafka", "prometheus_client")
"""Pydantic is not among them: typer takes it by itself."""
RUN = """
import contextlib, os, sys
sys.argv = ["privwatch", *sys.argv[1:]]
from monitor.__main__ import main
nowhere = open(os.devnull, "w")
with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
    try:
        main()
    except SystemExit:
        pass
nowhere.close()
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.__stdout__)
"""


def loaded(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split()) & set(HEAVY)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["replay", "--help"], ["--version"], ["--nope"], ["replay"], ["chekc"]],
    ids=" ".join,
)
def test_help_and_typos_load_none_of_them(arguments: list[str]) -> None:
    assert loaded(*arguments) == set()


def test_looking_at_rules_needs_neither_a_store_nor_a_broker() -> None:
    rarely = {"sqlalchemy", "alembic", "kafka", "prometheus_client"}
    assert not loaded("explain", "email_in_url") & rarely
