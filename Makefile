# Everything a fresh machine needs: Python 3.11 or later, and make.
#   make demo    set up .venv and watch the chain answer
#   make test    set up .venv and run the tests
#   make check   what must pass: format, lint, types, import rules, tests
#   make fix     repair format and what the linter can repair
#   make bench   the benchmark
#   make soak    simulated worlds, SEEDS=10000 of them
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check fix bench setup clean

demo: $(READY)
	@$(BIN)/chat-router demo

# The tests run in two halves side by side; each prints its own summary.
LONG := tests/faults tests/simulation
PYTEST := $(BIN)/python -m pytest -q

test: $(READY)
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-long test-others

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coverage erase
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-long test-others \
		PYTEST='$(BIN)/coverage run --parallel-mode -m pytest -q'
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=90

.PHONY: test-long test-others
test-long: $(READY)
	$(PYTEST) $(LONG)

test-others: $(READY)
	$(PYTEST) $(LONG:%=--ignore=%)

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks

# Seeds of the simulated world; a failing one prints the command that repeats it.
SEEDS ?= 10000
START ?= 0
.PHONY: soak
soak: $(READY)
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --start $(START)

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "chat-router needs Python 3.11 or later; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,dev]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage build dist

# The two servers that the README's examples talk to, until Ctrl-C.
.PHONY: simulators
simulators: $(READY)
	@exec $(BIN)/chat-router simulate h2o openai --port 8001
