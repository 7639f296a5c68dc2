"""Run by a test in two processes: the command line, where accelerate takes the CPU for a GPU.

accelerate offers FSDP on GPUs alone; all that it does there with the network is the same here.
"""

import sys

from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

from gcdp_bench.cli import main as command_line

# set by `accelerate launch --use_fsdp --fsdp_version 2`
FSDP = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_OFFLOAD_PARAMS": "false",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
    "FSDP_SYNC_MODULE_STATES": "true",
    "FSDP_ACTIVATION_CHECKPOINTING": "false",
}
initialise = AcceleratorState.__init__


def initialise_split(self, *arguments, fsdp_plugin=None, **settings):
    initialise(self, *arguments, fsdp_plugin=fsdp_plugin, **settings)
    if fsdp_plugin is not None:
        self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, fsdp_plugin


def main(arguments: list[str]) -> None:
    AcceleratorState.__init__ = initialise_split
    command_line(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
