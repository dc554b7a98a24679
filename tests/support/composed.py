"""The services of deploy/compose, as far as they can be had without containers: their commands, their files.

What a container would see below a path lies in a folder here, copied from what compose.yml mounts; in
files and commands those paths, and names and ports of services, are replaced by where things are on this
machine. Nothing else of them is changed.
"""

import re
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.support.ports import quiet_ports
from tests.support.shipped import ROOT

COMPOSE = ROOT / "deploy" / "compose" / "compose.yml"


def services() -> dict[str, dict]:
    """The services by name."""
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]


class Composed:
    """The files of every service, placed below a folder, and a free port for each port that they speak of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.compose = folder / "deploy" / "compose"
        left = shutil.ignore_patterns("__pycache__", "secrets")
        shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=left)
        subprocess.run([self.compose / "demo.sh", "secrets"], check=True, timeout=30)
        self.services = services()
        texts = [COMPOSE.read_text(encoding="utf-8")]
        texts += [text for name in self.services for text in self._texts(name)]
        spoken = {
            (name, int(port))
            for name in self.services
            for port in re.findall(rf"\b{name}:(\d{{4,5}})\b", "\n".join(texts))
        }
        # Ports that no other service asks for: a controller, and what people reach from outside.
        spoken |= {("kafka", 9093), ("web", 8443), ("nginx", 8080)}
        self.ports = dict(zip(sorted(spoken), quiet_ports(len(spoken)), strict=True))

    def address(self, service: str, port: int) -> str:
        """Where a service answers here, as host:port."""
        return f"127.0.0.1:{self.ports[service, port]}"

    def place(self, service: str) -> None:
        """Copy what is mounted into the service, in the words of this machine."""
        for source, target in self._mounts(service).items():
            if source == target:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
            for file in [target] if target.is_file() else target.rglob("*.*"):
                if file.is_file():
                    file.write_text(self.here(service, file.read_text(encoding="utf-8")), encoding="utf-8")

    def command(self, service: str) -> list[str]:
        """What the service is told, in the words of this machine."""
        return [self.here(service, str(word)) for word in self.services[service]["command"]]

    def here(self, service: str, text: str) -> str:
        """A text of a service with paths and addresses as they are on this machine."""
        seen = {path: str(place) for path, place in self._paths(service).items()}
        some = "|".join(map(re.escape, sorted(seen, key=len, reverse=True)))
        text = re.sub(rf"(?<![\w./-])({some})(?=[/\s\"';,:}}\]]|$)", lambda found: seen[found[1]], text)
        names = "|".join(map(re.escape, self.services))
        return re.sub(
            rf"(?:(?<=//)|\b(?:{names}|localhost|127\.0\.0\.1)):(\d{{4,5}})\b(?!\d)",
            lambda found: self._address(service, found),
            text,
        )

    def _address(self, service: str, found: re.Match[str]) -> str:
        """Of a name and its port; of this service's own where it says `localhost`, or no name."""
        name, port = found[0].rpartition(":")[0], int(found[1])
        if name in self.services:
            return self.address(name, port)
        owner = (service, port) if (service, port) in self.ports else None
        return self.address(*(owner or next(one for one in self.ports if one[1] == port)))

    def _paths(self, service: str) -> dict[str, Path]:
        """What the container sees by a path, and where that is."""
        said = self.services[service]
        inside = self._folder / service
        found = {path: inside / path.strip("/") for path in said.get("tmpfs", ())}
        for mount in said.get("volumes", ()):
            source, target = mount.split(":")[:2]
            named = not source.startswith(".")
            found[target] = self._folder / "volumes" / source if named else inside / target.strip("/")
        for name in said.get("secrets", ()):
            found[f"/run/secrets/{name}"] = self.compose / "secrets" / name
        return found

    def _mounts(self, service: str) -> dict[Path, Path]:
        """Files and folders to copy, and to where; an empty folder stands for itself."""
        found: dict[Path, Path] = {}
        for path, place in self._paths(service).items():
            given = [one for one in self.services[service].get("volumes", ()) if one.split(":")[1] == path]
            source = given[0].split(":")[0] if given else ""
            if source.startswith("."):
                found[(self.compose / source).resolve()] = place
            elif not path.startswith("/run/secrets/"):
                found[place] = place
        return found

    def _texts(self, service: str) -> list[str]:
        sources = [source for source, place in self._mounts(service).items() if source != place]
        files = [file for one in sources for file in ([one] if one.is_file() else one.rglob("*.*"))]
        return [file.read_text(encoding="utf-8") for file in files if file.is_file()]
