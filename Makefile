# `make help` lists the targets. Everything is installed into .venv, which is made when a target first needs it.

DATA ?= var
PORT ?= 8080
DATABASE ?= all
WORKERS ?= logical
TESTS ?=
PYTHON ?= $(shell command -v python3.11 || command -v python3)

BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# Stamp files: what is installed is as new as the lock file. The second adds the tools of development.
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
	--custom-compile-command 'make lock' pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run test lint types bench docs lock clean databases

help: ## list the targets
	@echo "make run [DATA=$(DATA)] [PORT=$(PORT)]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' Makefile

run: $(INSTALLED) ## start the server on 127.0.0.1:PORT, with everything it keeps in DATA
	@exec $(BIN)/cloudapi serve --data "$(DATA)" --port $(PORT)

test: $(INSTALLED_DEV) databases ## run the tests (DATABASE=sqlite|mariadb|postgresql|all, TESTS=path, WORKERS=n)
	$(BIN)/pytest --database=$(DATABASE) -n $(WORKERS) --maxprocesses=8 $(TESTS)

lint: $(INSTALLED_DEV) ## check the code with ruff
	$(BIN)/ruff check .

types: $(INSTALLED_DEV) ## check the types with mypy
	$(BIN)/mypy

bench: $(INSTALLED_DEV) ## measure speed and memory, as ratios to a bare view on the same server
	$(BIN)/python -m benchmarks

docs: $(INSTALLED) ## write the OpenAPI document and the configuration reference into build/docs
	@mkdir -p build/docs
	$(BIN)/cloudapi openapi > build/docs/openapi.json
	$(BIN)/cloudapi config --explain > build/docs/configuration.txt

lock: $(INSTALLED_DEV) ## write the lock files anew from pyproject.toml (UPGRADE=--upgrade: newest versions)
	$(COMPILE) --group build --output-file requirements.lock
	$(COMPILE) --group build --group dev --extra postgresql --constraint requirements.lock \
		--output-file requirements-dev.lock

clean: ## delete what make and the tools created, except DATA
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

databases:
ifneq ($(filter mariadb all,$(DATABASE)),)
	@PATH="$$PATH:/usr/sbin"; command -v mariadbd >/dev/null && command -v my_print_defaults >/dev/null \
		|| .ci/apt-install mariadb-server-core mariadb-client-core
endif
ifeq ($(DATABASE),postgresql)
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null \
		|| .ci/apt-install postgresql
endif

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed (make PYTHON=/path/to/python3.11 ...)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/apt-install python3-venv
	@echo "Installing into .venv ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q cloudapi agents schema  # also where PYTHONDONTWRITEBYTECODE is set
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock $(INSTALLED)
	@echo "Installing the development tools into .venv ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
