"""What `privwatch check` prints, in each format."""

import json
from xml.etree import ElementTree as ET

from monitor.rules.diagnostics import Diagnostic, Severity
from monitor.rules.report import RENDERERS, TestOutcome, render_text
from monitor.rules.tree import Span

DIAGNOSTICS = [
    Diagnostic(
        "unknown-key",
        Severity.ERROR,
        Span("rules/a,b.yml", 3, 2),
        "The rule has no key 'levle'.",
        "Did you mean 'level'?",
        "\tlevle: <&>\x07",
        5,
    ),
    Diagnostic("missing-level", Severity.WARNING, Span("rules/c.yml", 1, 1), "100% no level.", "Add\nlevel."),
]
OUTCOMES = [
    TestOutcome("id-1", "E-mail in URL", "fires", Span("rules/c.yml", 9, 5), passed=True),
    TestOutcome(
        "id-1",
        "E-mail in URL",
        "quiet",
        Span("rules/c.yml", 12, 5),
        passed=False,
        message="1 match, none expected",
    ),
]


def test_text():
    assert RENDERERS["text"](DIAGNOSTICS, OUTCOMES) == (
        "rules/a,b.yml:3:2: error[unknown-key]: The rule has no key 'levle'.\n"
        "  \tlevle: <&>\ufffd\n"
        "  \t^^^^^\n"
        "  cure: Did you mean 'level'?\n"
        "\n"
        "rules/c.yml:1:1: warning[missing-level]: 100% no level.\n"
        "  cure: Add\nlevel.\n"
        "\n"
        "rules/c.yml:12:5: failed[quiet]: 1 match, none expected\n"
        "  rule: E-mail in URL (id-1)\n"
        "\n"
        "1 error, 1 warning; 1 of 2 tests passed.\n"
    )


def test_text_when_all_is_well():
    assert render_text([], OUTCOMES[:1]) == "0 errors, 0 warnings; 1 of 1 test passed.\n"


def test_json():
    report = json.loads(RENDERERS["json"](DIAGNOSTICS, OUTCOMES))
    assert report["diagnostics"][0] == {
        "code": "unknown-key",
        "severity": "error",
        "file": "rules/a,b.yml",
        "line": 3,
        "column": 2,
        "message": "The rule has no key 'levle'.",
        "cure": "Did you mean 'level'?",
    }
    assert report["tests"][1]["passed"] is False
    assert (report["errors"], report["warnings"], report["failed"]) == (1, 1, 1)


def test_junit():
    rules, tests = ET.fromstring(RENDERERS["junit"](DIAGNOSTICS, OUTCOMES))
    assert rules.attrib == {"name": "rules", "tests": "2", "failures": "1"}
    assert rules[0].attrib == {"classname": "rules/a,b.yml", "name": "unknown-key at 3:2"}
    assert rules[0][0].get("message") == "The rule has no key 'levle'."
    assert "<&>\ufffd" in rules[0][0].text
    assert rules[1][0].tag == "system-out"
    assert tests.attrib == {"name": "tests", "tests": "2", "failures": "1"}
    assert len(tests[0]) == 0
    assert tests[1][0].get("message") == "1 match, none expected"


def test_github():
    unknown, level, failed = RENDERERS["github"](DIAGNOSTICS, OUTCOMES).splitlines()
    assert unknown.startswith(
        "::error file=rules/a%2Cb.yml,line=3,col=2,title=unknown-key::The rule has no key"
    )
    assert (
        level == "::warning file=rules/c.yml,line=1,col=1,title=missing-level::100%25 no level. Add%0Alevel."
    )
    assert failed.startswith(
        "::error file=rules/c.yml,line=12,col=5,title=test%3A quiet::E-mail in URL: 1 match"
    )


def test_every_format_takes_nothing():
    assert all(render([], []) is not None for render in RENDERERS.values())
