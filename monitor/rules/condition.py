"""Sigma conditions: text to And, Or, Not and Ref, with the quantifiers written out.

    or_expr  := and_expr ("or" and_expr)*
    and_expr := not_expr ("and" not_expr)*
    not_expr := "not" not_expr | "(" or_expr ")" | ("1" | "any" | "all") "of" pattern | name

Names starting with `_` are left out of a quantifier unless its pattern starts with `_` too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.rules.diagnostics import suggestion
from monitor.rules.tree import And, Condition, Not, Or, Ref

MAX_DEPTH = 50
"""Deepest nesting of parentheses and `not`."""
MAX_REFERENCES = 10_000
"""Most references to selections in one condition, quantifiers written out."""

_TOKEN = re.compile(r"\s*(?:(?P<good>[()]|[A-Za-z0-9_*-]+)|(?P<bad>\S))")
_KEYWORDS = frozenset({"and", "or", "not", "of", "them"})
_GRAMMAR = "Write names, and, or, not, parentheses, '1 of name_*', 'all of them'."


class ConditionError(Exception):
    """The condition cannot be read; `offset` counts characters from 0."""

    def __init__(self, code: str, offset: int, width: int, message: str, cure: str = _GRAMMAR) -> None:
        super().__init__(message)
        self.code, self.offset, self.width, self.message, self.cure = code, offset, width, message, cure


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    offset: int


def parse_condition(text: str, names: Sequence[str]) -> Condition:
    """The condition as a tree over selection names.

    Args:
        text: the condition as written.
        names: the selections of the rule, in order.

    Raises:
        ConditionError: with code `condition-syntax`, `condition-pipe` or `unknown-selection`.
    """
    parser = _Parser(_tokens(text), len(text), names)
    condition = parser.or_expr(0)
    if extra := parser.peek():
        raise _misplaced(extra)
    return condition


def names_in(condition: Condition) -> frozenset[str]:
    """The selections a condition refers to."""
    match condition:
        case Ref(name):
            return frozenset({name})
        case Not(operand):
            return names_in(operand)
        case And(operands) | Or(operands):
            return frozenset().union(*map(names_in, operands))


def rename(condition: Condition, prefix: str) -> Condition:
    """The condition with `prefix` before every name."""
    return renamed(condition, lambda name: prefix + name)


def renamed(condition: Condition, new: Callable[[str], str]) -> Condition:
    """The condition over other names."""
    match condition:
        case Ref(name):
            return Ref(new(name))
        case Not(operand):
            return Not(renamed(operand, new))
        case And(operands):
            return And(tuple(renamed(each, new) for each in operands))
        case Or(operands):
            return Or(tuple(renamed(each, new) for each in operands))


def words(text: str) -> tuple[str, ...]:
    """The names that a condition without quantifiers mentions, in order, each once."""
    found = (match["good"] for match in _TOKEN.finditer(text) if match["good"])
    return tuple(dict.fromkeys(word for word in found if word not in {*_KEYWORDS, "(", ")"}))


def counts_off(text: str) -> bool:
    """Whether a condition has a quantifier: `all of them`."""
    return any(match["good"] == "of" for match in _TOKEN.finditer(text))


def _tokens(text: str) -> list[_Token]:
    if (pipe := text.find("|")) >= 0:
        message = "Aggregation after a pipe is no longer Sigma."
        raise ConditionError("condition-pipe", pipe, 1, message, "Write a correlation document instead.")
    tokens = []
    for match in _TOKEN.finditer(text):
        if match["bad"]:
            raise ConditionError("condition-syntax", match.start("bad"), 1, _unexpected(match["bad"]))
        tokens.append(_Token(match["good"], match.start("good")))
    return tokens


def _unexpected(text: str) -> str:
    return f"'{text}' is not expected here."


def _misplaced(token: _Token) -> ConditionError:
    low = token.text.lower()
    cure = f"Write '{low}' in lower case." if low in _KEYWORDS and low != token.text else _GRAMMAR
    return ConditionError("condition-syntax", token.offset, len(token.text), _unexpected(token.text), cure)


class _Parser:
    def __init__(self, tokens: list[_Token], end: int, names: Sequence[str]) -> None:
        self.tokens, self.at, self.end = tokens, 0, end
        self.names = dict.fromkeys(names)
        self.references = 0

    def or_expr(self, depth: int) -> Condition:
        operands = [self.and_expr(depth)]
        while self.take("or"):
            operands.append(self.and_expr(depth))
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def and_expr(self, depth: int) -> Condition:
        operands = [self.not_expr(depth)]
        while self.take("and"):
            operands.append(self.not_expr(depth))
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def not_expr(self, depth: int) -> Condition:
        token = self.next()
        if depth > MAX_DEPTH:
            message = f"The condition is nested deeper than {MAX_DEPTH} levels."
            raise ConditionError("condition-syntax", token.offset, 1, message, "Split it into selections.")
        if token.text == "not":
            return Not(self.not_expr(depth + 1))
        if token.text == "(":
            return self.group(depth)
        if token.text in {"1", "any", "all"} and self.take("of"):
            return self.quantified(token.text, self.next())
        return self.reference(token)

    def group(self, depth: int) -> Condition:
        inner = self.or_expr(depth + 1)
        closing = self.next()
        if closing.text != ")":
            raise ConditionError(
                "condition-syntax", closing.offset, len(closing.text), "A ')' is missing here."
            )
        return inner

    def quantified(self, quantifier: str, token: _Token) -> Condition:
        if token.text in _KEYWORDS - {"them"} or token.text in "()":
            raise _misplaced(token)
        pattern = re.escape("*" if token.text == "them" else token.text).replace(r"\*", ".*")
        hidden = token.text.startswith("_")
        found = [
            Ref(name) for name in self.names if re.fullmatch(pattern, name) and (hidden or name[:1] != "_")
        ]
        if not found:
            raise self.unknown(token, f"No selection matches '{token.text}'.")
        self.spend(len(found), token)
        if len(found) == 1:
            return found[0]
        return And(tuple(found)) if quantifier == "all" else Or(tuple(found))

    def reference(self, token: _Token) -> Condition:
        if token.text in self.names:
            self.spend(1, token)
            return Ref(token.text)
        if token.text.lower() in _KEYWORDS or token.text in "()" or "*" in token.text:
            raise _misplaced(token)
        raise self.unknown(token, f"The rule has no selection '{token.text}'.")

    def unknown(self, token: _Token, message: str) -> ConditionError:
        there = ", ".join(self.names) or "none"
        cure = f"{suggestion(token.text, self.names)}The rule's selections: {there}."
        return ConditionError("unknown-selection", token.offset, len(token.text), message, cure)

    def spend(self, references: int, token: _Token) -> None:
        self.references += references
        if self.references > MAX_REFERENCES:
            message = f"The condition refers to selections more than {MAX_REFERENCES} times."
            raise ConditionError(
                "condition-syntax", token.offset, len(token.text), message, "Split the rule."
            )

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, word: str) -> bool:
        token = self.peek()
        taken = token is not None and token.text == word
        self.at += taken
        return taken

    def next(self) -> _Token:
        token = self.peek()
        if token is None:
            raise ConditionError("condition-syntax", self.end, 1, "The condition ends too early.")
        self.at += 1
        return token
