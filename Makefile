# The two commands of the README, and what stands behind them.
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8501
BIN     = $(VENV)/bin
# The versions of the last test run; `make LOCK= …` takes the newest that the requirement files allow.
LOCK   ?= -c requirements.lock
RUN     = $(BIN)/python -m

# In CI the tests run in another order each time; the echoed command says which. SEED=… runs them in that order again.
SEED   ?= $(if $(CI),$(shell date +%s))
ORDER   = $(if $(SEED),-p randomly --randomly-seed=$(SEED))

# The front end is served as it is written; Node only checks it. Where there is none it is not checked, unless CI is set.
NODE_STAMP = node_modules/.installed-$(shell cksum < package-lock.json | cut -d' ' -f1)
NPX = node_modules/.bin

.PHONY: run test test-fast lock check check-js check-js-here format bench bench-load bench-memory bench-rooms browser clean help

help:
	@echo "make run     start the app (creates the environment on the first call)"
	@echo "make test    all tests: library, figures, pages, browser; make test-fast leaves out the browser's"
	@echo "make check   format, lint, types, and which way the imports go"
	@echo "make bench   measured ratios; make bench-load drives many sessions against one server,"
	@echo "             make bench-memory opens and closes 500 on one, make bench-rooms measures a class of sixty"

# The stamp carries the requirement files' checksum, so a second call installs nothing.
STAMP = $(VENV)/.installed-$(shell cat requirements.txt requirements-dev.txt requirements.lock | cksum | cut -d' ' -f1)

$(STAMP):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt $(LOCK)
	@rm -f $(VENV)/.installed-*
	@touch $@

run: $(STAMP)
	$(RUN) streamlit run app.py --server.port $(PORT) --server.headless true

browser: $(STAMP)
	@$(RUN) tests.browser.install

test: $(STAMP) browser
	$(RUN) pytest -n auto --dist loadfile --no-loadscope-reorder $(ORDER)

test-fast: $(STAMP)
	$(RUN) pytest -n auto --dist loadfile --no-loadscope-reorder $(ORDER) --ignore=tests/browser

lock: $(STAMP)
	$(RUN) tests.lock

check: $(STAMP) check-js
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy vizcore pages
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
	WALK_ACTIONS=200 WALK_SEEDS=10 $(RUN) pytest tests/browser/test_walker.py -p no:xdist

bench-load: $(STAMP)
	$(RUN) tests.benchmarks.load

bench-memory: $(STAMP)
	$(RUN) tests.benchmarks.sessions

bench-rooms: $(STAMP)
	$(RUN) tests.benchmarks.rooms

clean:
	rm -rf $(VENV) node_modules .pytest_cache .ruff_cache .mypy_cache
