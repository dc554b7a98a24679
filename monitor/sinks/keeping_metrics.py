"""What keeping the ledger says of itself to Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from monitor import telemetry


class KeepingMetrics:
    """Counts what is sealed and what is removed."""

    KINDS = telemetry.RETENTION_KINDS

    def __init__(self, registry: CollectorRegistry) -> None:
        sealed, removed = telemetry.SEALED, telemetry.REMOVED
        self._sealed = Counter(sealed.name, sealed.help, registry=registry)
        self._removed = Counter(removed.name, removed.help, removed.labels, registry=registry)
        for kind in self.KINDS:
            self._removed.labels(kind)

    def sealed(self, count: int) -> None:
        """Violations were taken into the ledger."""
        self._sealed.inc(count)

    def removed(self, kind: str, count: int) -> None:
        """Things of that kind were too old."""
        self._removed.labels(kind).inc(count)
