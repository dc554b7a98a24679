"""Diagnostics and inline test results as text, JSON, JUnit XML or GitHub annotations: pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from xml.etree import ElementTree as ET

from monitor.printable import json_text, line, lines
from monitor.rules.diagnostics import Diagnostic, Severity
from monitor.rules.tree import Span

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """What became of one entry of `x_tests`; `message` says why it failed."""

    __test__ = False

    rule_id: str
    rule_title: str
    name: str
    span: Span
    passed: bool
    message: str = ""


def render_text(diagnostics: Sequence[Diagnostic], outcomes: Sequence[TestOutcome]) -> str:
    """For a person: every problem, every failed test, one line of totals."""
    blocks = [each.render() for each in diagnostics]
    blocks += [
        f"{each.span}: failed[{line(each.name)}]: {each.message}\n"
        f"  rule: {line(each.rule_title)} ({each.rule_id})"
        for each in outcomes
        if not each.passed
    ]
    return "\n\n".join((*blocks, summary(diagnostics, outcomes))) + "\n"


def summary(diagnostics: Sequence[Diagnostic], outcomes: Sequence[TestOutcome]) -> str:
    """The totals, such as `1 error, 2 warnings; 10 of 12 tests passed.`."""
    errors, warnings = (_count(diagnostics, severity) for severity in Severity)
    passed = sum(each.passed for each in outcomes)
    tests = f"{passed} of {_plural(len(outcomes), 'test')} passed" if outcomes else "no test was run"
    return f"{_plural(errors, 'error')}, {_plural(warnings, 'warning')}; {tests}."


def _count(diagnostics: Sequence[Diagnostic], severity: Severity) -> int:
    return sum(each.severity is severity for each in diagnostics)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def render_json(diagnostics: Sequence[Diagnostic], outcomes: Sequence[TestOutcome]) -> str:
    """One object with `diagnostics`, `tests` and the totals `errors`, `warnings`, `failed`."""
    report = {
        "diagnostics": [
            {
                "code": each.code,
                "severity": each.severity.value,
                **_place(each.span),
                "message": each.message,
                "cure": each.cure,
            }
            for each in diagnostics
        ],
        "tests": [
            {
                "rule": each.rule_id,
                "title": each.rule_title,
                "name": each.name,
                **_place(each.span),
                "passed": each.passed,
                "message": each.message,
            }
            for each in outcomes
        ],
        "errors": _count(diagnostics, Severity.ERROR),
        "warnings": _count(diagnostics, Severity.WARNING),
        "failed": sum(not each.passed for each in outcomes),
    }
    return json_text(json.dumps(report, indent=2, ensure_ascii=False)) + "\n"


def _place(span: Span) -> dict[str, str | int]:
    return {"file": span.file, "line": span.line, "column": span.column}


def render_junit(diagnostics: Sequence[Diagnostic], outcomes: Sequence[TestOutcome]) -> str:
    """JUnit XML: a suite `rules` with a case for each problem, a suite `tests` with one for each test."""
    root = ET.Element("testsuites", name="privwatch check")
    rules = ET.SubElement(root, "testsuite", name="rules")
    for each in diagnostics:
        case = _case(rules, each.span.file, f"{each.code} at {each.span.line}:{each.span.column}")
        kind = "failure" if each.severity is Severity.ERROR else "system-out"
        _put(case, kind, each.message, each.render())
    tests = ET.SubElement(root, "testsuite", name="tests")
    for outcome in outcomes:
        case = _case(tests, outcome.rule_title, outcome.name)
        if not outcome.passed:
            _put(case, "failure", outcome.message, f"{outcome.span}: {outcome.message}")
    for suite in (rules, tests):
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, group: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_xml(group), name=_xml(name))


def _put(case: ET.Element, kind: str, message: str, text: str) -> None:
    element = ET.SubElement(case, kind)
    element.text = _xml(text)
    if kind == "failure":
        element.set("message", _xml(message))


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", lines(text))


def render_github(diagnostics: Sequence[Diagnostic], outcomes: Sequence[TestOutcome]) -> str:
    """GitHub Actions workflow commands, one line for each problem and each failed test."""
    commands = [
        _command(each.severity.value, each.span, each.code, f"{each.message} {each.cure}")
        for each in diagnostics
    ]
    commands += [
        _command("error", each.span, f"test: {each.name}", f"{each.rule_title}: {each.message}")
        for each in outcomes
        if not each.passed
    ]
    return "".join(command + "\n" for command in commands)


def _command(level: str, span: Span, title: str, message: str) -> str:
    file, title = (_data(each).replace(":", "%3A").replace(",", "%2C") for each in (span.file, title))
    return f"::{level} file={file},line={span.line},col={span.column},title={title}::{_data(message)}"


def _data(text: str) -> str:
    return lines(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


Renderer: TypeAlias = Callable[[Sequence[Diagnostic], Sequence[TestOutcome]], str]

RENDERERS: dict[str, Renderer] = {
    "text": render_text,
    "json": render_json,
    "junit": render_junit,
    "github": render_github,
}
"""The formats of `privwatch check`, by name."""
