"""What loads but should not stay so: rules without tests, articles or levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from monitor.rules.diagnostics import Problems, Severity, listing
from monitor.rules.tree import Correlation, EventRule, Header, RuleTest
from monitor.rules.vocabulary import EXPECTATIONS, OUR_TYPES

Scrubber: TypeAlias = Callable[[str], str | None]
"""Given a text of a test, says what in it could be a real person's, or None; it never repeats the text."""


def lint_rule(
    rule: EventRule | Correlation, problems: Problems, *, ours: bool, counted: bool, scrub: Scrubber | None
) -> None:
    """Report what is missing in one rule.

    Args:
        rule: the rule, as parsed.
        problems: takes the diagnostics.
        ours: whether the file uses `x_` keys; stock Sigma files are only warned about missing tests.
        counted: whether the rule only feeds correlations, whose tests then cover it.
        scrub: looks for personal data in the tests.
    """
    if not counted:
        _tests(rule.header, rule.tests, problems, ours=ours)
    if ours and not rule.privacy.articles and not counted:
        message = f"'{rule.header.title}' names no article of the GDPR."
        problems.add("missing-article", rule.header.span, message, 'Add x_privacy: {articles: ["32"]}.')
    if isinstance(rule, Correlation) and rule.type in OUR_TYPES:
        message = f"'{rule.type}' is a type of ours: other Sigma tools refuse '{rule.header.title}'."
        problems.add("not-portable", rule.header.span, message, "Keep it out of what you share with them.")
    if scrub is not None:
        _personal_data(rule.tests, scrub, problems)


def _tests(header: Header, tests: Iterable[RuleTest], problems: Problems, *, ours: bool) -> None:
    missing = [each for each in EXPECTATIONS if each not in {test.expect for test in tests}]
    if missing:
        message = f"'{header.title}' has no test that expects {listing(missing)}."
        severity = Severity.ERROR if ours else Severity.WARNING
        cure = "Add x_tests with one case that matches and one that does not."
        problems.add("missing-test", header.span, message, cure, severity=severity)


def _personal_data(tests: Iterable[RuleTest], scrub: Scrubber, problems: Problems) -> None:
    for test in tests:
        found = next((reason for text in texts_of(test) if (reason := scrub(text))), None)
        if found is not None:
            cure = "Use made-up names, reserved domains, test card numbers, documentation addresses."
            problems.add(
                "test-personal-data", test.span, f"The test '{test.name}' holds {found}.", cure, show=False
            )


def texts_of(test: RuleTest) -> Iterator[str]:
    """Every text in the events of a test."""
    for event in test.events:
        if event.raw is not None:
            yield event.raw
        yield from _texts(dict(event.values))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, (str, int)):
        yield str(value)
