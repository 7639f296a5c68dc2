PYTHON ?= python3
PYTHONS ?= 3.11 3.12 3.13

# .venv, or .venv-3.13 where PYTHON is given and .venv is of another version
ifneq ($(origin PYTHON),file)
  VERSION_OF = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
  OTHER := $(filter-out $(call VERSION_OF,.venv/bin/python),$(call VERSION_OF,$(PYTHON)))
endif
VENV ?= .venv$(if $(and $(OTHER),$(wildcard .venv/bin/python)),-$(OTHER))
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# a worker per core; compiled files are kept, since every test of a command starts an interpreter
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n logical --maxprocesses 16

.PHONY: demo test test-all test-pythons lint tables clean

# The main job on the embedded data: sample, evaluate, report. A demonstration, not a result.
demo: $(STAMP)
	$(BIN)/gcdp-bench sweep --dataset synth-city-25 --models reference,imagen,ldm,lafite \
	  --guidance 1,2,4 --truncation 1,0.7 --num-samples 64 --steps 25 --sr-steps 10 --seeds 1 \
	  --results results/demo --demo
	$(BIN)/gcdp-bench report results/demo

test: $(STAMP)
	$(PYTEST) --dist worksteal -m "not slow"

# What `make test` leaves out: kills, clusters, training in several processes, more examples.
test-all: $(STAMP)
	$(PYTEST) --dist loadgroup -m "slow or hypothesis" --hypothesis-profile thorough

# An environment for each, .venv-VERSION; from pyenv where it has the version.
test-pythons:
	for version in $(PYTHONS); do \
	  own=$$(ls -d "$$(pyenv root 2>/dev/null)/versions/$$version".*/bin/python 2>/dev/null | tail -1); \
	  $(MAKE) test test-all PYTHON="$${own:-python$$version}" VENV=".venv-$$version" || exit 1; \
	done

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/pyright --pythonpath $(BIN)/python

# Tables and marked numbers of README.md and results/README.md, from the CSV files in results/.
tables: $(STAMP)
	$(BIN)/python -m benchmarks.tables

# onedl-mmcv asks for opencv-python, which needs a graphics library (libGL) that a server lacks;
# the headless build is the same module without it.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip uninstall --quiet --yes opencv-python opencv-python-headless
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt \
	  opencv-python-headless
	touch $(STAMP)

clean:
	rm -rf .venv $(addprefix .venv-,$(PYTHONS)) results/demo
