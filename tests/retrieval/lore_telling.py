"""Short words for telling a lorebook, a text, and what came of them."""

from collections.abc import Sequence
from typing import Any

from retrieval.lore import Activation, Lorebook, LoreEntry, activate
from retrieval.timeline import View
from retrieval.types import Message

ANYWHERE = View()


class Characters:
    """A token a character, so that budgets can be read off the tests."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(t) for t in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        return sum(len(m.content) for m in messages)


def entry(id: str, *keys: str, **fields: Any) -> LoreEntry:
    return LoreEntry(id, **{"name": id, "content": f"{id}的内容", "keys": keys, **fields})


def told(
    entries: Sequence[LoreEntry],
    *turns: str,
    view: View = ANYWHERE,
    seed: str = "第一章",
    **book: Any,
) -> Activation:
    return activate([Lorebook("书", "设定", entries, **book)], turns, view, seed=seed)


def fired(entries: Sequence[LoreEntry], *turns: str, **how: Any) -> list[str]:
    return sorted(h.entry.id for h in told(entries, *turns, **how).hits)


def reason(result: Activation, id: str) -> str:
    return next(why for e, why in result.skipped if e.id == id)
