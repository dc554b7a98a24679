"""A seeded, made-up week of logs, for the demo, the tests and the benchmarks."""
