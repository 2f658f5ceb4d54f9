"""The lore that joins one continuation, from books that stay ready between requests."""

import threading
from collections import OrderedDict

from retrieval.lore import Lorebook, PreparedLore, activate, lore_items, prepare
from retrieval.types import ContextItem, Refused, TokenCounter
from server.writing.brief import Loaded

MOST_KEPT = 32
"""Works whose lorebooks stay ready for searching."""

_kept: OrderedDict[tuple[str, ...], tuple[tuple[Lorebook, ...], PreparedLore]] = OrderedDict()
_keeping = threading.Lock()


def lore_for(loaded: Loaded, count: TokenCounter) -> tuple[list[ContextItem], list[Refused]]:
    """(what joins the prompt, what was called and may not, each with its reason)."""
    # The chapter is the seed: what is left to chance falls the same way each time.
    lore = _prepared(tuple(loaded.lorebooks))
    seed, view = loaded.chapter_id, loaded.brief.view
    return lore_items(activate(lore, loaded.turns, view, seed=seed, count=count))


def _prepared(books: tuple[Lorebook, ...]) -> PreparedLore:
    """Kept as long as the books stay what they are."""
    name = tuple(book.id for book in books)
    with _keeping:
        kept = _kept.get(name)
        if kept is None or kept[0] != books:
            kept = books, prepare(books)
            _kept[name] = kept
        _kept.move_to_end(name)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
        return kept[1]
