"""Golden files: what a person reads, kept in `tests/golden` and reviewed as a diff.

`PRIVWATCH_UPDATE_GOLDEN=1 pytest …` writes them anew.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "golden"


def assert_golden(name: str, text: str) -> None:
    """The text is what the file holds, or becomes it where that is asked for."""
    path = FOLDER / name
    if os.environ.get("PRIVWATCH_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{name} is not in tests/golden; PRIVWATCH_UPDATE_GOLDEN=1 writes it"
    assert text == path.read_text(encoding="utf-8"), f"{name} changed; PRIVWATCH_UPDATE_GOLDEN=1 writes it"
