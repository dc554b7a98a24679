"""What programs may decide, in the name of their token's account; four eyes are those of two accounts."""

from __future__ import annotations

from collections.abc import Callable

from monitor.casebook import Case, Change
from monitor.review import clocks, deciding, incident, verdicts
from monitor.web.api import asked, shapes, told
from monitor.web.api.calls import Call


def verdict(call: Call) -> told.State:
    """A verdict, or the proposal of one that takes two."""
    said: asked.Verdict = call.body
    decision = verdicts.Decision(
        said.state, call.who, said.reason, said.owner, said.until, said.other.strip()
    )
    return _changed(call, lambda case: deciding.verdict(call.desk, case, decision, call.now))


def confirm(call: Call) -> told.State:
    """A second person agrees."""
    return _changed(call, lambda case: verdicts.confirm(case, call.who, call.now))


def decline(call: Call) -> told.State:
    """A second person does not, or the first takes it back."""
    return _changed(call, lambda case: verdicts.decline(case, call.who, call.body.reason))


def aware(call: Call) -> told.State:
    """When it became known."""
    at = clocks.micros(call.body.at)
    return _changed(call, lambda case: incident.aware(case, call.who, at, call.body.reason, call.now))


def notified(call: Call) -> told.State:
    """The authority was told."""
    at = clocks.micros(call.body.at)
    return _changed(call, lambda case: incident.notified(case, call.who, at, call.body.reference, call.now))


def severity(call: Call) -> told.State:
    """A factor of the severity."""
    said: asked.Factor = call.body
    return _changed(
        call, lambda case: incident.assessed(case, call.who, said.factor, said.value, said.reason)
    )


def write_register(call: Call) -> told.State:
    """Texts of the register."""
    said = call.body.model_dump(exclude={"version"}, exclude_none=True)
    return _changed(call, lambda case: incident.documented(case, call.who, said))


def _changed(call: Call, change: Callable[[Case], Change]) -> told.State:
    key = call.path["key"]
    deciding.changed(call.desk, key, str(call.body.version), change, call.through)
    return shapes.state(deciding.found(call.desk, key))
