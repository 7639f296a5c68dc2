"""Run by a test in two processes: the command line, where accelerate takes the CPU for a GPU.

accelerate offers FSDP on GPUs alone; all that it does there with the network is the same here.
"""

import sys

from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

from gcdp_bench.cli import main

initialise = AcceleratorState.__init__


def initialise_split(self, *arguments, fsdp_plugin=None, **settings):
    initialise(self, *arguments, fsdp_plugin=fsdp_plugin, **settings)
    if fsdp_plugin is not None:
        self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, fsdp_plugin


if __name__ == "__main__":
    AcceleratorState.__init__ = initialise_split
    main(sys.argv[1:])
