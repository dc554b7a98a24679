"""A detector from a pattern and a judge of its matches; or from another, where words stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from monitor.detectors.item import MAX_ITEMS, Detector, Item
from monitor.detectors.surroundings import careless


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


def beside(words: tuple[str, ...], detector: Detector) -> Detector:
    """The detector, asked only where a piece of one of the words stands in the text or in the field's name.

    For forms that count beside a word alone: a line of nothing but numbers then costs one look.
    """
    pattern = cache(lambda: re.compile(careless(words), re.IGNORECASE))

    def find(text: str, path: str) -> list[Item]:
        return detector(text, path) if pattern().search(path) or pattern().search(text) else []

    return find
