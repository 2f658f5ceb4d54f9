"""The model that made an index, when another one is configured now.

While the new model works through the book, the old vectors answer, and a query for them
needs the old model. It is loaded when the first query comes, one at a time, and only if it
still is what it was.
"""

import logging
import threading
from collections.abc import Callable

from retrieval.embed import PassageEmbeddings
from retrieval.errors import RetrievalError
from retrieval.snapshot import Maker
from retrieval.static_model import LightEmbeddings

log = logging.getLogger(__name__)

Loader = Callable[[Maker], PassageEmbeddings]


def from_source(maker: Maker) -> PassageEmbeddings:
    return LightEmbeddings(maker.source or maker.name)


class FormerModels:
    """Thread-safe; remembers the last model, and that one could not be had."""

    def __init__(self, load: Loader = from_source) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._last: tuple[str, PassageEmbeddings | None] | None = None

    def get(self, maker: Maker) -> PassageEmbeddings | None:
        """The model whose fingerprint is the maker's; None where it cannot be had."""
        with self._lock:
            if self._last is None or self._last[0] != maker.fingerprint:
                self._last = maker.fingerprint, self._sound(maker)
            return self._last[1]

    def forget(self) -> None:
        """No index is of a former model any more: its memory is free."""
        with self._lock:
            self._last = None

    def _sound(self, maker: Maker) -> PassageEmbeddings | None:
        try:
            model = self._load(maker)
            if (model.fingerprint, model.dimension) == (maker.fingerprint, maker.dimension):
                return model
            log.warning("the model %s is not what it was when it made an index", maker.name)
        except RetrievalError as error:
            log.warning("the former embedding model: %s", error.message)
        return None
