# The front door: `make run` to use it, `make test` to trust it. `make help` lists the rest.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
HOST := $(or $(GRADSCAPE_HOST),127.0.0.1)
PORT ?= $(or $(GRADSCAPE_PORT),8050)
ARGS ?=

BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
RUN_READY := .venv/.ready-to-run
TEST_READY := .venv/.ready-to-test

.DEFAULT_GOAL := help
.PHONY: help run test test-ray check format bench docs clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: $(RUN_READY) ## make the environment, start the app, print its address (HOST=, PORT=)
	@exec $(BIN)/gradscape serve --host $(HOST) --port $(PORT)

test: $(TEST_READY) ## make the environment with the test tools, run the whole suite side by side (ARGS="-k surface -x", ARGS="-n 0")
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-ray: $(TEST_READY) ## install Ray (250 MB) and run the engines' contract on a cluster of one machine
	$(INSTALL) --editable '.[dev,ray]'
	$(BIN)/python -m pytest tests/jobs/test_engines.py tests/jobs/test_ray_runs.py tests/jobs/test_shared_races.py $(ARGS)

check: $(TEST_READY) ## lint, format, types, layers, file ceilings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_packaging.py tests/test_docs.py

format: $(TEST_READY) ## put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(TEST_READY) ## measure, write benchmarks/results/*.json and the tables made from them (takes minutes)
	@test -d benchmarks/.peers || $(BIN)/python -m pip install --no-deps --target benchmarks/.peers -r benchmarks/requirements.txt
	@for bench in $$($(BIN)/python -m benchmarks.table --list); do \
		echo "== $$bench"; $(BIN)/python -m $$bench || exit 1; done
	$(BIN)/python -m benchmarks.table

docs: $(TEST_READY) ## write docs/reference from the schemas and routes
	$(BIN)/python -m docs.generate

clean: ## forget the environment and the tools' caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Gradscape needs Python 3.11 or newer; install it, or say where it is: make run PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv

# The stamps make a warm start instant; they are older than these two files when what is installed may be too.
$(RUN_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Gradscape into .venv (a few minutes the first time)"
	$(INSTALL) --editable .
	@touch $@

$(TEST_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Gradscape and its test tools into .venv (a few minutes the first time)"
	$(INSTALL) --editable '.[dev]'
	@touch $(RUN_READY) $@
