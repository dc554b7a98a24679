"""Monday morning in a real browser: from signing in to a verdict, by keyboard, with and without scripts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import uvicorn

from monitor.web.site import application
from tests.support import browser
from tests.support.ports import free_ports
from tests.support.review import CASE, PASSWORD, found, office
from tests.support.unmet import cannot_run

PICTURES = os.environ.get("PRIVWATCH_TEST_PICTURES")
"""Folder in which pictures of the pages are kept, where a person wants to look at them."""
PAGES = ("/weeks/2026-W47", "/cases", f"/cases/{CASE}", "/register", "/ledger", "/retention", "/filters")


@contextmanager
def served(app) -> Iterator[str]:
    """The site on a free port of this machine."""
    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off", ws="none"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def chromium():
    reason = browser.missing()
    if reason:
        cannot_run(reason)
    with browser.started() as made:
        yield made


@pytest.fixture
def site(tmp_path):
    violations = [found(f"{n:032x}", ("mail", "card")[n % 2], 15 + n % 8) for n in range(12)]
    with office(tmp_path, found(CASE, "card"), *violations) as here, served(application(here.site)) as url:
        yield here, url


def tab_to(page, selector: str) -> None:
    """Press Tab until that has the focus, as somebody without a mouse does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by the keyboard")


def sign_in(page, url: str, name: str) -> None:
    page.goto(url + "/")
    page.locator("#name:focus").wait_for()  # it has the focus by itself
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/weeks/*")


@pytest.mark.parametrize("script", [True, False], ids=["scripts", "no scripts"])
def test_from_signing_in_to_a_clock_by_keyboard(chromium, site, script):
    here, url = site
    page = chromium.new_context(java_script_enabled=script).new_page()
    sign_in(page, url, "dpo")
    if script:  # keys of our own, for whoever wants them
        page.keyboard.press("q")
        page.wait_for_url("**/cases")
        page.keyboard.press("j")
    else:
        tab_to(page, "a[href='/cases']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/cases")
        tab_to(page, "a.case")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*")
    page.goto(f"{url}/cases/{CASE}")
    tab_to(page, "input[value=in_review]")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    tab_to(page, "#reason")
    page.keyboard.type("cards went to a vendor's log")
    tab_to(page, "form[action$=verdict] button")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Register entry").wait_for()
    page.get_by_label("Aware since").fill("2026-11-23T09:00")
    page.get_by_label("How it became known").fill("the vendor called")
    page.get_by_role("button", name="Start the clock").press("Enter")
    page.get_by_text("2 d 0 h left").wait_for()
    case = here.book.case(CASE)
    assert (case.state, case.due is not None) == ("breach_candidate", True)


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_has_no_complaint_about_any_page(chromium, site, look):
    _, url = site
    size = {"width": 400, "height": 850} if look == "phone" else {"width": 1280, "height": 900}
    scheme = "dark" if look == "dark" else "light"
    page = chromium.new_context(viewport=size, color_scheme=scheme).new_page()
    page.goto(url + "/sign-in")
    assert browser.complaints(page) == []
    sign_in(page, url, "dpo")
    for path in PAGES:
        page.goto(url + path)
        assert browser.complaints(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, f"{path} is wider than its window"
        pictured(page, f"{look}{path.replace('/', '-')}")
    page = chromium.new_context(viewport=size, color_scheme=scheme).new_page()
    sign_in(page, url, "admin")
    page.goto(url + "/accounts")
    page.get_by_label("What it is for").fill("the wiki")
    page.get_by_label("read: see the week").check()
    page.get_by_role("button", name="Make it").press("Enter")
    page.get_by_role("status").wait_for()
    assert browser.complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    pictured(page, f"{look}-accounts")


def pictured(page, name: str) -> None:
    """A picture, where somebody wants it."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_pages_fetch_nothing_from_elsewhere_and_nothing_is_blocked(chromium, site):
    _, url = site
    page = chromium.new_context().new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    sign_in(page, url, "dpo")
    for path in PAGES:
        page.goto(url + path)
    assert [one for one in asked if not one.startswith(url)] == []
    assert said == []
