"""The folder of real logs and rules beside the checkout; it is read, never copied."""

import os
from pathlib import Path

import pytest

from tests.support.unmet import cannot_run

needs_fixtures = pytest.mark.fixtures


def fixtures_path() -> Path:
    """Where the folder would be: PRIVWATCH_FIXTURES, or `../shared/fixtures` beside the checkout."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures"
    return Path(os.environ.get("PRIVWATCH_FIXTURES", beside))


def fixtures_dir(*parts: str) -> Path:
    """A file or folder of the fixtures; the test is skipped by name where it is absent."""
    path = fixtures_path().joinpath(*parts)
    if not path.exists():
        cannot_run(f"{path.name} of the fixtures is absent (PRIVWATCH_FIXTURES names the folder)")
    return path
