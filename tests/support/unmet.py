"""Skips that mean "this machine lacks something", told apart from skips that are right everywhere."""

from typing import NoReturn

import pytest

PREFIX = "cannot run: "


def cannot_run(reason: str) -> NoReturn:
    """Skip, and have `make test` list the reason at its end; in CI that is a failure."""
    pytest.skip(PREFIX + reason)
