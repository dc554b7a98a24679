"""Rule text in, diagnostics or a rule set out."""

import datetime as dt
import tempfile
from dataclasses import replace
from pathlib import Path

from monitor.rules.diagnostics import Diagnostic
from monitor.rules.lint import Scrubber
from monitor.rules.ruleset import load
from monitor.rules.tree import EventRule, RuleSet

TODAY = dt.date(2026, 11, 23)
HEAD = "title: A\nid: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c01\nlevel: low\nlogsource: {category: application}\n"


def check(text: str | bytes, scrub: Scrubber | None = None) -> list[Diagnostic]:
    """The diagnostics of one file, which is called `rule.yml` in them."""
    return checked(text, scrub)[1]


def checked(text: str | bytes, scrub: Scrubber | None = None) -> tuple[RuleSet | None, list[Diagnostic]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rule.yml")
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        ruleset, diagnostics = load([path], TODAY, scrub)
    return ruleset, [_renamed(each, str(path)) for each in diagnostics]


def _renamed(each: Diagnostic, path: str) -> Diagnostic:
    message = each.message.replace(path, "rule.yml")
    return replace(each, span=replace(each.span, file="rule.yml"), message=message)


def codes(text: str | bytes) -> list[str]:
    """Codes of the diagnostics, those about missing tests left out."""
    return [each.code for each in check(text) if each.code != "missing-test"]


def ruleset_of(text: str) -> RuleSet:
    ruleset, diagnostics = checked(text)
    assert ruleset is not None, "\n".join(each.render() for each in diagnostics)
    return ruleset


def detection(body: str) -> str:
    """A rule file around the lines of a detection."""
    return HEAD + "detection:\n" + "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))


def rule_of(body: str) -> EventRule:
    """The rule of a detection that loads."""
    return ruleset_of(detection(body)).rules[0]
