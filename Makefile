# `make demo` needs Python 3.11 or newer and nothing else; `make check` is what CI runs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes \
  --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# A run of `make chaos`; python -m tests.chaos --help names more.
EVENTS ?= 20000
PROCESSES ?= 3
SEED ?= 1
MINUTES ?= 5
LEDGER ?= postgresql

.PHONY: demo bench test chaos clean-traffic check wheel fmt lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime  ## everything embedded; KEEP=1 leaves it running
	@$(BIN)/messenger demo $(if $(KEEP),--keep)

bench: $(VENV)/.dev  ## ratios against limits of the same run, on a real Kafka; BENCH=storm runs one
	-$(BIN)/python -m tests.support.kafka prepare
	$(BIN)/python -m tests.support.bench $(BENCH)

test: $(VENV)/.dev  ## all tests; those without their server are skipped
	-$(BIN)/python -m tests.support.kafka prepare
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

chaos: $(VENV)/.dev  ## crashes, cuts, a misbehaving provider: every email counted, beside a plain loop
	-$(BIN)/python -m tests.support.kafka prepare
	$(BIN)/python -m tests.chaos --events $(EVENTS) --processes $(PROCESSES) --seed $(SEED) \
	  --minutes $(MINUTES) --ledger $(LEDGER)

clean-traffic: $(VENV)/.dev  ## compaction and transactions for MINUTES, nothing disturbed: no false alarm
	-$(BIN)/python -m tests.support.kafka prepare
	$(BIN)/python -m tests.chaos --clean --processes $(PROCESSES) --seed $(SEED) --minutes $(MINUTES)

check: $(VENV)/.dev  ## style, types, layers, tests, and the wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) wheel
	$(MAKE) test

wheel: $(VENV)/.dev  ## build the wheel and run the demo from it, away from the sources
	rm -rf dist .cache/wheel
	$(BIN)/python -m build --wheel --no-isolation
	$(PYTHON) -m venv .cache/wheel
	.cache/wheel/bin/python -m pip install --quiet -r requirements/runtime.txt
	.cache/wheel/bin/python -m pip install --quiet --no-deps dist/*.whl
	cd / && $(CURDIR)/.cache/wheel/bin/messenger demo

fmt: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.dev  ## newest versions that pyproject.toml allows
	$(LOCK) --upgrade --all-extras -o requirements/dev.txt pyproject.toml
	$(LOCK) --extra sandbox --extra postgres -c requirements/dev.txt \
	  -o requirements/runtime.txt pyproject.toml
	$(LOCK) --only-build-deps --build-deps-for editable --build-deps-for wheel \
	  -c requirements/dev.txt -o requirements/build.txt pyproject.toml

clean:
	rm -rf $(VENV) .cache dist .hypothesis .mypy_cache .ruff_cache .pytest_cache

# The stamps say which requirements an environment was made from.

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements/runtime.txt -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet -r requirements/dev.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Messenger needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
