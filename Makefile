# `make lab` opens the notebooks, `make test` runs every test; both set up .venv first if it is missing or out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BROWSER := $(VENV)/.browser
LAB_SETTINGS := $(VENV)/share/jupyter/lab/settings

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-transformers lint docs site page course slides figures notebooks bench dist clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: $(READY) ## Create .venv and install the project with its pinned packages (once)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "infomerge needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@echo "Installing (about 2 minutes, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@mkdir -p $(LAB_SETTINGS) # JupyterLab shall not ask whether it may fetch news
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
	  > $(LAB_SETTINGS)/overrides.json
	@touch $@

# As root JupyterLab wants to be told that it may; without a display there is no browser to open, and it prints its URL.
LAB_FLAGS := $(if $(filter 0,$(shell id -u)),--allow-root) \
  $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname -s))),,--no-browser)

lab: $(READY) ## Open JupyterLab on 127.0.0.1 at the first notebook
	@$(BIN)/jupyter trust notebooks/*.ipynb > /dev/null # else JupyterLab shows a picture in place of 00's living lens
	$(BIN)/jupyter lab --ServerApp.ip=127.0.0.1 --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_FLAGS)

$(BROWSER): $(READY)
	@$(BIN)/python -m tests.browser
	@touch $@

PROCESSES ?= 2

test: $(READY) $(BROWSER) lint ## Lint, check types, run all tests and re-execute every notebook
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile

VERSIONS ?= 5.21.0 5.24.0

test-transformers: $(READY) ## Run the tests of models on other releases of transformers: VERSIONS="5.21.0 5.24.0"
	$(BIN)/python -m tests.other_transformers $(VERSIONS)

lint: $(READY) ## Lint with ruff, check types with mypy; check types and units of the views' JavaScript, where Node is
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m tests.node

docs: $(READY) ## Build the site without the explorable page and the slides, which take longer
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "Open site/index.html"

site: page slides ## Build site/, to be read offline: the page, notebooks, course, guides, API reference, downloads
	@SITE_PARTS=build NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "Open site/index.html"

page: $(READY) ## Build the explorable page of the sample clips into build/page: one HTML file, to be sent
	$(BIN)/infomerge page --out build/page --force

course: $(READY) ## Write the notebooks of notebooks/course/ from their sources
	$(BIN)/python -m infomerge.course build

slides: $(READY) ## Write the deck of the course to build/slides.html: one offline file, with speaker notes
	$(BIN)/python -m infomerge.course slides

notebooks: $(READY) ## Execute the notebooks in place, as they are committed
	$(BIN)/python -m tests.notebooks --in-place

figures: $(READY) ## Write the figures of figures/ anew
	$(BIN)/infomerge figures --out figures

bench: $(READY) ## Measure speed and memory, as ratios within one run
	$(BIN)/python -m benchmarks.compress_speed
	$(BIN)/python -m benchmarks.explorer_latency
	$(BIN)/python -m benchmarks.browser_latency
	$(BIN)/python -m benchmarks.page_latency

dist: $(READY) ## Build the wheel and the source distribution into dist/, with what is installed
	$(BIN)/python -m build --no-isolation

clean: ## Remove .venv and caches; nothing that you made
	rm -rf $(VENV) build site infomerge/widgets/node_modules *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
