# Everything runs from .venv, which is made on first use. PYTHON=... names the interpreter to make it from.

RUN := .venv/.for-running
DEV := .venv/.for-testing
NODE := $(if $(wildcard tests/node/package.json),tests/node/node_modules/.installed)
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check
COMPILE := .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate
NEW_ENOUGH := -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve test lint simulate bench lock clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(RUN) ## the whole story on this machine, told as it happens; KEEP=1 leaves it running for the browser
	@.venv/bin/orchestrator demo $(if $(KEEP),--keep)

serve: $(RUN) ## the local host on port 7071
	@.venv/bin/orchestrator serve --port 7071

test: $(DEV) $(NODE) ## every test
	@.venv/bin/pytest

lint: $(DEV) ## ruff, mypy, and what is wrong with the workflows
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/zizmor --offline --strict-collection workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows workflows/*.yml

simulate: $(DEV) ## the seeded world, SEEDS=200000 of them on every core
	@.venv/bin/python -m tests.world --seeds $(or $(SEEDS),2000) --jobs $$(nproc)

bench: $(DEV) ## how fast it is
	@.venv/bin/python -m bench

lock: $(DEV) ## newest versions into requirements.txt and requirements-dev.txt
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-dev.in --output-file requirements-dev.txt

clean: ## removes what make made; var/, the local store, stays
	rm -rf .venv build *.egg-info tests/node/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Candidates are run, not just looked up: a pyenv shim exists also for a version that is not there.
.venv/.made:
	@if .venv/bin/python $(NEW_ENOUGH) 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1; then touch $@; exit 0; fi; \
	for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	  if "$$python" $(NEW_ENOUGH) 2>/dev/null; then "$$python" -m venv --clear .venv && touch $@; exit; fi; \
	done; \
	echo "Python 3.11 or newer, with its venv module, is needed$(if $(PYTHON), and PYTHON=$(PYTHON) is not that,: none of python3.13 python3.12 python3.11 python3 python is). Install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(RUN): .venv/.made requirements.txt pyproject.toml
	@echo "Installing what the service needs into .venv (a minute or two, this once) ..."
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps -e .
	@touch $@

$(DEV): $(RUN) requirements-dev.txt
	@echo "Installing what the tests need into .venv (a minute or two, this once) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(NODE): $(wildcard tests/node/package.json tests/node/package-lock.json)
	@command -v npm >/dev/null || { echo "npm is missing: some tests run against Node.js programs (tests/node). Install Node.js 20 or newer." >&2; exit 1; }
	@echo "Installing what the tests need into tests/node ..."
	@cd tests/node && npm ci --silent --no-audit --no-fund
	@touch $@
