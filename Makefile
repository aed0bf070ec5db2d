# Everything a fresh machine needs: Python 3.11 or later, and make.
#   make demo    set up .venv and watch the chain answer
#   make test    set up .venv and run the tests, a sample of the longest: minutes
#   make check   what must pass: format, lint, types, import rules, all tests, coverage measured on a part of them
#   make fix     repair format and what the linter can repair
#   make docs    the manual as a site, in build/docs; make check builds it, too
#   make pages   make anew what the manual has of the code
#   make release-check   build what is released, and try it in clean environments: two minutes
#   make bench   the benchmark; make bench-peers beside other libraries
#   make soak    simulated worlds, SEEDS=10000 of them
#   make soak-real   steady load with failures for SECONDS=1200: nothing may grow
#   make servers real servers that others wrote, each in an environment of its own (the first time ten minutes);
#                then make test-servers asks them
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What the command needs, without the developers' tools.
RUNS := $(VENV)/.runs

# A variable that many images set: without bytecode, each of the tests' processes and of the programs that they start
# compiles every module anew, which doubles what collecting tests and starting a program cost.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check fix bench setup clean

demo: $(RUNS)
	@$(BIN)/chat-router demo

# Each of JOBS processes takes tests as long as there are any. A third of a test's time it waits for sockets,
# programs and clocks, so that there are three processes for two cores.
JOBS ?= $(shell $(PYTHON) -c 'import os; n = os.cpu_count() or 1; print(n + (n + 1) // 2)')
PYTEST := $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

test: $(READY)
	TEST_DEPTH=quick $(PYTEST)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory --jobs=2 types structure
	TEST_DEPTH=full $(PYTEST) --durations=15 --cov --cov-report=term --cov-fail-under=90

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What check has side by side: the types take a core for forty seconds.
.PHONY: types structure
types: $(READY)
	$(BIN)/mypy

structure: $(READY)
	$(BIN)/lint-imports
	$(MKDOCS)

bench: $(READY)
	$(BIN)/python -m benchmarks

# Beside litellm, the openai SDK, pydantic-ai, LangChain and g4f, each in an environment of its own, made on first use.
.PHONY: bench-peers
bench-peers: $(READY)
	$(BIN)/python -m benchmarks --peers --rounds 3

# What the gateway costs, beside LiteLLM's proxy where `make servers` has set it up.
.PHONY: bench-gateway
bench-gateway: $(READY)
	$(BIN)/python -m benchmarks.gateway

# CLIENTS at once, upstreams that fail, clients that leave: no reply mixed or cut in silence, memory flat.
CLIENTS ?= 2000
.PHONY: soak-gateway
soak-gateway: $(READY)
	$(BIN)/python -m benchmarks.gateway.storm --clients $(CLIENTS) --seconds $(if $(filter 1200,$(SECONDS)),120,$(SECONDS))
# The same with three gateways that share a redis-server: one of them is killed under load, later the store.
.PHONY: storm-gateway
storm-gateway: $(READY)
	$(BIN)/python -m benchmarks.gateway.storm --clients $(CLIENTS) --seconds 120 --replicas 3 --kill

# How soon four processes agree through a real store, at what cost, and what a killed store costs.
STORE ?= redis-server
.PHONY: bench-replicas
bench-replicas: $(READY)
	$(BIN)/python -m benchmarks.replicas --server $(STORE)

# Steady load over real sockets, failures mixed in: memory, sockets and tasks must be flat.
SECONDS ?= 1200
RATE ?= 85
.PHONY: soak-real
soak-real: $(READY)
	$(BIN)/python -m benchmarks.soak --seconds $(SECONDS) --rate $(RATE)

# Seeds of the simulated world; a failing one prints the command that repeats it.
SEEDS ?= 10000
START ?= 0
.PHONY: soak
soak: $(READY)
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --start $(START)

setup: $(READY)

$(RUNS): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "chat-router needs Python 3.11 or later; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,gateway]'
	@touch $@

$(READY): $(RUNS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,dev,docs]'
	@touch $@

# The manual as a site in build/docs; every warning of mkdocs is an error, a dead link too.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
.PHONY: docs
docs: $(READY)
	$(MKDOCS)

# What is made of the code: the schema, and the pages of the reference. After a change of a setting or public name.
.PHONY: pages
pages: $(READY)
	@mkdir -p build
	$(BIN)/python -m router config schema > build/schema.json && mv build/schema.json router/config.schema.json
	$(BIN)/python -m tests.docs.configuration
	$(BIN)/python -m tests.docs.api
	$(BIN)/python -m tests.docs.made
	$(BIN)/python -m tests.docs.promises --kept
	$(BIN)/python -m benchmarks.comparison.page

# The wheel and the sdist are built, and tried in clean environments with each extra.
.PHONY: release-check
release-check: $(READY)
	RELEASE=1 $(PYTEST) tests/release

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage build dist

# The two servers that the README's examples talk to, until Ctrl-C.
.PHONY: simulators
simulators: $(READY)
	@exec $(BIN)/chat-router simulate h2o openai --port 8001

# LiteLLM's proxy, llama.cpp's server with a tiny model, a mock from npm, Prometheus, Grafana's types. What cannot be had is said and skipped.
.PHONY: servers test-servers
servers: $(READY)
	$(BIN)/python -m tests.servers.setting_up

# The openai package of two years ago, of npm, LangChain, Pydantic AI: full tests of the gateway ask with them.
# Flask under gunicorn, Django, a Jupyter kernel with a blocking router inside: make test-servers runs them.
.PHONY: clients
clients: $(READY)
	$(BIN)/python -m tests.router.gateway.clients.setting_up

test-servers: $(READY)
	REAL_SERVERS=1 $(BIN)/python -m pytest -q tests/servers tests/router/sync/test_apps.py tests/docs/test_coming_from.py \
		tests/docs/test_dashboard.py
