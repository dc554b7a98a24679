"""Modifiers: `field|contains|all` to a Chain. One table says what each modifier is and what it goes with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor.rules.diagnostics import Problems, suggestion
from monitor.rules.document import Scalar
from monitor.rules.reader import locate

ROLES: dict[str, str] = {
    "all": "list",
    "cased": "case",
    "cidr": "kind",
    "contains": "wrap",
    "endswith": "wrap",
    "exists": "kind",
    "gt": "kind",
    "gte": "kind",
    "i": "flag",
    "in": "kind",
    "lookup": "kind",
    "lt": "kind",
    "lte": "kind",
    "m": "flag",
    "neq": "list",
    "pii": "kind",
    "plaintext": "kind",
    "re": "kind",
    "s": "flag",
    "startswith": "wrap",
    "state": "kind",
}
"""Every modifier of this release: `kind` says what values mean, `wrap` puts wildcards at the ends of text,
`case` and `flag` refine text and regular expressions, `list` says how the values join."""

ALIASES = {"ignorecase": "i", "multiline": "m", "dotall": "s"}
"""Long names of the flags of `re`."""

LATER = frozenset(
    {"base64", "base64offset", "expand", "fieldref", "windash", "wide"}
    | {"utf16", "utf16be", "utf16le", "minute", "hour", "day", "week", "month", "year"}
)
"""Modifiers of the rule language that this release does not evaluate."""

FIRST = frozenset({"cidr", "exists", "in", "lookup", "pii", "plaintext", "re", "state"})
"""These read the value as it is written, so no modifier may come before them."""

NEED_FIELD = frozenset(
    {
        "cidr",
        "endswith",
        "exists",
        "gt",
        "gte",
        "in",
        "lookup",
        "lt",
        "lte",
        "plaintext",
        "startswith",
        "state",
    }
)
"""These ask about a whole value; a keyword is searched for inside every value of the record."""
SINGLE = frozenset({"exists", "plaintext"})
_NO_ALL = SINGLE | {"state"}


_OF_THE_ENGINE = re.compile("__(?:row|offset|time|raw|broker|irregular|atom_[0-9]+)")


@dataclass(frozen=True, slots=True)
class Chain:
    """A key of a selection, read. `kind` is `text` or the modifier that says what the values mean."""

    field: str | None
    kind: str = "text"
    wrap: str = ""
    cased: bool = False
    every: bool = False
    negated: bool = False
    flags: str = ""


def parse_chain(key: Scalar, problems: Problems) -> Chain | None:
    """The field and its modifiers; None where they do not fit together, which is then reported."""
    field, *written = key.text.split("|")
    check = _ChainCheck(key, problems)
    modifiers: list[str] = []
    fine = check.field(field)
    offset = len(field) + 1
    for each in written:
        name = ALIASES.get(each, each)
        fine = check.modifier(name, modifiers, offset, fieldless=not field) and fine
        modifiers += [name] if name in ROLES else []
        offset += len(each) + 1
    if not fine:
        return None
    by_role = {role: [each for each in modifiers if ROLES[each] == role] for role in set(ROLES.values())}
    return Chain(
        field or None,
        kind=by_role["kind"][0] if by_role["kind"] else "text",
        wrap=by_role["wrap"][0] if by_role["wrap"] else "",
        cased="cased" in modifiers,
        every="all" in modifiers,
        negated="neq" in modifiers,
        flags="".join(sorted(by_role["flag"])),
    )


@dataclass(frozen=True, slots=True)
class _ChainCheck:
    key: Scalar
    problems: Problems

    def report(self, code: str, offset: int, width: int, message: str, cure: str) -> bool:
        self.problems.add(code, locate(self.problems, self.key, offset), message, cure, width=width)
        return False

    def field(self, field: str) -> bool:
        if _OF_THE_ENGINE.fullmatch(field):
            cure = f"Write *.{field}, which is looked for in the whole record."
            message = f"'{field}' is a column of the engine, not a field of events."
            return self.report("invalid-field", 0, len(field), message, cure)
        deep = field.startswith("*.")
        rest = field[2:] if deep else field
        if "*" in rest or (deep and (not rest or "." in rest)):
            cure = "Write a path such as user.email, or *.email for the key at any depth."
            return self.report("invalid-field", 0, len(field), f"'{field}' is no field.", cure)
        return True

    def modifier(self, name: str, before: list[str], offset: int, *, fieldless: bool) -> bool:
        if name in LATER:
            message = f"The modifier '{name}' is not evaluated in this release."
            cure = f"Rewrite the test with the modifiers there are: {', '.join(ROLES)}."
            return self.report("modifier-unsupported", offset, len(name), message, cure)
        if name not in ROLES:
            known = {*ROLES, *ALIASES, *LATER}
            cure = f"{suggestion(name, known)}The modifiers: {', '.join(ROLES)}."
            return self.report("unknown-modifier", offset, len(name), f"There is no modifier '{name}'.", cure)
        return self.order(name, before, offset) and self.conflict(name, before, offset, fieldless=fieldless)

    def order(self, name: str, before: list[str], offset: int) -> bool:
        if name in FIRST and before:
            message = f"'{name}' reads the value as it is written, so nothing may come before it."
            return self.report("modifier-order", offset, len(name), message, f"Write {name} first.")
        if ROLES[name] == "flag" and "re" not in before:
            message = f"'{name}' is a flag of 're', which does not come before it."
            return self.report("modifier-order", offset, len(name), message, f"Write re|{name}.")
        return True

    def conflict(self, name: str, before: list[str], offset: int, *, fieldless: bool) -> bool:
        other = next((each for each in before if _clash(each, name)), None)
        if other is not None:
            message = (
                f"'{name}' is there twice." if other == name else f"'{name}' does not go with '{other}'."
            )
            cure = "Keep one of the two, or write two selections."
            return self.report("modifier-conflict", offset, len(name), message, cure)
        if fieldless and name in NEED_FIELD:
            message = f"'{name}' asks about a field, and none is named."
            return self.report("modifier-needs-field", offset, len(name), message, f"Write field|{name}.")
        return True


def _clash(one: str, other: str) -> bool:
    roles = {ROLES[one], ROLES[other]}
    if one == other or roles in ({"kind"}, {"wrap"}):
        return True
    if "kind" in roles and roles & {"wrap", "case"}:
        return True
    return "all" in (one, other) and bool({one, other} & _NO_ALL)
