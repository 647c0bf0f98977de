# Two commands for people: `make run` and `make test`. Both install what is missing.

SYSTEM_PACKAGES := libzbar0 mosquitto ejabberd postgresql strace chromium systemd libfaketime
# What only `make deb` needs.
DEB_PACKAGES := debhelper

# Makes the lock files; in an environment of its own, because nothing else needs it.
UV_VERSION := 0.13.9

VENV   := .venv
PYTHON := $(VENV)/bin/python
PIP    := -m pip --disable-pip-version-check
STEP   := .ci/step
READY  := $(VENV)/.ready
BENCH  := .venv-bench
MUTATE := .venv-mutate
FUZZ   := .venv-fuzz
UV     := .venv-lock/bin/uv

# Programs are begun from here some hundred times in a run: each would compile all of it again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run present test lint types imports tests bench mutants fuzz lock wheels-aarch64 deb clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## run two virtual stores with their daemons and a cloud, and watch them
	@$(PYTHON) -m hil.demo

present: $(READY) ## in a second terminal, let a member come: make present NAME=aiko [READER=...]
	@$(PYTHON) -m hil.demo present "$(NAME)" $(if $(READER),--reader "$(READER)")

test: lint types imports tests ## check everything that can be checked on this machine

lint: $(READY) ## style and format
	@$(STEP) "Style (ruff)" $(VENV)/bin/ruff check
	@$(STEP) "Format (ruff)" $(VENV)/bin/ruff format --check

types: $(READY) ## types, strictly
	@$(STEP) "Types (mypy --strict)" $(VENV)/bin/mypy

imports: $(READY) ## who may import whom
	@$(STEP) "Imports (lint-imports)" $(VENV)/bin/lint-imports

# What takes every branch of the pure parts by itself. Only it is watched: a watched simulation takes
# up to twice as long, and a branch that it happens to pass is not held by that.
PURE := tests/policy tests/edged/core tests/edged/readers tests/edged/credentials \
    tests/edged/rulebook tests/edged/test_clock.py tests/edged/test_health.py

tests: $(READY) ## the tests, and every branch of the pure parts covered by their own
	@$(STEP) "Tests of the pure parts (pytest)" $(VENV)/bin/pytest -n auto $(PURE) --cov --cov-report=
	@$(STEP) "Every branch of rules, core, tokens and rule files is covered" \
	    $(VENV)/bin/coverage report --include='policy/*,edged/core/*,edged/credentials/*,edged/rulebook/*' \
	    --skip-covered --show-missing --fail-under=100
	@$(STEP) "All other tests (pytest)" $(VENV)/bin/pytest -n auto $(PURE:%=--ignore=%)

# One environment for running and for testing; a changed lock or project table brings it up to date.
$(READY): requirements-dev.txt pyproject.toml Makefile
	@.ci/system-packages $(SYSTEM_PACKAGES)
	@$(STEP) "Private environment in $(VENV)" .ci/venv $(VENV)
	@$(STEP) "Locked packages (some minutes, the first time)" \
	    $(PYTHON) $(PIP) install --no-deps --require-hashes --requirement requirements-dev.txt
	@$(STEP) "This project" \
	    $(PYTHON) $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

bench: $(BENCH)/.ready ## what decisions and look-ups cost, beside other engines (some minutes; plots in .run/bench)
	@$(STEP) "All engines give the same answers" $(BENCH)/bin/pytest tests/hil/test_perf_decisions.py
	@$(STEP) "Decisions" $(BENCH)/bin/python -m hil.perf.decisions --plot .run/bench/decisions.svg
	@$(STEP) "Members looked up" $(BENCH)/bin/python -m hil.perf.lookup --plot .run/bench/lookup.svg

# Apart from the other environment: nothing that we make may come to need another engine.
$(BENCH)/.ready: requirements-bench.txt pyproject.toml Makefile
	@.ci/system-packages $(SYSTEM_PACKAGES)
	@$(STEP) "Private environment in $(BENCH)" .ci/venv $(BENCH)
	@$(STEP) "Locked packages, other engines too (some minutes, the first time)" \
	    $(BENCH)/bin/python $(PIP) install --no-deps --require-hashes --requirement requirements-bench.txt
	@$(STEP) "This project" \
	    $(BENCH)/bin/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

mutants: $(MUTATE)/.ready ## break the rules on purpose, and see the tests notice: make mutants [MODULE=policy/seats.py]
	@$(STEP) "Mutants of $(or $(MODULE),policy)" $(MUTATE)/bin/python -m tests.mutants $(MODULE)

# Apart for the same reason: the tool brings a terminal's whole interface with it.
$(MUTATE)/.ready: requirements-mutants.txt pyproject.toml Makefile
	@.ci/system-packages $(SYSTEM_PACKAGES)
	@$(STEP) "Private environment in $(MUTATE)" .ci/venv $(MUTATE)
	@$(STEP) "Locked packages, the mutation tool too (some minutes, the first time)" \
	    $(MUTATE)/bin/python $(PIP) install --no-deps --require-hashes --requirement requirements-mutants.txt
	@$(STEP) "This project" \
	    $(MUTATE)/bin/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

fuzz: $(FUZZ)/.ready ## look for an input that breaks a parser: make fuzz [TARGET=code] [SECONDS=60]
	@$(FUZZ)/bin/python -m tests.fuzz $(TARGET) $(if $(SECONDS),--seconds $(SECONDS))

# Apart for the same reason: it rewrites the code that it watches.
$(FUZZ)/.ready: requirements-fuzz.txt pyproject.toml Makefile
	@.ci/system-packages $(SYSTEM_PACKAGES)
	@$(STEP) "Private environment in $(FUZZ)" .ci/venv $(FUZZ)
	@$(STEP) "Locked packages, the fuzzer too (some minutes, the first time)" \
	    $(FUZZ)/bin/python $(PIP) install --no-deps --require-hashes --requirement requirements-fuzz.txt
	@$(STEP) "This project" \
	    $(FUZZ)/bin/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
    --custom-compile-command "make lock" $(UPGRADE) pyproject.toml

lock: $(UV) ## lock what pyproject.toml asks for; newest versions: make lock UPGRADE=--upgrade
	@$(STEP) "What runs" $(LOCK) --output-file requirements.txt
	@$(STEP) "What tests" $(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	@$(STEP) "What is measured beside us" $(LOCK) --group bench --constraint requirements-dev.txt \
	    --output-file requirements-bench.txt
	@$(STEP) "What breaks the rules on purpose" $(LOCK) --group mutants \
	    --constraint requirements-dev.txt --output-file requirements-mutants.txt
	@$(STEP) "What looks for bad inputs" $(LOCK) --group fuzz \
	    --constraint requirements-dev.txt --output-file requirements-fuzz.txt

# glibc 2.36 and Python 3.11 are Raspberry Pi OS 12's, Python 3.13 is 13's.
wheels-aarch64: $(UV) ## check that a Raspberry Pi gets a wheel of every locked package
	@for version in 3.11 3.13; do \
	    $(STEP) "Wheels for aarch64 and Python $$version" $(UV) pip install --dry-run --quiet \
	        --target .venv-lock/aarch64 --python-platform aarch64-manylinux_2_36 \
	        --python-version $$version --only-binary :all: --require-hashes \
	        --requirement requirements-dev.txt || exit 1; \
	done

RELEASE      ?= $(shell . /etc/os-release && echo $$VERSION_ID)
ARCHITECTURE ?= $(shell dpkg --print-architecture)

deb: $(READY) $(UV) ## make the Debian package: make deb [RELEASE=12|13] [ARCHITECTURE=amd64|arm64]
	@.ci/system-packages $(DEB_PACKAGES)
	@UV="$(CURDIR)/$(UV)" PYTHON="$(CURDIR)/$(PYTHON)" $(STEP) \
	    "Package for Debian $(RELEASE), $(ARCHITECTURE)" systemd/debian/make $(RELEASE) $(ARCHITECTURE)

$(UV): Makefile
	@$(STEP) "Lock tool" .ci/venv .venv-lock
	@.venv-lock/bin/python $(PIP) install --quiet uv==$(UV_VERSION)
	@touch $@

clean: ## remove everything that was made here
	rm -rf $(VENV) $(BENCH) $(MUTATE) $(FUZZ) .venv-lock .run build dist .coverage* .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
