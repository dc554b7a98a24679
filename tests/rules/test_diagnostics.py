"""How one problem is shown."""

from monitor.rules.diagnostics import MAX_SENTENCE, MAX_SHOWN, Problems, failed, listing, suggestion
from monitor.rules.tree import Span


def shown(text, line, column, width=1, **more):
    problems = Problems()
    problems.open("f.yml", text)
    problems.add("unknown-key", Span("f.yml", line, column), "What.", "Cure.", width=width, **more)
    return problems.sorted()[0].render()


def test_the_caret_stands_below_its_word():
    assert shown("a: 1\n\tlevle: x\n", 2, 2, 5) == (
        "f.yml:2:2: error[unknown-key]: What.\n  \tlevle: x\n  \t^^^^^\n  cure: Cure."
    )


def test_the_caret_ends_with_the_line():
    assert shown("abc", 1, 3, 50).splitlines()[2] == "    ^"
    assert shown("abc", 1, 4, 50).splitlines()[2] == "     ^"


def test_a_line_that_is_not_there_or_not_to_be_shown_is_left_out():
    plain = "f.yml:9:1: error[unknown-key]: What.\n  cure: Cure."
    assert shown("a\n", 9, 1) == plain
    assert shown("a\n" * 9, 9, 1, show=False) == plain


def test_long_lines_are_shown_around_the_place():
    line = "x" * 1000 + "levle" + "y" * 1000
    _, excerpt, caret, _ = shown(line, 1, 1001, 5).splitlines()
    assert len(excerpt) == MAX_SHOWN + 2
    assert excerpt[caret.index("^") :].startswith("levle")


def test_long_texts_are_cut():
    problems = Problems()
    problems.add("unknown-key", Span("f.yml", 1, 1), "m" * 10_000, "c" * 10_000)
    assert {len(problems.items[0].message), len(problems.items[0].cure)} == {MAX_SENTENCE}


def test_control_characters_do_not_reach_the_terminal():
    problems = Problems()
    problems.open("f.yml", "a\tb \x1b[2J")
    problems.add("unknown-key", Span("f.yml", 1, 1), "A\x1b]0;x\x07\n.", "Cure.")
    assert "\x1b" not in problems.items[0].render()
    assert problems.items[0].message == "A\ufffd]0;x\ufffd\ufffd."


def test_problems_are_sorted_and_none_comes_twice():
    problems = Problems()
    for line in (2, 1, 2):
        problems.add("missing-level", Span("f.yml", line, 1), "What.", "Cure.")
    assert [each.span.line for each in problems.sorted()] == [1, 2]
    assert not failed(problems.items)


def test_words():
    assert suggestion("levle", ["level", "title"]) == "Did you mean 'level'? "
    assert suggestion("zzz", ["level"]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b or c"
