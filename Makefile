# Everything works on a fresh clone with Python 3.11 or later and make: the first target builds .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: install demo test test-all lint format docs docs-serve bench clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[baselines]" --group dev
	@touch $@

demo: $(INSTALLED)  ## watch PAINET learn a molecule, in about two minutes
	$(BIN)/painet demo

test: $(INSTALLED)  ## the tests that take minutes, with coverage
	$(BIN)/python -m pytest -n auto --cov --cov-report=term --cov-fail-under=90

test-all: $(INSTALLED)  ## the slow ones too
	$(BIN)/python -m pytest -n auto -m "slow or not slow"

lint: $(INSTALLED)  ## style, types, spelling and the one-way rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)  ## the site, into site/; a warning is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env --doctree-dir build/doctrees docs site

docs-serve: docs  ## the same, at http://localhost:8000
	$(BIN)/python -m http.server --bind localhost --directory site 8000

bench: $(INSTALLED)  ## what one optimiser step costs
	$(BIN)/python benchmarks/decoder_step.py

clean:
	rm -rf .venv build dist site docs/gallery .coverage* .mypy_cache .pytest_cache .ruff_cache
