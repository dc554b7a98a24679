"""The command line, run inside the test: quick, and everything it says is kept."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from monitor.__main__ import main


@dataclass(frozen=True)
class Done:
    """Exit code and what was said on both streams."""

    code: int
    out: str
    err: str


def privwatch(
    *arguments: str | Path, folder: Path, given: bytes = b"", columns: int = 100, name: str = "privwatch"
) -> Done:
    """Run the command in a folder, in a pipe, with a terminal's width for its help."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", [name, *map(str, arguments)]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8")),
        mock.patch.dict("os.environ", {"COLUMNS": str(columns)}),
    ):
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
