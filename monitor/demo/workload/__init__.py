"""Weeks of reads of personal records by a made-up workforce, with attacks among them: for baselines."""

from monitor.demo.workload.attacks import KINDS, Attack
from monitor.demo.workload.making import READS, Workload, make_workload

__all__ = ["KINDS", "READS", "Attack", "Workload", "make_workload"]
