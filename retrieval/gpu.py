"""FAISS on a GPU, where faiss-gpu is installed and finds one. The only file that knows.

FAISS's GPU indexes take no id selector, so a search under a time cut stays on the CPU, where
the cut is inside the search: the GPU does what needs no cut and takes longest, which is the
training of lists and the exact answers that approximate ones are held against.
"""

from functools import cache
from typing import Any

import faiss as _faiss

faiss: Any = _faiss


def present() -> bool:
    return int(getattr(faiss, "get_num_gpus", lambda: 0)()) > 0


@cache
def _resources() -> Any:
    return faiss.StandardGpuResources()


def on_gpu(index: Any) -> Any:
    """A copy of the index on the first GPU; the index itself where there is none, or where
    FAISS has no GPU form of it."""
    if not present():
        return index
    try:
        return faiss.index_cpu_to_gpu(_resources(), 0, index)
    except RuntimeError:
        return index
