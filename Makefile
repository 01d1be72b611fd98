# Every target makes .venv when it is missing, or older than what it was made from.
# Nothing else is needed than make and Python 3.11 or newer (PYTHON=python3.12 picks one).

PYTHON  ?= python3
WORKERS ?= auto
ARGS    ?=

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH := $(VENV)/.installed-bench
RELEASE := $(VENV)/.installed-release

# The core is every module that lies directly in the package (floors 0 to 5).
CORE := fastdjango_signals/*.py

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help browser build demo-live docs test-browser bench bench-mypy bench-ratio bench-relay soak demo demo-relay demo-sqlalchemy test test-typing test-integrations test-all format clean \
	check check-format check-lint check-floors check-changelog check-mypy check-pyright

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## Start the shop, drive it over HTTP, show who received what
	@$(BIN)/python -m examples.shop.demo $(ARGS)

demo-sqlalchemy: $(STAMP) ## The same shop, and the same receivers, on SQLAlchemy
	@SHOP_ORM=sqlalchemy $(BIN)/python -m examples.shop.demo $(ARGS)

demo-relay: $(STAMP) ## The shop and a warehouse over NATS: killed, started again, nothing lost
	@$(BIN)/python -m examples.warehouse.demo $(ARGS)

demo-live: $(STAMP) ## The shop, open until Ctrl-C: watch its signals in a browser
	@$(BIN)/python -m examples.shop.demo.live $(ARGS)

test: $(STAMP) ## Run the tests; the core needs 100 % branch coverage (ARGS="-k name")
	@$(BIN)/coverage erase
	@for lane in LOOPS=generic EVENT_LOOP=uvloop PYTHONDEVMODE=1; do \
		echo "== the core's tests with $$lane"; \
		env $$lane $(BIN)/python -m pytest tests/core -n $(WORKERS) --maxprocesses 8 \
			--dist loadfile -q -r fE || exit 1; \
	done
	$(BIN)/coverage run -m pytest -n $(WORKERS) --maxprocesses 8 --dist loadfile $(ARGS)
	@$(BIN)/coverage combine --quiet
	@echo "== coverage: everything"
	@$(BIN)/coverage report
	@echo "== coverage: the core, which must be whole"
	@$(BIN)/coverage report --include='$(CORE)' --fail-under=100

test-typing: $(STAMP) ## Run the typing tests alone and print the tables of checkers and plugin
	@$(BIN)/python -m pytest tests/typing tests/mypy_plugin -n 0 -s -q $(ARGS)

test-integrations: $(STAMP) ## Run the integrations' tests alone and print who can do what
	@$(BIN)/python -m pytest tests/integrations -n $(WORKERS) --maxprocesses 8 --dist loadfile $(ARGS)

browser: ## Find a Chromium for the browser tests, or install Debian's
	@for name in chromium chromium-browser google-chrome; do \
		command -v $$name && exit 0; \
	done; \
	if command -v apt-get > /dev/null; then \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update -qq && \
		$$sudo apt-get install -y -qq --no-install-recommends chromium; \
	else \
		echo "Install Chromium or Google Chrome, so that one of these is found:" \
			"chromium chromium-browser google-chrome"; \
		exit 1; \
	fi

test-browser: $(STAMP) ## Run the tests of the inspector's page alone, in Chromium
	@$(BIN)/python -m pytest tests/browser -n 0 $(ARGS)

bench: $(BENCH) ## Measure sends beside the bare loop and other libraries (ARGS="--dry")
	@$(BIN)/python -m benchmarks $(ARGS)

bench-ratio: $(STAMP) ## Report what a send costs against the bare loop and validation; a minute
	@$(BIN)/python -m benchmarks.guard

soak: $(STAMP) ## A million receivers, then ten million sends, in bounded memory
	@$(BIN)/python -m benchmarks.soak $(ARGS)

bench-mypy: $(STAMP) ## Measure what the mypy plugin costs (ARGS="--rounds 3")
	@$(BIN)/python -m benchmarks.mypy_plugin $(ARGS)

bench-relay: $(STAMP) ## Measure the relay beside FastStream alone (ARGS="--rounds 15")
	@$(BIN)/python -m benchmarks.relay $(ARGS)

docs: $(STAMP) ## Build the documentation as a site, in site/; a warning fails
	@$(BIN)/python tools/build_docs.py

build: $(RELEASE) ## Build the sdist and the wheel into dist/, and check them
	@rm -rf dist
	@$(BIN)/python -m build
	@$(BIN)/twine check --strict dist/*

test-all: $(STAMP) ## Run the core's tests on each Python, on the bare wheel, on the oldest pydantic
	@$(BIN)/nox $(ARGS)

check: check-format check-lint check-floors check-changelog check-mypy check-pyright ## Run every check below

check-format: $(STAMP) ## ... ruff format
	@echo "== ruff format"
	@$(BIN)/ruff format --check .

check-lint: $(STAMP) ## ... ruff lint
	@echo "== ruff check"
	@$(BIN)/ruff check .

check-floors: $(STAMP) ## ... import-linter: who may import whom
	@echo "== import-linter"
	@$(BIN)/lint-imports --no-logo

check-changelog: $(STAMP) ## ... CHANGELOG.md and __version__ agree
	@echo "== changelog"
	@$(BIN)/python tools/check_changelog.py

check-mypy: $(STAMP) ## ... mypy, strict
	@echo "== mypy"
	@$(BIN)/mypy

check-pyright: $(STAMP) ## ... pyright, strict
	@echo "== pyright"
	@$(BIN)/pyright --pythonpath $(BIN)/python

format: $(STAMP) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

clean: ## Remove .venv and all that the other targets make
	rm -rf $(VENV) .nox .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf build dist site .cache htmlcov .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BENCH): $(STAMP)
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[bench]'
	@touch $@

$(RELEASE): $(STAMP)
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[release]'
	@touch $@

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed, and $(PYTHON) is " + sys.version.split()[0] + \
		"; try: make PYTHON=python3.12")'
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq -c constraints.txt -e '.[dev]'
	@touch $@
