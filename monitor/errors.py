"""Errors a person can act on: what was wrong, where, and what to do."""

from __future__ import annotations


class PrivwatchError(Exception):
    """Anything privwatch refuses to do, as one clear message without personal data."""


class SettingsError(PrivwatchError):
    """A setting is unknown, missing or out of range."""


class InputError(PrivwatchError):
    """A file or a topic cannot be read at all (a single bad record is a reject, not an error)."""


class RuleError(PrivwatchError):
    """A rule set cannot be used; the message holds every problem, rendered."""


class CompileError(PrivwatchError):
    """A node of a rule has no entry in the dispatch table; it is never approximated."""


class DeadLetterError(PrivwatchError):
    """Dead letters cannot be written for now."""


class Stopped(PrivwatchError):  # noqa: N818 - no error, an end
    """A stop was asked for in the middle of a turn: what is not stored of it is read again."""


class StoreError(PrivwatchError):
    """The store cannot be opened, migrated or written."""


class StoreAwayError(StoreError):
    """The store cannot be reached or written now, and may be later: nothing of the transaction was kept.

    Unless the connection broke during the commit: then only the positions in the store say whether it was.
    """


class FencedError(StoreError):
    """A partition of the turn belongs to another instance by now; nothing of the turn was written."""


class OutpacedError(StoreError):
    """Another instance wrote window state that this turn has not seen; nothing of the turn was written."""
