# The two commands of the README, and what stands behind them.
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8501
BIN     = $(VENV)/bin
RUN     = $(BIN)/python -m

# The front end is served as it is written; Node only checks it. Where there is none it is not checked, unless CI is set.
NODE_STAMP = node_modules/.installed-$(shell cksum < package-lock.json | cut -d' ' -f1)
NPX = node_modules/.bin

.PHONY: run test check check-js check-js-here format bench bench-load browser clean help

help:
	@echo "make run     start the app (creates the environment on the first call)"
	@echo "make test    all tests: library, figures, pages, browser"
	@echo "make check   format, lint, types, and which way the imports go"
	@echo "make bench   measured ratios; make bench-load drives many sessions against one server"

# The stamp carries both requirement files' checksum, so a second call installs nothing.
STAMP = $(VENV)/.installed-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)

$(STAMP):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@rm -f $(VENV)/.installed-*
	@touch $@

run: $(STAMP)
	$(RUN) streamlit run app.py --server.port $(PORT) --server.headless true

browser: $(STAMP)
	@$(RUN) tests.browser.install

# A test in Chromium that failed beside a busy neighbour gets one more chance, alone; what fails twice is red.
test: $(STAMP) browser
	$(RUN) pytest -n auto --dist loadfile --no-loadscope-reorder || $(RUN) pytest --last-failed --last-failed-no-failures none

check: $(STAMP) check-js
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy vizcore
	$(BIN)/lint-imports

check-js:
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory check-js-here; \
	elif [ -n "$$CI" ]; then echo "node and npm are needed to check assets/components" >&2; exit 1; \
	else echo "no node here: assets/components is not checked"; fi

check-js-here: $(NODE_STAMP)
	$(NPX)/biome check .
	$(NPX)/tsc

$(NODE_STAMP): package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory $(NODE_STAMP) && $(NPX)/biome check --write .; fi

bench: $(STAMP)
	$(RUN) pytest tests/benchmarks -s -p no:xdist

bench-load: $(STAMP)
	$(RUN) tests.benchmarks.load

clean:
	rm -rf $(VENV) node_modules .pytest_cache .ruff_cache .mypy_cache
