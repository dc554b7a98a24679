"""The durable side: every SQL statement of the project is in here."""

from monitor.store.repository import open_store

__all__ = ["open_store"]
