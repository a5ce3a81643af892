# Two commands: 'make demo' sets up and runs the main job, 'make test' sets up and runs the tests.
.POSIX:
.PHONY: help demo setup test check docs bench lock clean

PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# One thread a worker: small networks on several threads are slower, and their bits differ.
export OMP_NUM_THREADS ?= 1
export PATH := $(BIN):$(PATH)

help:
	@echo "make demo    set up, then the main job: pipeline, sweep, pipeline again (about 2 minutes after the installation)"
	@echo "make test    set up, then the tests"
	@echo "make check   format, lint, types, layers, docs"
	@echo "make bench   benchmarks beside their peers (PEERS=folder adds the sweeps)"
	@echo "make docs    the documentation in site/"
	@echo "make lock    constraints.txt from this environment"

demo: .venv/.core
	@nnops demo

setup: .venv/.dev

test: .venv/.dev
	@python -m pytest --numprocesses 2 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder $(PYTEST)

check: .venv/.dev
	@ruff format --check --quiet .
	@ruff check --quiet .
	@pyright --level error
	@lint-imports --no-cache
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet --site-dir .venv/site

docs: .venv/.dev
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict

bench: .venv/.dev
	@python -m benchmarks

lock: .venv/.dev
	@python -m pip freeze --exclude-editable | sed 's/^\(torch==[0-9.]*\).*/\1/' > .venv/constraints.txt
	@(echo "# Versions that nnops is tested with; made by 'make lock' from the environment in which the tests pass."; \
	  cat .venv/constraints.txt) > constraints.txt

clean:
	rm -rf .venv demo artifacts .nnops mlruns mlflow.db* site

.venv/.core: pyproject.toml constraints.txt
	@echo "Setting up .venv: downloads and installs the packages, 2 to 5 minutes the first time."
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  (echo "nnops needs Python 3.11 to 3.13; write 'make demo PYTHON=python3.12'." && exit 2)
	@$(PYTHON) -m venv .venv
	@# The pip that Python brings is often years old and takes a minute or two longer over the same packages.
	@$(PIP) --upgrade pip
	@$(PIP) --editable .
	@touch $@

.venv/.dev: .venv/.core
	@echo "Adding the tools for tests, checks and docs."
	@$(PIP) --editable ".[test,check,docs]"
	@touch $@
