"""Tables beside rules: three formats that say the same, mistakes told at their place, and who asks which."""

import datetime as dt
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.app import SHIPPED, named_rules, resting, shipped_rules
from monitor.pipeline.cases import run_cases
from monitor.rules.binding import rests_for
from monitor.rules.diagnostics import Problems
from monitor.rules.lookups import MAX_ROWS, MAX_TABLE_BYTES, instant_of, read_table
from monitor.rules.ruleset import load
from monitor.rules.tables import Table
from tests.rules.checking import HEAD, TODAY, check, detection

ASKING = HEAD.replace("title: A", "title: A\nname: asking") + (
    "detection:\n    read: {event.action: read}\n    open: {ticket.id|lookup: tickets}\n"
    "    condition: read and not open\n"
)
ROWS = [("T-1", "2026-11-20", "2026-11-21"), ("T-2", None, "2026-11-20T10:00:00Z"), ("T-3", None, None)]
CSV = "ticket,valid_from,valid_until\n" + "".join(",".join(c or "" for c in row) + "\n" for row in ROWS)
YAML = (
    "- {ticket: T-1, valid_from: 2026-11-20, valid_until: 2026-11-21}\n"
    "- {ticket: T-2, valid_until: '2026-11-20T10:00:00Z'}\n"
    "- {ticket: T-3}\n"
)


def put(folder, name, data):
    path = folder / "lookups" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def parquet(path):
    frame = pl.DataFrame(ROWS, schema=["ticket", "valid_from", "valid_until"], orient="row")
    dates = frame.with_columns(pl.col("valid_from").str.to_date())
    dates.with_columns(pl.col("ticket").cast(pl.Categorical)).write_parquet(path)


def rules_of(folder, rule=ASKING):
    (folder / "rule.yml").write_text(rule)
    return load([folder], TODAY)


def keys_of(folder):
    ruleset, found = rules_of(folder)
    assert ruleset is not None, [each.render() for each in found]
    (test,) = (
        test
        for selection in ruleset.rules[0].selections
        for items in selection.alternatives
        for item in items
        for test in item.tests
        if hasattr(test, "keys")
    )
    return test.keys


def micros(text):
    return int(dt.datetime.fromisoformat(text).timestamp() * 1_000_000)


def test_three_formats_say_the_same(tmp_path):
    said = []
    for name, data in (("tickets.csv", CSV), ("tickets.yml", YAML), ("tickets.parquet", None)):
        path = put(tmp_path, name, data or b"")
        if data is None:
            parquet(path)
        said.append(keys_of(tmp_path).rows.rows())
        path.unlink()
    assert said[0] == said[1] == said[2]
    assert said[0] == [
        ("t-1", micros("2026-11-20T00:00:00+00:00"), micros("2026-11-22T00:00:00+00:00")),
        ("t-2", None, micros("2026-11-20T10:00:00+00:00")),
        ("t-3", None, None),
    ]


@pytest.mark.parametrize(
    ("text", "last", "instant"),
    [
        ("2026-11-20", False, "2026-11-20T00:00:00+00:00"),
        ("2026-11-20", True, "2026-11-21T00:00:00+00:00"),
        ("2026-11-20T09:00:00", True, "2026-11-20T09:00:00+00:00"),
        ("2026-11-20T09:00:00+02:00", False, "2026-11-20T07:00:00+00:00"),
        ("2026-11-20 09:00:00.5Z", False, "2026-11-20T09:00:00.500000+00:00"),
        ("9999-12-31", True, None),
    ],
)
def test_bounds(text, last, instant):
    assert instant_of(text, last=last) == (None if instant is None else micros(instant))


@pytest.mark.parametrize(
    "text", ["soon", "20261120", "2026-W47-5", "2026-11-31", "2026-11-20T25:00", "1795000000"]
)
def test_what_is_no_bound(text):
    with pytest.raises(ValueError):
        instant_of(text, last=False)


@pytest.mark.parametrize(
    ("name", "data", "line", "said"),
    [
        ("tickets.csv", "", 1, "The file is empty."),
        ("tickets.csv", "ticket\n", None, ""),
        ("tickets.csv", "ticket,ticket\n", 1, "The column 'ticket' is there twice."),
        ("tickets.csv", "ticket,\nT-1,\n", 1, "Column 2 has no name that rules can say."),
        ("tickets.csv", "valid_from\n2026-11-20\n", 1, "The table has no column but those of validity."),
        ("tickets.csv", "ticket,who\nT-1,a\nT-2\n", 3, "The row has 1 cells, the first row names 2 columns."),
        (
            "tickets.csv",
            'ticket,who\n"T-1\nmore",a\n,b\n',
            4,
            "A row has nothing in its first column, 'ticket'.",
        ),
        ("tickets.csv", 'ticket\nT-1\n"T"2\n', 3, "This is not CSV: ',' expected after '\"'."),
        ("tickets.csv", b"ticket\nT-1\nT-\xff\n", 3, "Byte 0xff is not UTF-8."),
        ("tickets.csv", "ticket,valid_from\nT-1,soon\n", 2, "Row 1: 'valid_from' is no date and no time."),
        (
            "tickets.csv",
            "ticket,valid_from,valid_until\nT-1,2026-11-20,2026-11-19\n",
            2,
            "A row ends before it begins.",
        ),
        ("tickets.parquet", b"PAR1", 1, "This is not Parquet: "),
        ("tickets.yml", "- {ticket: T-1}\n- T-2\n", 2, "A row is unlike the others."),
        ("tickets.yml", "- DE\n- NO\n", 2, "'NO' is no text and no whole number."),
        ("tickets.yml", "- [DE]\n", 1, "A list or a map is no text and no whole number."),
        ("tickets.yml", "tickets\n", 1, "'tickets' is no list."),
        ("tickets.yml", "- T-1\n---\n- T-2\n", 3, "The file holds 2 YAML documents; a table is one."),
        ("tickets.yml", "awaited: true\n---\n- T-2\n", 3, "The file holds 2 YAML documents; a table is one."),
        ("tickets.yml", "awaited: false\n", 1, "'tickets' is no table."),
        ("tick ets.csv", CSV, 1, "Rules cannot name a table 'tick ets'."),
    ],
)
def test_mistakes_in_tables(tmp_path, name, data, line, said):
    problems = Problems()
    table = read_table(put(tmp_path, name, data), problems)
    found = [each for each in problems.sorted() if each.severity == "error"]
    assert (table is None) == bool(found) == (line is not None)
    if found:
        assert (found[0].code, found[0].span.line) == ("table-invalid", line)
        assert found[0].message.startswith(said)
        assert found[0].cure
        assert found[0].source_line == "", "a table may hold people's numbers"


def test_columns_of_parquet_that_are_no_text(tmp_path):
    path = put(tmp_path, "tickets.parquet", b"")
    pl.DataFrame({"ticket": [1.5]}).write_parquet(path)
    problems = Problems()
    assert read_table(path, problems) is None
    assert [each.message for each in problems.items] == ["The column 'ticket' is Float64."]
    pl.DataFrame({"ticket": [7]}).write_parquet(path)
    assert list(read_table(path, problems).columns["ticket"]) == ["7"]


def test_damaged_parquet_is_a_mistake_wherever_the_damage_is(tmp_path):
    path = put(tmp_path, "tickets.parquet", b"")
    parquet(path)
    whole = path.read_bytes()
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        problems = Problems()
        assert (read_table(path, problems) is None) == bool(problems.items), at
        assert {each.code for each in problems.items} <= {"table-invalid"}, at


def test_rows_are_counted_before_they_are_read(tmp_path):
    path = put(tmp_path, "tickets.parquet", b"")
    pl.DataFrame({"ticket": pl.Series(["T-1"]).new_from_index(0, MAX_ROWS + 1)}).write_parquet(path)
    problems = Problems()
    assert read_table(path, problems) is None
    assert [each.message for each in problems.items] == [
        "The table has 1,000,001 rows; 1,000,000 are the most."
    ]


def test_a_table_behind_links_is_one_table(tmp_path):
    """As Kubernetes mounts a ConfigMap: the files are links into a folder that is a link itself."""
    hidden = tmp_path / "lookups" / "..2026_11_25"
    hidden.mkdir(parents=True)
    (hidden / "tickets.csv").write_text(CSV)
    (tmp_path / "lookups" / "..data").symlink_to(hidden.name)
    (tmp_path / "lookups" / "tickets.csv").symlink_to("..data/tickets.csv")
    assert keys_of(tmp_path).rows.height == 3


def test_what_is_counted_is_the_same_over_another_table(tmp_path):
    """The habits of a baseline are kept when a table it asks is written anew."""
    counting = (
        "---\ntitle: B\nid: 0123abcd-0123-4abc-8abc-0123456789ac\nstatus: experimental\n"
        "correlation:\n    type: value_count\n    rules: [asking]\n    group-by: [user.name]\n"
        "    timespan: 1h\n    condition: {field: customer.id, gte: 5}\nlevel: high\n"
        "x_baseline: {signals: [burst]}\nx_tests:\n"
        "    - {name: m, expect: match, events: [{set: {a: b}}]}\n"
        "    - {name: n, expect: no_match, events: [{set: {a: b}}]}\n"
    )
    habits = []
    for data in (CSV, CSV + "T-4,,\n"):
        put(tmp_path, "tickets.csv", data)
        ruleset, found = rules_of(tmp_path, ASKING + counting)
        assert ruleset is not None, [each.render() for each in found]
        habits.append(ruleset.correlations[0].baseline.habit)
    assert habits[0] == habits[1]


PEERS = (
    "title: A\nid: 0123abcd-0123-4abc-8abc-0123456789ab\nname: read\nlogsource: {category: application}\n"
    "detection:\n    read: {event.action: read}\n    condition: read\n---\n"
    "title: B\nid: 0123abcd-0123-4abc-8abc-0123456789ac\n"
    "correlation:\n    type: value_count\n    rules: [read]\n    group-by: [user.name]\n"
    "    timespan: 1h\n    condition: {field: customer.id, gte: 5}\nlevel: high\n"
    "x_baseline: {peers: {field: user.name, lookup: staff.role}}\nx_tests:\n"
    "    - name: nobody's peer\n      expect: match\n"
    "      lookups: {staff: [{who: ada, role: clerk}]}\n      events: &events\n"
    "          - {at: 0s, every: 15m, repeat: 200, "
    "set: {event.action: read, user.name: ada, customer.id: 'C{n}'}}\n"
    "          - {at: 49h, every: 60s, repeat: 6, "
    "set: {event.action: read, user.name: Bo, customer.id: 'D{n}'}}\n"
    "    - name: whose peers read as much\n      expect: no_match\n"
    "      lookups: {staff: [{who: ada, role: clerk}, {who: bo, role: clerk}]}\n      events: *events\n"
    "    - name: whose peers they are no more\n      expect: match\n      lookups:\n"
    "          staff:\n              - {who: ada, role: clerk}\n"
    "              - {who: bo, role: clerk, valid_until: 2026-01-06}\n"
    "              - {who: bo, role: boss, valid_from: 2026-01-07}\n      events: *events\n"
)


def test_peers_stand_in_a_table(tmp_path):
    digests, habits = [], []
    for data in ("who,role\nada,clerk\n", "who,role\nada,boss\n"):
        put(tmp_path, "staff.csv", data)
        ruleset, found = rules_of(tmp_path, PEERS)
        assert ruleset is not None, [each.render() for each in found]
        digests.append(ruleset.digest)
        habits.append(ruleset.correlations[0].baseline.habit)
    assert digests[0] != digests[1], "a daemon has to take the table into use"
    assert habits[0] == habits[1]
    assert [(each.name, each.message) for each in run_cases(ruleset) if not each.passed] == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{field: user.name, lookup: stuff.role}", "There is no table 'stuff'."),
        ("{field: user.name, lookup: staff.rule}", "The table 'staff' has no column 'rule'."),
        ("{field: user.name, lookup: staff}", "'lookup' of 'peers' names no column of a table."),
        ("{field: user.name}", "'peers' has no 'lookup'."),
        ("{field: user.name, lookup: staff.role, kind: a}", "'peers' has no key 'kind'."),
    ],
)
def test_what_is_wrong_with_the_table_of_peers(tmp_path, said, message):
    put(tmp_path, "staff.csv", "who,role\nada,clerk\n")
    _, found = rules_of(tmp_path, PEERS.replace("{field: user.name, lookup: staff.role}", said))
    assert message in [each.message for each in found]


def test_a_table_that_is_too_large(tmp_path):
    path = put(tmp_path, "tickets.csv", "")
    with path.open("wb") as file:
        file.truncate(MAX_TABLE_BYTES + 1)
    problems = Problems()
    assert read_table(path, problems) is None
    assert f"{MAX_TABLE_BYTES:,}" in problems.items[0].message


def test_a_table_that_is_not_there_is_told_once_at_the_rule(tmp_path):
    put(tmp_path, "ticket.csv", CSV)
    ruleset, found = rules_of(tmp_path)
    assert ruleset is None
    (missing,) = (each for each in found if each.code == "unknown-table")
    assert (missing.span.line, missing.message) == (8, "There is no table 'tickets'.")
    assert missing.cure.startswith("Did you mean 'ticket'?")


def test_a_broken_table_is_no_missing_one(tmp_path):
    put(tmp_path, "tickets.csv", "ticket,ticket\n")
    _, found = rules_of(tmp_path)
    assert [each.code for each in found if each.severity == "error"] == ["table-invalid"]


def test_a_column_that_is_not_there(tmp_path):
    put(tmp_path, "tickets.csv", CSV)
    _, found = rules_of(tmp_path, ASKING.replace("lookup: tickets", "lookup: tickets.tickt"))
    assert [each.message for each in found if each.severity == "error"] == [
        "The table 'tickets' has no column 'tickt'."
    ]


def test_two_tables_of_one_name(tmp_path):
    put(tmp_path, "tickets.csv", CSV)
    put(tmp_path, "tickets.yml", YAML)
    _, found = rules_of(tmp_path)
    assert [each.code for each in found if each.severity == "error"] == ["table-duplicate"]


def test_the_table_of_a_later_path_counts(tmp_path):
    (tmp_path / "own").mkdir()
    put(tmp_path, "tickets.csv", CSV)
    put(tmp_path / "own", "tickets.csv", "ticket\nT-9\n")
    (tmp_path / "rule.yml").write_text(ASKING)
    for paths, texts in (([tmp_path / "rule.yml"], 3), ([tmp_path / "rule.yml", tmp_path / "own"], 1)):
        ruleset, _ = load(paths, TODAY)
        (test,) = ruleset.rules[0].selections[1].alternatives[0][0].tests
        assert test.keys.rows.height == texts


def test_the_digest_of_a_rule_covers_its_table(tmp_path):
    digests = []
    for table in (CSV, CSV, CSV + "T-4,,\n"):
        put(tmp_path, "tickets.csv", table)
        ruleset, _ = rules_of(tmp_path)
        digests.append((ruleset.digest, ruleset.rules[0].header.digest))
    assert digests[0] == digests[1]
    assert digests[0][0] != digests[2][0]
    assert digests[0][1] != digests[2][1]


def test_a_rule_rests_while_its_table_is_awaited_and_a_filter_never_makes_one_rest(tmp_path):
    put(tmp_path, "tickets.yml", "awaited: true\n")
    ruleset, _ = rules_of(tmp_path)
    assert resting(ruleset) == [("asking", ("tickets",))]
    hidden_by = HEAD.replace("3f2c6f0a", "4f2c6f0a").replace("level: low\n", "") + (
        "filter:\n    rules: any\n    known: {ticket.id|in: tickets}\n    condition: not known\n"
    )
    plain = HEAD + "detection: {read: {event.action: read}, condition: read}\n"
    ruleset, _ = rules_of(tmp_path, plain + "---\n" + hidden_by)
    assert [rests_for(rule) for rule in ruleset.rules] == [()]


def test_tests_bring_tables_of_their_own(tmp_path):
    put(tmp_path, "tickets.yml", "awaited: true\n")
    tests = (
        "x_tests:\n"
        "    - name: closed\n      expect: match\n"
        "      lookups: {tickets: [{t: T-1, valid_until: 2026-01-04}]}\n"
        "      events: [{set: {event.action: read, ticket.id: T-1}}]\n"
        "    - name: open\n      expect: no_match\n      lookups: {tickets: [T-1]}\n"
        "      events: [{set: {event.action: read, ticket.id: T-1}}]\n"
        "    - name: rests\n      expect: no_match\n"
        "      events: [{set: {event.action: read, ticket.id: T-1}}]\n"
    )
    ruleset, _ = rules_of(tmp_path, ASKING + tests)
    assert [(each.name, each.message) for each in run_cases(ruleset)] == [
        ("closed", ""),
        ("open", ""),
        ("rests", ""),
    ]
    ruleset, _ = rules_of(tmp_path, ASKING.replace("lookup: tickets", "lookup: tickets.who") + tests)
    assert "lacks: 'who'" in run_cases(ruleset)[0].message


@pytest.mark.parametrize("value", ["a b", "a.b.c", "''", "null", ".a"])
def test_what_names_no_table(value):
    found = check(detection(f"read:\n    f|lookup: {value}\ncondition: read"))
    assert "modifier-value" in [each.code for each in found]


def test_the_word_shipped_stands_for_the_rules_that_come_along(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named_rules([]) == (shipped_rules(),)
    assert named_rules([Path(SHIPPED), tmp_path]) == (shipped_rules(), tmp_path)
    assert named_rules([tmp_path / "mine" / SHIPPED]) == (tmp_path / "mine" / SHIPPED,), "a path is a path"
    (tmp_path / SHIPPED).mkdir()
    assert named_rules([tmp_path / SHIPPED]) == (tmp_path / SHIPPED,)


def test_files_among_tables_that_are_none_are_left_alone(tmp_path):
    put(tmp_path, "tickets.csv", CSV)
    put(tmp_path, "README.txt", "about the tables")
    ruleset, found = rules_of(tmp_path)
    assert ruleset is not None
    assert not any(re.search("README", str(each.span)) for each in found)


TIMES = st.none() | st.integers(0, 6)


@given(
    st.lists(st.tuples(st.sampled_from("abC"), st.sampled_from(["x", "y", None]), TIMES, TIMES), max_size=6),
    st.lists(st.tuples(st.sampled_from(["a", "B", "c", None]), TIMES), max_size=6),
)
def test_what_stands_beside_a_text_is_what_plain_loops_find(rows, asked):
    columns = {"who": [row[0] for row in rows], "role": [row[1] for row in rows]}
    table = Table("t", "d", columns, [row[2] for row in rows], [row[3] for row in rows])
    found = table.pairs("role").at(
        pl.Series([text for text, _ in asked], dtype=pl.String),
        pl.Series([time for _, time in asked], dtype=pl.Int64),
    )

    def beside(text, time):
        roles = [
            role
            for who, role, begin, end in rows
            if role is not None
            and text is not None
            and who.lower() == text.lower()
            and (begin is None or (time is not None and begin <= time))
            and (end is None or (time is not None and time < end))
        ]
        return max(roles, default="")

    assert found.to_list() == [beside(*each) for each in asked]


def test_an_awaited_table_names_no_peers():
    nobody = Table("t", "d", awaited=True).pairs("role")
    assert nobody.at(pl.Series(["a"]), pl.Series([0])).to_list() == [""]
