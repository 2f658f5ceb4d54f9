"""The lore that joins one continuation, from books that stay ready between requests."""

from collections.abc import Sequence

from retrieval.lore import Lorebook, PreparedLore, activate, lore_items, prepare
from retrieval.types import ContextItem, Refused, TokenCounter
from server.kept import Kept
from server.writing.brief import Loaded

_prepared: Kept[Sequence[Lorebook], PreparedLore] = Kept(prepare)


def lore_for(loaded: Loaded, count: TokenCounter) -> tuple[list[ContextItem], list[Refused]]:
    """(what joins the prompt, what was called and may not, each with its reason)."""
    # The chapter is the seed: what is left to chance falls the same way each time.
    lore = _prepared.of(tuple(book.id for book in loaded.lorebooks), loaded.lorebooks)
    seed, view = loaded.chapter_id, loaded.brief.view
    return lore_items(activate(lore, loaded.turns, view, seed=seed, count=count))
