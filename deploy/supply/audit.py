"""Ask for known vulnerabilities of what the image holds: `python -m deploy.supply.audit [FILE]`.

pip-audit asks the Python Package Index. Where that is away, or is a mirror without its advisories, pip-audit
passes over what it could not ask about and still ends well. That looks like a clean audit; here it does not.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOCK = Path(__file__).parent / "image.txt"
CLEAN, HOLES, NOT_ASKED = 0, 1, 3
"""Exit codes: all was asked about and nothing is known; something is known; something could not be asked."""


def judge(report: str) -> tuple[int, list[str]]:
    """Exit code, and what to print, of what pip-audit wrote as JSON: nothing where it could not begin."""
    try:
        found = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return NOT_ASKED, ["NOT AUDITED: there is no way to the advisories from here"]
    known = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'none'}"
        for one in found
        for hole in one.get("vulns", ())
    ]
    unasked = sum("skip_reason" in one for one in found)
    gap = f"NOT AUDITED: {unasked} of {len(found)} packages could not be asked about"
    if known:
        return HOLES, [*known, gap] if unasked else known
    if unasked or not found:
        return NOT_ASKED, [gap]
    return CLEAN, [f"{len(found)} packages, nothing known against them"]


def main(arguments: Sequence[str]) -> int:
    """Ask, print, and say it with the exit code."""
    lock = Path(arguments[0]) if arguments else LOCK
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, "--disable-pip", "--format", "json", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    code, lines = judge(done.stdout)
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
