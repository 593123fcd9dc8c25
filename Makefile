# Two commands do everything on a fresh machine: make demo, make test; make bench measures. All install through constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
AXE = build/axe/node_modules/axe-core/axe.min.js
export HF_HUB_OFFLINE = 1

.PHONY: demo test test-browser chromium check bench bench-topology bench-heads bench-report format clean

demo: $(VENV)/.installed
	$(BIN)/topores demo

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

check: test

# Reports in a real browser, driven by Playwright, with axe-core: what a reader sees, and that nothing else happens.
test-browser: chromium $(AXE) $(VENV)/.installed-browser
	$(BIN)/python -m pytest tests/browser

chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name && exit; done; \
	echo "There is no chromium on this machine to open reports in. Install it: apt-get install chromium" >&2; exit 1

# The speed of training and encoding beside the library's own way; alone on the machine, some ten minutes.
bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/train_speed.py
	$(BIN)/python benchmarks/encode_speed.py

# Persistent homology and spanning trees beside ripser, giotto-ph, gudhi and others; some fifteen minutes.
bench-topology: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline,test,bench]'
	$(BIN)/python benchmarks/topology_speed.py
	$(BIN)/python benchmarks/spanning_tree.py

# A cycle of a head on cached embeddings beside torch's graph, the clock's cycles a second, and a cycle of upper layers on
# cached states beside full training; four minutes.
bench-heads: $(VENV)/.installed-test
	$(BIN)/python benchmarks/heads_speed.py
	$(BIN)/python benchmarks/top_layers_speed.py

$(AXE): Makefile
	@command -v npm >/dev/null || { echo "There is no npm on this machine to bring axe-core. Install it: apt-get install npm" >&2; exit 1; }
	npm install --loglevel error --no-save --no-audit --no-fund --prefix build/axe axe-core@4.14.1
	touch $@

# How soon a report can be used and how fast its slider moves; alone on the machine, three minutes.
bench-report: chromium $(VENV)/.installed-browser
	$(BIN)/python -m benchmarks.report_page

format: $(VENV)/.installed-test
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

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
