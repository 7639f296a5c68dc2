PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint clean

# The main job on the embedded data: sample, score, draw. A demonstration, not a result.
demo: $(STAMP)
	$(BIN)/gcdp-bench sweep --dataset synth-city-25 --models reference,imagen,ldm,lafite \
	  --guidance 1,2,4 --truncation 1,0.7 --num-samples 64 --steps 25 --sr-steps 10 --seeds 1 \
	  --results results/demo --demo
	$(BIN)/gcdp-bench report results/demo

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

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
	rm -rf $(VENV) results/demo
