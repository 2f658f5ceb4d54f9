"""Matrix products of one query: small ones, done in the thread that asks.

BLAS wakes other threads for more than a few multiplications and then waits for them: where
the machine is busy, for as long as the scheduler lets others run, 8 ms instead of 0.1.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", bound=np.floating[Any])

_ALONE = 2**18
"""Multiplications up to which OpenBLAS stays in its caller's thread: 65,536 times its
GEMM_MULTITHREAD_THRESHOLD of 4."""


def product(few: NDArray[Real], many: NDArray[Real]) -> NDArray[Real]:
    """`few` [x, d] by the transpose of `many` [r, d], piece by piece: [x, r]."""
    step = max(1, _ALONE // max(few.size, 1))
    pieces = [few @ many[at : at + step].T for at in range(0, max(len(many), 1), step)]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)
