"""Files and folders to one rule set: references, filters, digests, lint."""

import datetime as dt

import pytest

from monitor.rules.ruleset import load
from monitor.rules.tree import And, Not, Or, Ref
from tests.rules.checking import TODAY, check, checked, codes, ruleset_of
from tests.support import reference

READ = """
title: Read
id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c01
name: customer_read
level: low
logsource: {category: application, product: crm}
detection:
    read: {event.action: read}
    view: {event.action: view}
    condition: 1 of them
"""
EXPORT = """
title: Export
id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c02
name: export
level: high
logsource: {category: database}
detection: {sel: {event.action: export}, condition: [sel, not sel]}
"""
BULK = """
title: Bulk
id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c03
level: high
correlation:
    type: event_count
    rules: [customer_read]
    group-by: [user.name]
    timespan: 1h
    condition: {gte: 100}
"""
FILTER = """
title: Service accounts
id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c04
logsource: {category: application}
filter:
    rules: [customer_read]
    read: {user.name|startswith: svc-}
    known: {user.name: batch}
    condition: not 1 of them
x_owner: privacy team
x_reason: batch jobs have a contract of their own
x_expires: 2026-11-23
x_reviewed_by: the officer
"""


def together(*documents):
    return "\n---\n".join(documents)


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_folders_are_read_whole_and_files_once(tmp_path):
    first = write(tmp_path, "a/one.yml", READ)
    write(tmp_path, "b/c/two.yaml", EXPORT)
    write(tmp_path, "b/notes.txt", "not a rule")
    ruleset, _ = load([tmp_path, first, tmp_path / "a"], TODAY)
    assert [rule.header.name for rule in ruleset.rules] == ["customer_read", "export"]
    assert ruleset.rules[0].header.span.file == str(first)


def test_a_file_named_outright_is_read_whatever_its_name(tmp_path):
    ruleset, _ = load([write(tmp_path, "rule.txt", READ)], TODAY)
    assert len(ruleset.rules) == 1


def test_all_problems_of_all_files_come_at_once(tmp_path):
    write(tmp_path, "a.yml", READ.replace("level", "levle"))
    write(tmp_path, "b.yml", "title: [")
    write(tmp_path, "c.yml", EXPORT.replace("sel]", "sle]"))
    ruleset, found = load([tmp_path, tmp_path / "missing.yml"], TODAY)
    assert ruleset is None
    errors = [(each.span.file.rsplit("/", 1)[-1], each.code) for each in found if each.severity == "error"]
    assert errors == [
        ("a.yml", "unknown-key"),
        ("b.yml", "yaml-syntax"),
        ("c.yml", "unknown-selection"),
        ("missing.yml", "file-unreadable"),
    ]


def test_no_rules(tmp_path):
    for paths in ([], [tmp_path]):
        ruleset, (found,) = load(paths, TODAY)
        assert (ruleset, found.code) == (None, "no-rules")
        assert "cure:" in found.render()


def test_equal_ids_and_names_are_refused_across_files(tmp_path):
    write(tmp_path, "a.yml", READ)
    write(tmp_path, "b.yml", READ)
    ruleset, found = load([tmp_path], TODAY)
    assert ruleset is None
    assert [(each.code, each.span.line) for each in found if each.severity == "error"] == [
        ("duplicate-id", 2),
        ("duplicate-name", 2),
    ]
    assert "a.yml:2:1" in found[-1].message or "a.yml:2:1" in found[-2].message


def test_a_broken_rule_does_not_make_references_to_it_wrong():
    assert codes(together(READ.replace("1 of them", "none"), BULK)) == ["unknown-selection"]
    assert codes(together("title: [x", BULK)) == ["yaml-syntax"]


def test_correlations_refer_across_files(tmp_path):
    write(tmp_path, "z.yml", READ)
    write(tmp_path, "a.yml", BULK)
    ruleset, _ = load([tmp_path], TODAY)
    assert ruleset.correlations[0].rules == (ruleset.rules[0].header.id,)
    assert not ruleset.rules[0].reported


def test_a_filter_is_written_into_the_rules_it_names():
    plain, filtered = ruleset_of(together(READ, EXPORT)), ruleset_of(together(READ, EXPORT, FILTER))
    rule, other = filtered.rules
    prefix = "filter:3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c04:"
    assert rule.conditions == (
        And((Or((Ref("read"), Ref("view"))), Not(Or((Ref(prefix + "read"), Ref(prefix + "known")))))),
    )
    assert [each.name for each in rule.selections] == ["read", "view", prefix + "read", prefix + "known"]
    assert other.conditions == plain.rules[1].conditions
    assert other.header.digest == plain.rules[1].header.digest
    assert rule.header.digest != plain.rules[0].header.digest
    (one,) = filtered.filters
    assert one.rules == (rule.header.id,)
    assert (one.owner, one.expires, one.reviewed_by) == ("privacy team", "2026-11-23", "the officer")
    assert one.reason == "batch jobs have a contract of their own"


def test_a_filter_for_any_rule_keeps_to_its_logsource():
    ruleset = ruleset_of(together(READ, EXPORT, FILTER.replace("[customer_read]", "any")))
    assert [len(rule.selections) for rule in ruleset.rules] == [4, 1]
    everywhere = FILTER.replace("[customer_read]", "any").replace("application}", "database}")
    ruleset = ruleset_of(together(READ, EXPORT, everywhere))
    assert [len(rule.selections) for rule in ruleset.rules] == [2, 3]
    assert [type(each) for each in ruleset.rules[1].conditions] == [And, And]


def test_what_filters_hide_is_what_the_rule_matches_without_them_and_not_with_them():
    two = """
title: Reads or exports
id: 8a4f4b35-5c0f-4d0c-8a49-24f4c7a0a611
name: either
level: low
logsource: {category: application}
detection:
    read: {act: read}
    export: {act: export}
    condition: [read, export]
"""
    one = """
title: The nightly one
id: 0a4f4b35-5c0f-4d0c-8a49-24f4c7a0a611
logsource: {category: application}
filter:
    rules: any
    nightly: {user: svc-night}
    condition: not nightly
"""
    other = one.replace("0a4f", "1a4f").replace("user: svc-night", "agreed: true")
    ruleset = ruleset_of(together(two, one, other))
    (rule,), (kept,) = ruleset.rules, ruleset.hidden
    assert (kept.header.id, kept.header.status) == (f"{rule.header.id}:filtered", "filtered")
    without = ruleset_of(two)
    assert without.hidden == ()
    for act in ("read", "export", "look", None):
        for user in ("svc-night", "ada", None):
            for agreed in (True, False, None):
                event = {"act": act, "user": user, "agreed": agreed}
                bare, filtered, hidden = (
                    reference.evaluate(each, event, never) for each in (*without.rules, rule, kept)
                )
                assert hidden is (bare and not filtered)


def never(text, path):
    raise AssertionError("no detector is asked")


def test_of_rules_that_a_correlation_counts_nothing_hidden_is_kept():
    assert ruleset_of(together(READ, BULK, FILTER)).hidden == ()


def test_a_narrower_filter_does_not_reach_a_wider_rule():
    narrow = FILTER.replace("application}", "application, product: hr}")
    assert codes(together(READ, narrow)) == ["filter-unused"]


@pytest.mark.parametrize(("today", "applied"), [("2026-11-23", True), ("2026-11-24", False)])
def test_a_filter_hides_up_to_its_last_day(tmp_path, today, applied):
    path = write(tmp_path, "a.yml", together(READ, FILTER))
    ruleset, found = load([path], dt.date.fromisoformat(today))
    assert (len(ruleset.rules[0].selections) == 4) is applied
    assert (len(ruleset.filters) == 1) is applied
    assert ("filter-expired" in {each.code for each in found}) is not applied


@pytest.mark.parametrize(
    ("old", "new", "code", "severity"),
    [
        ("[customer_read]", "[custmer_read]", "unknown-rule", "warning"),
        ("    rules: [customer_read]\n", "", "missing-key", "error"),
        ("not 1 of them", "1 of them", "filter-without-not", "warning"),
        ("not 1 of them", "read and (known or not read)", None, None),
        ("condition: not 1 of them", "condition: [not read, known]", "wrong-type", "error"),
        ("2026-11-23", "soon", "invalid-value", "error"),
        ("x_owner", "x_onwer", "unknown-key", "error"),
    ],
)
def test_what_a_filter_is_told(old, new, code, severity):
    found = [each for each in check(together(READ, FILTER.replace(old, new))) if each.code != "missing-test"]
    assert [(each.code, each.severity) for each in found] == ([(code, severity)] if code else [])


def test_a_filter_whose_rules_are_unknown_reaches_no_rule():
    ruleset, _ = checked(together(READ, FILTER.replace("[customer_read]", "[gone]")))
    assert len(ruleset.rules[0].selections) == 2
    assert ruleset.filters == ()


def test_digests_cover_content_and_nothing_else(tmp_path):
    base = ruleset_of(together(READ, BULK))
    moved = ruleset_of(
        together(
            BULK, "# a comment\n" + READ.replace("{event.action: read}", "\n        event.action:   'read'")
        )
    )
    assert moved.digest == base.digest
    assert moved.rules[0].header.digest == base.rules[0].header.digest
    changed = ruleset_of(together(READ.replace("action: view", "action: open"), BULK))
    assert changed.digest != base.digest
    assert changed.rules[0].header.digest != base.rules[0].header.digest


def test_the_digest_of_a_correlation_covers_what_it_counts():
    base = ruleset_of(together(READ, EXPORT, BULK))
    changed = ruleset_of(together(READ.replace("action: view", "action: open"), EXPORT, BULK))
    filtered = ruleset_of(together(READ, EXPORT, BULK, FILTER))
    digests = {each.correlations[0].header.digest for each in (base, changed, filtered)}
    assert len(digests) == 3
    other = ruleset_of(together(READ, EXPORT.replace("export}", "dump}"), BULK))
    assert other.correlations[0].header.digest == base.correlations[0].header.digest


TEST = "x_tests:\n    - {name: a, expect: match, events: [{set: {mail: %s, n: 7, l: [{k: v}]}}]}\n"
QUIET = "    - {name: b, expect: no_match, events: [{raw: quiet}]}\n"


def test_our_rules_need_tests_and_articles_and_stock_rules_are_only_told():
    assert [(each.code, each.severity) for each in check(READ)] == [("missing-test", "warning")]
    ours = [(each.code, each.severity) for each in check(READ + TEST % "a")]
    assert ours == [("missing-article", "warning"), ("missing-test", "error")]
    whole = READ + "x_privacy: {articles: ['32']}\n" + TEST % "a" + QUIET
    assert check(whole) == []


def test_rules_that_are_only_counted_are_covered_by_the_correlation():
    text = together(READ + "x_privacy: {actor: user.name}\n", BULK)
    assert [each.message for each in check(text)] == ["'Bulk' has no test that expects match or no_match."]


def test_personal_data_in_a_test_is_reported_and_not_repeated():
    seen = []

    def scrub(text):
        seen.append(text)
        return "an address" if "@" in text else None

    text = READ + TEST % "k.fischgrund@acme-hospital.org" + QUIET
    (found,) = [each for each in check(text, scrub) if each.code == "test-personal-data"]
    assert (found.span.line, found.message) == (12, "The test 'a' holds an address.")
    assert "fischgrund" not in found.render()
    assert seen == ["mail", "k.fischgrund@acme-hospital.org", "quiet"]
    seen.clear()
    check(READ + TEST % "a" + QUIET, scrub)
    assert seen == ["mail", "a", "n", "7", "l", "k", "v", "quiet"]
