"""A Dockerfile as far as it can be followed without containers: its stages and what each of them says."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """(word, rest) of each instruction after FROM, in order, with comments and line ends taken out."""

    base: str
    name: str
    said: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What every instruction of a kind says."""
        return [rest for one, rest in self.said if one == word]

    def listed(self, word: str) -> list[str]:
        """What the last one of a kind says, as the list it is."""
        return list(json.loads(re.sub(r"^.*?CMD (?=\[)", "", self.all(word)[-1])))


def stages(file: Path) -> list[Stage]:
    """The stages of a file."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        word, _, rest = line.partition(" ")
        rest = " ".join(rest.split())
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        elif found:
            found[-1].said.append((word, rest))
    return found
