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


class StoreError(PrivwatchError):
    """The store cannot be opened, migrated or written."""
