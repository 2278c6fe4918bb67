# Every command of the project; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Two workers: the tests start real processes (Postgres, Kafka, services), and two cores must do.
WORKERS ?= 2
# Tests start hundreds of processes. Without compiled files each start costs two more seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test test-tools check format lock schemas bench chaos sim kafka kafka-stop
.PHONY: verify doctor demo clean

help: ## list these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Laurel needs Python 3.11 or newer: install it, or run" \
	  "'make setup PYTHON=/path/to/python3.11'."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "This Python cannot make virtual environments: install its venv module" \
	  "(Debian: apt-get install python3-venv)."; exit 1; }
	@echo "Setting up .venv (once; half a minute)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.ready ## prepare the environment in .venv/

run: .venv/.ready ## start Laurel here: Postgres and three services, one terminal
	@exec $(BIN)/laurel run

test: .venv/.ready test-tools check ## run every test; sets up what it needs where it may
	@$(BIN)/python -m pytest --ignore=tests/unit -n $(WORKERS) --dist loadgroup -m "not slow" -ra

test-tools: .venv/.ready
	@$(BIN)/python -m deploy.test_tools

check: .venv/.ready ## format, lint, types, import contracts and the pure tests
	@$(BIN)/ruff format --check --quiet . || { echo "run 'make format'"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > .venv/imports.txt || { cat .venv/imports.txt; exit 1; }
	@$(BIN)/python -m pytest tests/unit -n $(WORKERS) -m "not slow" -q -ra

format: .venv/.ready ## format the code
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

lock: .venv/.ready ## resolve the dependencies into both lock files again
	@for out in "" "-dev"; do $(BIN)/uv pip compile --quiet --universal --generate-hashes \
	  --no-emit-index-url --no-header $${out:+--extra dev} --output-file requirements$$out.lock pyproject.toml; done

schemas: .venv/.ready ## write the generated documents and pages again
	@$(BIN)/python -m deploy.schemas

bench: .venv/.ready ## measure the goals into docs/performance.md (half an hour)
	@$(BIN)/python -m tests.bench

chaos: .venv/.ready test-tools ## the crash, outage and disk tests, and every long form
	@REQUIRE_KAFKA=1 $(BIN)/python -m pytest tests/chaos -n 0 -ra
	@$(BIN)/python -m pytest tests --ignore=tests/chaos -m slow -n 0 -ra

sim: .venv/.ready ## ten thousand seeds of the deterministic simulation
	@$(BIN)/python -m tests.simulation --seeds 10000

kafka: .venv/.ready ## start a real Apache Kafka without Docker, prints its address
	@$(BIN)/python -m deploy.kafka.server start

kafka-stop: .venv/.ready ## stop it
	@$(BIN)/python -m deploy.kafka.server stop

demo: .venv/.ready ## fill a running Laurel with a month of made-up traffic
	@$(BIN)/laurel demo

verify: .venv/.ready ## prove on a running Laurel that the ledger balances
	@$(BIN)/laurel verify

doctor: .venv/.ready ## say what is missing on this machine and how to get it
	@$(BIN)/laurel doctor

clean: ## remove the environment and every cache, not the data
	@rm -rf .venv .mypy_cache .ruff_cache .hypothesis build *.egg-info
