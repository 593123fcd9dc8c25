# `make help` lists the targets. Everything is installed into $(VENV), with the versions in constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
AXE = build/axe/node_modules/axe-core/axe.min.js
ESLINT = build/eslint/node_modules/.bin/eslint
# Tests run side by side, a file at a time, so that what a file prepares for its tests is prepared once.
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadfile
export HF_HUB_OFFLINE = 1

.PHONY: help demo test test-all test-slow test-browser lint lint-page hooks chromium check bench bench-topology bench-heads \
	bench-report format clean

help:  ## List what make can do here
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.installed  ## Install, run the whole job on the sample texts, print the path of the report
	$(BIN)/topores demo

# Each worker has one thread: the models of these tests are so small that sharing them out costs more than it saves.
# With COVERAGE=1, as continuous integration asks for it, the quick tests must also enter every module of topores.
test: lint  ## Linters, types and the quick tests: two minutes on two cores (WORKERS=N for N at once)
	@mkdir -p build && rm -f build/coverage*
	OMP_NUM_THREADS=1 $(BIN)/python$(if $(COVERAGE), -m coverage run) -m pytest $(PARALLEL)
	$(if $(COVERAGE),$(BIN)/python -m coverage combine --quiet)
	$(if $(COVERAGE),$(BIN)/python tests/every_module.py build/coverage)

test-all: test test-slow  ## The quick tests, then the slow ones: everything but the browser

test-slow: $(VENV)/.installed-test  ## The slow tests alone
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --ignore tests/browser $(PARALLEL)

test-browser: chromium $(AXE) $(VENV)/.installed-browser  ## Reports in a real browser, with axe-core: needs chromium and npm
	$(BIN)/python -m pytest -m slow tests/browser

check: test  ## The same as test

lint: $(VENV)/.installed-test  ## Linters and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if command -v npm >/dev/null && node -e 'process.exit(Number(parseInt(process.versions.node) < 18))'; \
	then $(MAKE) --no-print-directory lint-page; \
	else echo "Skipped: ESLint over the page's script. It needs npm and node 18 or newer: apt-get install npm" >&2; fi

lint-page: $(ESLINT)  ## ESLint over the page's script: needs npm
	$(ESLINT) --max-warnings 0 topores/report/assets

hooks: $(VENV)/.installed-test  ## Check what is committed, before each commit (pre-commit)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline,test,hooks]'
	$(BIN)/pre-commit install

chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name && exit; done; \
	echo "There is no chromium on this machine to open reports in. Install it: apt-get install chromium" >&2; exit 1

# The speed of training and encoding beside the library's own way; alone on the machine, some ten minutes.
bench: $(VENV)/.installed-test  ## Speed of training and encoding, beside sentence-transformers: ten minutes
	$(BIN)/python benchmarks/train_speed.py
	$(BIN)/python benchmarks/encode_speed.py

# Persistent homology and spanning trees beside ripser, giotto-ph, gudhi and others; some fifteen minutes.
bench-topology: $(VENV)/.installed-test  ## Speed of persistent homology, beside ripser, giotto-ph, gudhi: fifteen minutes
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline,test,bench]'
	$(BIN)/python benchmarks/topology_speed.py
	$(BIN)/python benchmarks/spanning_tree.py

# A cycle of a head on cached embeddings beside torch's graph, the clock's cycles a second, and a cycle of upper layers on
# cached states beside full training; four minutes.
bench-heads: $(VENV)/.installed-test  ## Speed of heads, upper layers and the clock: four minutes
	$(BIN)/python benchmarks/heads_speed.py
	$(BIN)/python benchmarks/top_layers_speed.py

$(ESLINT): Makefile
	@command -v npm >/dev/null || { echo "There is no npm on this machine to install ESLint. Install it: apt-get install npm" >&2; exit 1; }
	npm install --loglevel error --no-save --no-audit --no-fund --prefix build/eslint eslint@9.39.5 @eslint/js@9.39.5 globals@17.14.0
	touch $@

$(AXE): Makefile
	@command -v npm >/dev/null || { echo "There is no npm on this machine to bring axe-core. Install it: apt-get install npm" >&2; exit 1; }
	npm install --loglevel error --no-save --no-audit --no-fund --prefix build/axe axe-core@4.14.1
	touch $@

# How soon a report can be used and how fast its slider moves; alone on the machine, three minutes.
bench-report: chromium $(VENV)/.installed-browser  ## Speed of the report in a browser: three minutes
	$(BIN)/python -m benchmarks.report_page

format: $(VENV)/.installed-test  ## Fix what the linter can fix, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this one is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline,test]'
	touch $@

$(VENV)/.installed-browser: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline,test,browser]'
	touch $@

clean:  ## Remove the environment and what the tools left
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
