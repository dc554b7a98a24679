"""What a batch adds to the window state of a correlation."""

from __future__ import annotations

import polars as pl

from monitor.engine.baseline import habits
from monitor.engine.keys import Keyring
from monitor.engine.match import Matches
from monitor.engine.panes import panes
from monitor.rules.tree import Correlation


def delta(correlation: Correlation, matches: Matches, keyring: Keyring) -> pl.DataFrame:
    """The panes of a correlation's matches (`Matches.placed`); of one with a baseline its habits."""
    work_out = panes if correlation.baseline is None else habits.habits
    return work_out(correlation, matches, keyring)
