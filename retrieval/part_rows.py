"""Which of a work's rows the rows of one part are, and which of them a search may return.

A part is what is searched at one time: a segment, or its postings. Knows nothing of either.
"""

import numpy as np
from numpy.typing import NDArray

from retrieval.visibility import Mask


class PartRows:
    """Made once for a state of the work."""

    def __init__(self, rows: NDArray[np.int32]) -> None:
        """`rows`, [n]: the work's row that each of the part's is; -1 for what is gone."""
        self.rows = rows
        self.worn = bool(len(rows)) and int(rows.min()) < 0
        """Whether something is gone."""
        first = int(rows[0]) if len(rows) else 0
        run = np.arange(first, first + len(rows), dtype=np.int32)
        # As long as nobody edits, a part is a stretch of the work: nothing to be looked up.
        whole = not self.worn and np.array_equal(rows, run)
        self._run = slice(first, first + len(rows)) if whole else None

    def seen(self, mask: Mask) -> Mask:
        """The part's own rows that the work's mask lets through, [n]; not to be written to."""
        if self._run is not None:
            return mask[self._run]
        seen = mask.take(self.rows, mode="clip")
        return seen & (self.rows >= 0) if self.worn else seen
