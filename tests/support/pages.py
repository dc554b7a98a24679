"""Pages whose commands are run and whose outputs are true: their files, their commands, what they show.

A fenced block is a file where the paragraph above it ends in its name, `` `name`: ``. A block of the kind
`console` holds commands after `$ `, each with its output below it. An indented line is a command too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import privwatch

_BLOCK = re.compile(
    r"(?:`(?P<file>[\w./-]+)`:\n\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_INDENTED = re.compile(r"(?<=\n\n)(?:    (?:make|\.venv/bin/)\S.*\n)+", re.MULTILINE)
_INLINE = re.compile(r"`((?:\.venv/bin/)?privwatch [a-z-][^`]*)`")


@dataclass(frozen=True)
class Shown:
    """A file to write (`command` empty), or a command and the output the page shows."""

    text: str
    file: str = ""
    command: str = ""


def steps(page: Path) -> list[Shown]:
    """Files and commands of the page's blocks, in order."""
    found: list[Shown] = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["file"]:
            found.append(Shown(block["text"], file=block["file"]))
        elif block["kind"] == "console":
            for command in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                line, _, output = command.partition("\n")
                found.append(Shown(output, command=line))
    return found


def commands(page: Path) -> Iterator[str]:
    """Commands that stand indented or between backquotes in the text, without an output."""
    text = page.read_text(encoding="utf-8")
    for lines in _INDENTED.findall(text):
        yield from (line.strip() for line in lines.splitlines())
    yield from (found.removeprefix(".venv/bin/") for found in _INLINE.findall(_BLOCK.sub("", text)))


def ran(page: Path, folder: Path) -> tuple[list[str], list[str]]:
    """What the page shows below its commands, and what they say in the folder with its files; all settled.

    With PRIVWATCH_UPDATE_GOLDEN=1 the page is brought up to date first.
    """
    outputs = []
    for step in steps(page):
        if step.file:
            (folder / step.file).write_text(step.text, encoding="utf-8")
        else:
            done = privwatch(*step.command.split()[1:], folder=folder)
            outputs.append(settled(re.sub(r"\n+$", "\n", done.out) + done.err))
    if os.environ.get("PRIVWATCH_UPDATE_GOLDEN") == "1":
        page.write_text(with_outputs(page, outputs), encoding="utf-8")
    return [settled(step.text) for step in steps(page) if step.command], outputs


def with_outputs(page: Path, outputs: list[str]) -> str:
    """The page with other outputs, one for each command: how a page is brought up to date."""
    text, at = page.read_text(encoding="utf-8"), 0
    for step, output in zip([step for step in steps(page) if step.command], outputs, strict=True):
        old, new = (f"$ {step.command}\n{shown}" for shown in (step.text, output))
        start = text.index(old, at)
        text = text[:start] + new + text[start + len(old) :]
        at = start + len(new)
    return text


def is_true(shown: str, output: str) -> bool:
    """Whether a command's output is what the page shows; a line `[…]` of the page stands for any lines."""
    parts = [re.escape(settled(part)) for part in re.split(r"^\[…\]\n", shown, flags=re.MULTILINE)]
    return re.fullmatch("(?:.*\n)*".join(parts), settled(output)) is not None


def settled(output: str) -> str:
    """Without what differs from run to run: durations, and pseudonyms, whose key is made up on first use."""
    output = re.sub(r"in [0-9.]+ s( \([0-9,]+ records/s\))?", "in … s", output)
    return re.sub(r"\bactor [0-9a-f]{16}", "actor …", output)


def quoted(page: Path, text: str) -> bool:
    """Whether a fenced block of the page is this text, white space at its ends left out."""
    blocks = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return any(block["text"].strip() == text.strip() for block in blocks)
