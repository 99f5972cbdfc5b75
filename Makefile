# Needs only python3 (3.11 or newer) and make. Everything else goes into .venv, from the hash-pinned
# files under requirements/. `make` without a target says what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
UV_VERSION := 0.13.9
# All tests are shared out among as many processes as there are cores; some of them (TESTS=...) run in one.
WORKERS ?= $(if $(TESTS),0,auto)

.DEFAULT_GOAL := help
.PHONY: help demo test check format docs opener lock clean

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: $(VENV)/.run-ready ## Three pretend parties, the whole story in one go
	@$(BIN)/backchannel demo

test: $(VENV)/.dev-ready ## Run the tests, or those named: TESTS=tests/desk
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(TESTS)

check: $(VENV)/.dev-ready ## Form, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict src
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest --quiet tests/test_repository.py

format: $(VENV)/.dev-ready ## Bring the code into form
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

docs: $(VENV)/.dev-ready requirements/docs.txt ## Build the documentation into site/
	@$(PIP) install --require-hashes -r requirements/docs.txt
	@$(BIN)/zensical build --clean

opener: $(VENV)/.run-ready ## Make dist/backchannel-open.pyz, which opens drops without a node
	@$(BIN)/python tools/make_opener.py

# The files are the same for every platform and for Python 3.11 to 3.13; they name no index and no host.
COMPILE = $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --custom-compile-command "make lock"

lock: ## Pin every requirement anew
	@$(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
	@$(COMPILE) pyproject.toml --all-extras --group build --group dev --group docs -o requirements/all.txt
	@$(COMPILE) pyproject.toml --group build -c requirements/all.txt -o requirements/runtime.txt
	@$(COMPILE) pyproject.toml --extra psi-fast --group build --group dev -c requirements/all.txt -o requirements/dev.txt
	@$(COMPILE) pyproject.toml --group docs -c requirements/all.txt -o requirements/docs.txt
	@rm requirements/all.txt
	@for peer in requirements/peers-*.in; do $(COMPILE) $$peer -o $${peer%.in}.txt || exit 1; done

clean: ## Remove .venv and what the tools left
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist site

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Backchannel needs Python 3.11 or newer; '$(PYTHON)' is older. Next: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "No virtual environment could be made. Next: install your system's venv package (Debian: python3-venv)." >&2; exit 2; }

# Editable: a change in src/ needs no new install; a change of what is required does.
$(VENV)/.run-ready: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing what Backchannel needs into $(VENV) (once) ..." >&2
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-ready: requirements/dev.txt $(VENV)/.run-ready | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) (once) ..." >&2
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
