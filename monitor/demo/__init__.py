"""A made-up company and its logs: for `privwatch demo`, for tests that know the truth, for benchmarks."""

from monitor.demo.manifest import Manifest, Planted
from monitor.demo.processing import write_tables
from monitor.demo.stream import bulk
from monitor.demo.week import generate

__all__ = ["Manifest", "Planted", "bulk", "generate", "write_tables"]
