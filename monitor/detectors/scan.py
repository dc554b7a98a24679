"""A detector from a pattern and a judge of its matches."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from monitor.detectors.item import MAX_ITEMS, Detector, Item


def scanned(
    pattern: str, judge: Callable[[re.Match[str], str], Item | None], flags: int = re.ASCII
) -> Detector:
    """The detector that judges every match of `pattern` (match, field path) and keeps what it says.

    The pattern is compiled when first needed: most processes never meet most classes.
    """
    compiled = cache(lambda: re.compile(pattern, flags))

    def find(text: str, path: str) -> list[Item]:
        items: list[Item] = []
        for match in compiled().finditer(text):
            item = judge(match, path)
            if item is not None:
                items.append(item)
                if len(items) == MAX_ITEMS:
                    break
        return items

    return find
