# `make demo` shows it, `make test` proves it, `make bench` measures it. Python 3.11+ and make are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench lint clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.ready  ## the virtual environment with everything the project runs and tests with

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "privwatch needs Python 3.11 or newer; say which with PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[kafka,librdkafka,postgresql,report,web]' --group dev
	touch $@

demo: setup  ## a made-up week of logs, replayed, with what it shows; a month of its review
	$(BIN)/privwatch demo

lint: setup  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup  ## all tests; ends with a table of what could not run and why
	$(BIN)/python -m tests

bench: setup  ## the benchmarks; the last line of each is one JSON object
	$(BIN)/python benchmarks/replay.py
	$(BIN)/python benchmarks/daemon.py
	$(BIN)/python benchmarks/windows.py
	$(BIN)/python benchmarks/review.py

clean:  ## forget the virtual environment and caches
	rm -rf $(VENV) .cache .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
