"""Decisions carried out: from the case as whoever decides saw it to the case and its entry in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from monitor.casebook import Case, Change
from monitor.errors import OutpacedError, PrivwatchError
from monitor.review import verdicts
from monitor.review.desk import Desk
from monitor.review.verdicts import Decision, DecisionError


class NoCaseError(PrivwatchError):
    """There is no case with this number."""


def found(desk: Desk, key: str) -> Case:
    """The case.

    Raises:
        NoCaseError: there is none.
    """
    case = desk.book.case(key)
    if case is None:
        raise NoCaseError("There is no case with this number.")
    return case


def changed(
    desk: Desk,
    key: str,
    version: str,
    change: Callable[[Case], Change],
    through: Mapping[str, str] | None = None,
) -> Case:
    """Change the case that was seen; somebody else's decision in between is never overwritten.

    Args:
        desk: where it lies.
        key: of the case.
        version: of the case as whoever decides saw it.
        change: what is to become of it.
        through: what the ledger is told besides, of the way it was decided.

    Returns:
        The case as it was.

    Raises:
        NoCaseError: there is none.
        OutpacedError: it is not the version that was seen.
        DecisionError: it cannot be decided so.
    """
    case = found(desk, key)
    if version != str(case.version):
        raise OutpacedError("Somebody decided on this case meanwhile; look at it again.")
    wanted = change(case)
    record = replace(wanted.record, body={**wanted.record.body, **(through or {})})
    desk.change(replace(wanted, version=case.version, record=record))
    return case


def verdict(desk: Desk, case: Case, decision: Decision, now: int) -> Change:
    """The change of a verdict; the case that a duplicate repeats has to be there.

    Raises:
        DecisionError: it is not, or it cannot be decided so.
    """
    if decision.state == verdicts.DUPLICATE and desk.book.case(decision.other) is None:
        raise DecisionError("there is no case with the number that this one is to repeat")
    return verdicts.decide(case, decision, now)
