"""What is free goes back to the system now and then; what lies among it stays."""

import subprocess
import sys

from monitor.clock import ManualClock
from monitor.pipeline.trimming import EVERY_SECONDS, Trimming


def test_it_trims_once_in_a_while():
    clock, trims = ManualClock(), []
    trimming = Trimming(clock, lambda: trims.append(clock.now()))
    for _ in range(10):
        clock.sleep(EVERY_SECONDS / 4)
        trimming.between()
    assert len(trims) == 2


FREED = """
import pathlib
from monitor.clock import ManualClock
from monitor.pipeline.trimming import EVERY_SECONDS, Trimming

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

clock = ManualClock()
trimming = Trimming(clock)
peak = [bytes(4000) for _ in range(10_000)]
kept = peak[::500] + peak[-1:]
del peak
before = resident()
trimming.between()
assert resident() > before - 5, "not yet"
clock.sleep(EVERY_SECONDS)
trimming.between()
print(before - resident())
"""


def test_a_peak_is_given_back_although_some_of_it_is_kept():
    """40 MB of records, of which one in 500 lives on."""
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 30
