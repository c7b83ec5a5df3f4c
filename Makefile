# The two commands: `make run` and `make test`. Both set everything up from nothing.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUN := $(VENV)/.run-ready
DEV := $(VENV)/.dev-ready

.PHONY: run test check bench fresh pins model evaluate clean

run: $(RUN)
	@$(VENV)/bin/parlour run

test: $(DEV)
	@$(PY) -m tests.browser
	@$(PY) -m tests.run $(ARGS)

check: $(DEV)
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/mypy
	@PARLOUR_DATA=$$(mktemp -d) $(PY) -m django makemigrations --check --dry-run --settings parlour.settings

bench: $(DEV)
	@$(PY) -m benchmarks $(ARGS)

# A clone in a new folder with a new HOME, where nothing is set up: both commands must work there.
fresh:
	@$(PYTHON) tests/fresh.py

# Exact pins with hashes, from pyproject.toml.
pins: $(DEV)
	@for extra in run dev; do \
	  $(VENV)/bin/uv pip compile -q pyproject.toml $$( [ $$extra = dev ] && echo --extra dev ) --universal --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header -o requirements/$$extra.txt || exit 1; \
	done

# The weights of the shipped model, from the data sets whose licence allows it (docs/MODELS.md).
model: $(DEV)
	@$(PY) -m parlour.understanding.train --data ../shared/data --out parlour/understanding/weights.npz \
	  --accurate parlour/understanding/weights_accurate.npz

# How right the models are, into docs/ACCURACY.md: five to ten minutes.
evaluate: $(DEV)
	@$(PY) -m parlour.understanding.evaluate --data ../shared/data --write docs/ACCURACY.md

clean:
	@rm -rf $(VENV) build dist

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Parlour needs Python 3.11 or newer, and %s is %s. Say which one to use: make PYTHON=python3.12 ..." % (sys.executable, sys.version.split()[0]))'
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }
	@$(PY) -m pip install -q --disable-pip-version-check uv

$(RUN): $(VENV)/bin/uv requirements/run.txt pyproject.toml
	@$(VENV)/bin/uv pip install -q --python $(PY) --require-hashes -r requirements/run.txt
	@$(VENV)/bin/uv pip install -q --python $(PY) --no-deps -e .
	@touch $@

$(DEV): $(VENV)/bin/uv requirements/dev.txt pyproject.toml
	@$(VENV)/bin/uv pip install -q --python $(PY) --require-hashes -r requirements/dev.txt
	@$(VENV)/bin/uv pip install -q --python $(PY) --no-deps -e .
	@touch $(RUN) $@
