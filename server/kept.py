"""What was made of something read, kept for as long as the same is read again.

What it is made of is read and compared each time, so nothing kept is ever older than the rows:
only the making is saved. Who uses what is kept must not change it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Source = TypeVar("Source")
Made = TypeVar("Made")

MOST = 16
"""Names (works, mostly) for which something stays made."""


class Kept(Generic[Source, Made]):
    """The last thing made for each of the names used last. Thread-safe."""

    def __init__(self, make: Callable[[Source], Made], most: int = MOST) -> None:
        """`make` must depend on nothing but its argument."""
        self._make = make
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[Source, Made]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, name: Hashable, source: Source) -> Made:
        """What `make` gives for `source`: the same object while the name's source is equal."""
        with self._lock:
            kept = self._kept.get(name)
        if kept is None or kept[0] != source:
            # Outside the lock, so that one large work does not hold up the others.
            kept = source, self._make(source)
        with self._lock:
            self._kept[name] = kept
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return kept[1]
