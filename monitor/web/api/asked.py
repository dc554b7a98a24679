"""What programs may ask: parameters and bodies, checked strictly before anybody looks at them."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from monitor.casebook import NEW
from monitor.review import verdicts
from monitor.review.severity import NAMES
from monitor.review.summary import LEVELS
from monitor.review.verdicts import DecisionError

STATES = tuple(verdicts.LABELS)
WEEK = r"^\d{4}-W\d{2}$"


def _number(text: object) -> object:
    """Digits alone: no blanks, signs or underscores, which Python would bear."""
    if isinstance(text, str) and not (text.isascii() and text.isdigit()):
        raise ValueError("digits are wanted")
    return text


_Text = Annotated[str, StringConstraints(pattern=r"^[^\u0000]*$")]
"""No database keeps NUL in a text."""
Short = Annotated[_Text, StringConstraints(max_length=200)]
Number = Annotated[int, BeforeValidator(_number), Field(ge=0, le=2**53)]
Limit = Annotated[int, BeforeValidator(_number), Field(ge=1, le=100)]
Reason = Annotated[_Text, StringConstraints(max_length=verdicts.LONGEST, min_length=1)]
RegisterText = Annotated[_Text, StringConstraints(max_length=8000)]


class Asked(BaseModel):
    """Nothing but what is named, and of its own type."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Asked):
    """No parameter."""


class Cases(Asked):
    """Which cases, in which order."""

    state: Literal["open", "all", *STATES] = Field("open", description="State; `open`: somebody has to act.")  # type: ignore[valid-type]  # the states are those of the review
    level: Literal[LEVELS] | None = Field(None, description="Level.")  # type: ignore[valid-type]  # as above
    rule: Short | None = Field(None, description="Id of a rule.")
    q: Short | None = Field(
        None, description="Title of a rule, or the start of a case's key, actor, system or field."
    )
    week: Annotated[str, StringConstraints(pattern=WEEK)] | None = Field(
        None, description="Week of the last event, as 2026-W47."
    )
    sort: Literal["worst", "newest"] = Field("worst", description="Order.")
    limit: Limit = Field(25, description="Cases of one answer.")
    cursor: Short | None = Field(None, description="`next` of the answer before.")


class Entries(Asked):
    """Which entries of the ledger."""

    before: Number | None = Field(None, description="Only entries with smaller numbers.")
    limit: Limit = Field(50, description="Entries of one answer.")


class Seen(Asked):
    """A decision names the version of the case that it was taken on."""

    version: int = Field(ge=0, le=2**53, description="`version` of the case as it was seen.")


class Confirm(Seen):
    """A second person agrees."""


class Decline(Seen):
    """A second person does not, or the first takes it back."""

    reason: Reason


class Verdict(Seen):
    """A verdict, or the proposal of one that takes two."""

    state: Literal[tuple(one for one in STATES if one != NEW)]  # type: ignore[valid-type]  # as above
    reason: Reason
    owner: Short = Field("", description="Of an accepted risk: who answers for it.")
    until: dt.date | None = Field(None, description="Of an accepted risk: its last day.")
    other: Short = Field("", description="Of a duplicate: the key of the case it repeats.")


class Aware(Seen):
    """When it became known; the 72 hours of Art. 33(1) run from then."""

    at: AwareDatetime
    reason: Reason


class Notified(Seen):
    """The authority was told."""

    at: AwareDatetime
    reference: Reason = Field(description="Under which reference, or what was told.")


class Factor(Seen):
    """A factor of the severity."""

    factor: Literal[NAMES]  # type: ignore[valid-type]  # as above
    value: float = Field(ge=0, le=4)
    reason: Reason


class Register(Seen):
    """Texts of the register; those that are left out stay as they are."""

    nature: RegisterText | None = None
    cause: RegisterText | None = None
    effects: RegisterText | None = None
    measures: RegisterText | None = None
    contact: RegisterText | None = None
    decision: RegisterText | None = None
    delay: RegisterText | None = None


def cursor(level: str, last: int | None, key: str) -> str:
    """Where an answer ended, in a text that is handed back as it is."""
    return base64.urlsafe_b64encode(json.dumps([level, last, key]).encode()).decode()


def place(text: str) -> tuple[str, int | None, str]:
    """What a cursor says.

    Raises:
        DecisionError: it is none of ours.
    """
    try:
        level, last, key = json.loads(base64.b64decode(text, b"-_", validate=True))
        right = isinstance(level, str) and isinstance(key, str) and "\0" not in key
        if right and (last is None or (type(last) is int and abs(last) < 2**63)):
            return level, last, key
    except (binascii.Error, ValueError, TypeError):
        pass
    raise DecisionError("that is no cursor; take `next` of the answer before as it is")
