# youju: `make` lists what there is.
#
# The first run creates .venv and installs the versions of constraints.txt into it. A stamp in
# .venv holds the checksum of what was installed, so a second run starts at once, needs no
# network, and a change of pyproject.toml, constraints.txt or of the folder installs again.

PYTHON ?= python3
NOTES ?=
ARGS ?=

comma := ,
VENV := .venv
PY := $(VENV)/bin/python
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The pins hold while pip builds a package from source, too (relative: pip splits at spaces).
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# $(call installed,STAMPS,EXTRAS): the first stamp says whether to install; all of them are set
define installed
@want="$$({ cat pyproject.toml constraints.txt; pwd; } | cksum)"; \
[ "$$(cat $(VENV)/$(firstword $(1)) 2>/dev/null)" = "$$want" ] && exit 0; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "youju needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }; \
$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || exit 1; \
$(PY) -m pip install --no-input -c constraints.txt -e '.[$(2)]' || exit 1; \
for stamp in $(1); do echo "$$want" > "$(VENV)/$$stamp"; done
endef

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: ## Create .venv with youju in it: .venv/bin/youju is the command
	$(call installed,.youju,llm$(comma)mcp)

.PHONY: dev
dev: ## The same, with what tests, lint and training need
	$(call installed,.youju-dev .youju,dev$(comma)llm$(comma)mcp$(comma)train)

.PHONY: chat
chat: install ## Open the chat on the sample notes, or on NOTES=folder
	@$(VENV)/bin/youju chat $(if $(NOTES),--notes "$(NOTES)") $(ARGS)

# A file of tests stays in one process. Each process takes up to 5 GB, hence at most four.
BESIDE := --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: test
test: dev ## Run the tests, offline; ARGS="-k words" chooses
	@$(PY) -m pytest $(BESIDE) $(ARGS)

# Peers are installed into build/bench-venv. ARGS="--sizes 1000,10000,100000 --runs 1" has 109,913
# passages, too, which are measured once, with the quickest peer: half an hour on an idle machine.
.PHONY: bench
bench: install ## Measure costs beside the bare engines and other frameworks; renews the tables
	@$(PY) -m eval.bench $(ARGS)

# axe-core judges accessibility; without npm its check skips and says so.
AXE := build/axe/node_modules/axe-core/axe.min.js
$(AXE):
	@npm install --silent --no-save --prefix build/axe axe-core@4 \
		|| echo "axe-core could not be fetched: its check will skip" >&2

.PHONY: nightly
nightly: dev $(AXE) ## Measure the page in a browser, for minutes; renews docs/page.md
	@$(PY) -m pytest tests/web -m browser --record docs/page.md $(ARGS)

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser)
.PHONY: screens
screens: dev ## Take the pictures of the README anew
	@$(PY) -m tests.web.screens docs/screens $(CHROMIUM)

.PHONY: coverage
coverage: dev ## Run the tests and show which branches of assistant they miss
	@$(PY) -m pytest --cov --cov-report=term-missing $(ARGS)

.PHONY: eval
eval: install ## Measure answers on the sample notes, or what ARGS="SUITE DATA …" says
	@$(VENV)/bin/youju eval $(if $(ARGS),$(ARGS),answers)

# The wheel is built from the sdist, so nothing that an older build left behind gets into it.
.PHONY: release-check
release-check: dev ## Build wheel and sdist into dist; install the wheel elsewhere and use it
	@rm -rf build/lib dist
	@$(PY) -m build --no-isolation --outdir dist .
	@RELEASE_DIST=dist $(PY) -m pytest -m slow tests/test_release.py $(ARGS)

.PHONY: figures
figures: install ## Make the README's tables from eval/results; ARGS="--rerun --data F" measures
	@$(PY) -m eval.figures $(ARGS)

.PHONY: checksums
checksums: install ## Renew the checksums of the shipped models, after a training
	@$(PY) -m eval.training.checksums

.PHONY: endurance
endurance: dev ## Kill, starve, flip and load it for minutes; ARGS=--full for hours; renews the table
	@$(PY) -m tests.endurance $(ARGS)

.PHONY: lint
lint: dev ## Check style, format and types; change nothing
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

.PHONY: format
format: dev ## Mend what ruff can mend
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

# Takes the newest versions that the ranges of pyproject.toml admit, with the oldest Python they
# support. torch keeps its pin: without one, pip on Linux brings several GB of CUDA packages. Lines
# with a marker (another system, a newer Python) are kept as they are.
.PHONY: lock
lock: ## Renew constraints.txt from a fresh installation (network)
	@rm -rf build/lock && $(PYTHON) -m venv build/lock
	@env -u PIP_CONSTRAINT -u PIP_BUILD_CONSTRAINT build/lock/bin/python -m pip install --no-input \
		"$$(grep '^torch==' constraints.txt)" pybind11 wheel -e '.[dev,keyring,llm,milvus,train]'
	@build/lock/bin/python -m pip freeze --all --exclude pip --exclude-editable \
		| sed 's/+cpu$$//' > build/lock/pins
	@! grep -i -e '^nvidia' -e ' @ ' build/lock/pins
	@{ grep '^#' constraints.txt; { cat build/lock/pins; grep '^[a-z].*; ' constraints.txt; } \
		| LC_ALL=C sort -f; } > build/lock/new && mv build/lock/new constraints.txt
	@rm -rf build/lock

.PHONY: clean
clean: ## Remove caches and build output; .venv and your notes stay
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	@find . -path ./$(VENV) -prune -o -type d \( -name __pycache__ -o -name '*.egg-info' \) -exec rm -rf {} +
