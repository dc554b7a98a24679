"""What benchmarks/detectors.py measures: labelled cases, other people's detectors, logs, hostile lines."""
