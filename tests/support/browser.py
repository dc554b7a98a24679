"""A real browser without a window: Chromium as Debian has it, driven by Playwright; and axe inside it.

PRIVWATCH_TEST_BROWSER names another Chromium.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING

from tests.support import debian

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PACKAGES = ("chromium", "fonts-dejavu-core")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def program() -> str | None:
    """The browser."""
    return os.environ.get("PRIVWATCH_TEST_BROWSER") or shutil.which("chromium")


def missing() -> str:
    """Why no browser can be started here, or an empty string."""
    return (
        "" if program() else "no chromium on this machine (Debian: chromium; or PRIVWATCH_TEST_BROWSER=file)"
    )


def provision() -> str:
    """Install what is missing where we may; returns why it could not be had, or an empty string."""
    if missing():
        debian.install(PACKAGES)
    return missing()


@contextmanager
def started() -> "Iterator[Browser]":
    """A running browser; every `new_context` of it is a visitor of its own."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - most runs need no browser

    with sync_playwright() as playwright:
        # In a container there is neither a user for its sandbox nor much of /dev/shm.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        made = playwright.chromium.launch(executable_path=program(), args=arguments)
        try:
            yield made
        finally:
            made.close()


def complaints(page: "Page") -> list[str]:
    """What axe has against the page: rule, how bad, and where. The page must run scripts."""
    source = resources.files("axe_playwright_python") / "axe.min.js"
    page.evaluate(source.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        f"{one['id']} ({one['impact']}): {', '.join(str(node['target'][0]) for node in one['nodes'][:3])}"
        for one in found["violations"]
    ]
