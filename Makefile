# Each target installs what it lacks. Times are for 2 cores.
SHELL := bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python

help: ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.stamp: requirements.txt
	@echo "== virtual environment (about 1 min)"
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement requirements.txt
	@touch $@

venv: $(VENV)/.stamp ## virtual environment with the pinned tools

test: venv ## every test
	$(PY) -m pytest tests/unit

lint: venv ## every linter
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	$(VENV)/bin/yamllint --strict .

.PHONY: help venv test lint
