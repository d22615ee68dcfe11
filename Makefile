# Everything works on a fresh clone with Python 3.11 or later and make: the first target builds .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: install demo test test-all test-gpu lint licences audit fuzz format docs docs-serve bench clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[baselines,formats,c3d]" --group dev
	$(BIN)/python -m compileall -q painet painet_cli  # as pip does where it copies
	@touch $@

demo: $(INSTALLED)  ## watch PAINET learn a molecule, in about two minutes
	$(BIN)/painet demo

test: $(INSTALLED)  ## the tests that take minutes, with coverage
	$(BIN)/python -m pytest -n auto --cov --cov-report=term --cov-fail-under=90

test-all: $(INSTALLED)  ## the slow ones too
	$(BIN)/python -m pytest -n auto -m "slow or not slow"

test-gpu: $(INSTALLED)  ## what holds on a GPU; without one all of it is skipped
	$(BIN)/python -m pytest -m gpu tests/gpu

lint: $(INSTALLED)  ## style, types, spelling and the one-way rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/typos

licences: $(INSTALLED)  ## that all that is installed is under a licence on pyproject.toml's list
	$(BIN)/pip-licenses --python=$(BIN)/python --summary

audit: licences  ## known vulnerabilities of the pinned versions; asks PyPI, so not in CI
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group audit
	@log=$$(mktemp); $(BIN)/pip-audit --requirement constraints.txt --disable-pip --no-deps >$$log 2>&1; \
	status=$$?; \
	if grep -qE "ConnectionError|ProxyError|Max retries exceeded|Timeout" $$log; then \
		echo "audit: PyPI cannot be reached, so no vulnerability was looked up" >&2; status=1; \
	else cat $$log; fi; rm $$log; exit $$status

fuzz: $(INSTALLED)  ## the readers with atheris, 20,000 cases each, then a million damaged files
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group fuzz
	$(BIN)/python scripts/fuzz.py --engine atheris --cases 20000
	$(BIN)/python scripts/fuzz.py --engine mutations --cases 100000

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)  ## the site, into site/; a warning is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --fresh-env --doctree-dir build/doctrees docs site

docs-serve: docs  ## the same, at http://localhost:8000
	$(BIN)/python -m http.server --bind localhost --directory site 8000

bench: $(INSTALLED)  ## the performance record: measure, compare with the last one, keep
	$(BIN)/python benchmarks/record.py

clean:
	rm -rf .venv build dist site docs/gallery .coverage* .mypy_cache .pytest_cache .ruff_cache
