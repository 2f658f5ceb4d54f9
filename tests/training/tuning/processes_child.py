"""What torchrun starts in `test_processes.py`: one of several processes of a run.

accelerate knows FSDP on GPUs alone; told that these CPU processes are GPUs, it shards the model
among them with the same code. DeepSpeed has no such door.
"""

import os
import sys
from pathlib import Path

from accelerate import PartialState
from accelerate.utils import DistributedType

from training.tuning.config import Recipe
from training.tuning.run import resume, start


def main(verb: str, recipe: str, data_dir: str, at: str) -> None:
    if os.environ.get("ACCELERATE_USE_FSDP"):
        PartialState(cpu=True)
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
        PartialState._reset_state = staticmethod(lambda: None)
    if verb == "resume":
        resume(Path(at), Path(data_dir))
    else:
        start(Recipe.read(Path(recipe)), Path(data_dir), at=Path(at))


if __name__ == "__main__":
    main(*sys.argv[1:])
