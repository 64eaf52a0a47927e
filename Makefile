# Two commands: `make demo` runs the whole mission on a small sample world, `make test` proves it.
# Both prepare .venv first (once; again when a lock changes).

PYTHON ?= python3
VENV ?= .venv
SERVE ?= serve-cpu.lock
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

export OMP_NUM_THREADS ?= 1
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
export DS_ACCELERATOR ?= cpu
export DO_NOT_TRACK ?= 1
# Empty is off: a module that is compiled is compiled once, not again by each process that loads it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test types arrows compiled collected bench setup clean

demo: $(STAMP)
	$(BIN)/python -m sample.demo

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 types arrows compiled collected
	@$(FOLDER) $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $$made

# Tests write thousands of versions and wait until each is on the disk: in memory, where that has room, they need not wait.
FOLDER := made=; if [ "$$(df --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 8000000 ] 2>/dev/null; then \
	shm=$$(mktemp -d /dev/shm/tests-XXXXXX); trap 'rm -rf "$$shm"' EXIT; made="--basetemp=$$shm/t"; fi;

# One core each: side by side, they leave none idle.
types:
	$(BIN)/mypy

arrows:
	$(BIN)/lint-imports

# Loops that numba compiles, once, before the workers of the tests would each do it.
compiled:
	$(BIN)/python -c "import corpus.duplicates.kernels, merge.kernels, merge.mergers.loops"

# The tests' own modules compiled, with their asserts taken apart; what is wrong with one of them, the tests themselves say.
collected:
	@$(BIN)/python -m pytest --collect-only -qq > /dev/null 2>&1 || true

bench: $(STAMP)
	@set -e; for module in $$(ls bench/*.py | grep -v __init__); do \
		echo "== $$module"; $(BIN)/python -m bench.$$(basename $$module .py); done

setup: $(STAMP)

# torch first and alone: the resolver takes the build that fits the platform; the locks then add exact pins without
# asking for anything else, side by side; what is no lock (vLLM for GPUs) brings what it needs itself.
# pip compiles modules one after another, compileall on all cores.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := $(addprefix locked/,core.lock $(filter %.lock,$(SERVE)))

$(STAMP): requirements/core.lock requirements/$(SERVE) pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --no-compile torch==2.13.0
	@$(MAKE) --no-print-directory --jobs 2 $(LOCKED)
	$(if $(filter %.txt,$(SERVE)),$(PIP) --no-compile -r requirements/$(SERVE))
	$(PIP) --no-deps --editable .
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	touch $(STAMP)

# DS_BUILD_OPS=0: DeepSpeed compiles nothing.
locked/%:
	DS_BUILD_OPS=0 $(PIP) --no-compile --no-deps -r requirements/$*

clean:
	rm -rf $(VENV) build dist
