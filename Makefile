# `make demo` shows it, `make test` proves it, `make bench` measures it. Python 3.11+ and make are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench lint lock sbom audit clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.ready  ## the virtual environment with everything the project runs and tests with

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "privwatch needs Python 3.11 or newer; say which with PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[kafka,librdkafka,oidc,postgresql,report,web]' --group dev
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

LOCKED := --universal --python-version 3.11 --generate-hashes --no-header --quiet

lock: setup  ## deploy/supply: the versions the image is made of, with hashes; those there stay where they can
	$(BIN)/python -m pip install --quiet --group supply
	$(BIN)/uv pip compile pyproject.toml $(foreach extra,kafka librdkafka oidc postgresql report web,--extra $(extra)) \
	  $(LOCKED) --output-file deploy/supply/image.txt
	$(BIN)/uv pip compile deploy/supply/build.in $(LOCKED) --output-file deploy/supply/build.txt

sbom: setup  ## dist/privwatch.cdx.json: what the image holds, as CycloneDX, from an installation of the locked versions
	$(PYTHON) -m venv --clear .cache/locked
	.cache/locked/bin/python -m pip install --quiet --require-hashes --requirement deploy/supply/build.txt
	.cache/locked/bin/python -m pip install --quiet --no-deps --no-build-isolation .
	.cache/locked/bin/python -m pip uninstall --quiet --yes --requirement deploy/supply/build.txt
	.cache/locked/bin/python -m pip install --quiet --require-hashes --requirement deploy/supply/image.txt
	.cache/locked/bin/python -m pip uninstall --quiet --yes pip setuptools
	mkdir -p dist
	$(BIN)/cyclonedx-py environment .cache/locked/bin/python --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --output-format JSON --output-file dist/privwatch.cdx.json

audit: setup  ## known vulnerabilities of the locked versions; exit code 3 and "NOT AUDITED" where nobody could be asked
	$(BIN)/python -m pip install --quiet --group supply
	$(BIN)/python -m deploy.supply.audit

clean:  ## forget the virtual environment and caches
	rm -rf $(VENV) .cache .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
