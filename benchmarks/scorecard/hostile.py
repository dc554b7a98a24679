"""Lines made to be slow: what each detector spends on them per byte, beside ordinary text."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Final

from monitor.detectors.item import Detector
from monitor.detectors.ladder import climb
from monitor.detectors.registry import DETECTORS

ORDINARY: Final = (
    '{"@timestamp":"2026-11-16T08:12:33.120Z","level":"INFO","user":"anna.berg@nordwind-shop.de",'
    '"message":"order 48213 of customer 8121 charged 4111 1111 1111 1111 in 12 ms, call +49 431 5550173"} '
)


def _nested(size: int) -> str:
    text = "anna.berg@nordwind-shop.de " * (size // 66)
    for _ in range(3):
        text = base64.b64encode(text.encode()).decode()
    return text


def _repeated(unit: str) -> Callable[[int], str]:
    return lambda size: unit * (size // len(unit))


UNITS: Final = (
    "@", "a@", "@a", "a.", "a", "A", "1", "0", "9", "12 ", "1-", "1.", "1:", "a:", ":", "::", "-", "_",
    "_a", "a-b_", "%", "%25", "%40", "\\", "\\u", "\\u0040", "&", "&#", "&#64;", "=", "=40", "(",
    "[at]", "<", '"', "'", '"a', "+", "+1 ", "00", "DE", "DE89", "4111", "4111 ", "basic ", "Bearer ",
    "eyJ", "eyJa.", "pass_", "password", "password=", "_password", "key: ", "://", "a://b:",
    "-----BEGIN ", "born ", "1.1.1.", "20", "é", "card", "cvv ", "lat ", "5.1234,", "P<", "<<<", "AKIA",
    "\u0660", "\u200b", "\uff20", " ", "\t", '{"', "tel: ", "phone 1 ", "A1", "AB12 ", "a1B2", "2000-",
    "-----BEGIN PRIVATE KEY-----",
)  # fmt: skip
"""What a hostile line repeats. `tests/detectors/test_linear.py` has the same, by sizes."""

LINES: Final[dict[str, Callable[[int], str]]] = {
    **{repr(unit): _repeated(unit) for unit in UNITS},
    "nested base64": _nested,
    "base64 of zeros": lambda size: base64.b64encode(bytes(3 * size // 4)).decode(),
    "hex": lambda size: "616e6e61" * (size // 8),
    "ordinary": lambda size: ORDINARY * (size // len(ORDINARY)),
}


def seconds(detector: Detector, text: str) -> float:
    """CPU seconds that a detector and the ladder take for one text."""
    begin = time.process_time()
    climb(text, "message", detector)
    return time.process_time() - begin


def ratios(size: int = 20_000) -> list[tuple[str, str, float]]:
    """Class, line, and the cost per byte in that of an ordinary line's, the worst first.

    The ordinary line is as long, so that what does not grow with the length does not blur it.
    """
    told = []
    for name, detector in DETECTORS.items():
        usual = min(seconds(detector, LINES["ordinary"](size)) for _ in range(3))
        told += [
            (name, kind, round(seconds(detector, make(size)) / usual, 2)) for kind, make in LINES.items()
        ]
    return sorted(told, key=lambda row: -row[2])
