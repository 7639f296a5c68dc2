"""Modules import what they use at once; heavy packages wait for the function that needs them."""

import json
import subprocess
import sys

HEAVY = [
    *("accelerate", "diffusers", "jinja2", "matplotlib", "mmcv", "mmseg", "open_clip", "ray"),
    *("scipy", "seaborn", "sklearn", "tensorboard", "torch.distributed.tensor", "torch_fidelity"),
    *("torchmetrics", "torchvision", "transformers"),
]
MODULES = {
    "gcdp_bench.cli": [*HEAVY, "numpy", "pandas", "torch"],
    "reference_model.generator": [*HEAVY, "pandas"],
    "baselines.ldm.generator": [*HEAVY, "pandas"],
    "baselines.lafite.generator": [*HEAVY, "pandas"],
    "gcdp_bench.extractors.bundle": [*HEAVY, "pandas"],
    "gcdp_bench.evaluation": HEAVY,
    "gcdp_bench.sweep": HEAVY,
}
"""Module, in the order of their imports -> packages that are not imported by then."""

CODE = """
import importlib, json, sys
for module, unwanted in json.loads(sys.argv[1]).items():
    importlib.import_module(module)
    found = [name for name in unwanted if name in sys.modules]
    assert not found, f"{module} imports {found}"
"""


def test_no_module_imports_a_package_before_it_is_used():
    command = [sys.executable, "-c", CODE, json.dumps(MODULES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
