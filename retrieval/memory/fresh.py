"""Which recaps are still true: staleness is a comparison of hashes, along the tree alone.

A made recap is fresh while everything it read is fresh and says what it said then. So an edit
makes stale what depends on it and nothing else, and a new recap with the old one's words ends
the wave. What an author wrote by hand counts as read the text itself: it is never remade, only
marked when that text changes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from retrieval.memory.plan import Key, Level, Node, Plan

AUTHOR = "author"
EXTRACTIVE = "extractive"
TEXT = "text"


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: a chapter's text (`text`) or a recap by its level; `hash` is SHA-256."""

    level: str
    id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A model was asked for this recap and what it said could not be used."""

    model: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recap:
    """A recap that exists. `maker` is AUTHOR, EXTRACTIVE or the model's name; `version` names
    the method or the prompt template it was made with."""

    key: Key
    text: str
    maker: str
    version: str
    source_hash: str
    sources: tuple[Source, ...] = ()
    refused: Refusal | None = None

    @property
    def by_model(self) -> bool:
        return self.maker not in (AUTHOR, EXTRACTIVE)


Recaps = Mapping[Key, Recap]


class Status(StrEnum):
    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


def digest(text: str) -> str:
    """SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def source_hash(level: Level, version: str, sources: tuple[Source, ...]) -> str:
    """SHA-256 over the level, the version of the maker and the words of everything it read."""
    told = [level.value, version, *(s.hash for s in sources)]
    return digest("\n".join(told))


def sources_of(plan: Plan, node: Node, recaps: Recaps, maker: str) -> tuple[Source, ...]:
    """What the node reads now. Raises KeyError while a recap that it reads does not exist."""
    if maker == AUTHOR or node.key.level is Level.CHAPTER:
        return tuple(Source(TEXT, c.id, c.sha256) for c in plan.covered(node))
    return tuple(Source(k.level.value, k.target, digest(recaps[k].text)) for k in node.reads)


def statuses(plan: Plan, recaps: Recaps) -> dict[Key, Status]:
    """Of every node, what it reads before it."""
    found: dict[Key, Status] = {}
    for key, node in plan.nodes.items():
        found[key] = status(plan, node, recaps, found)
    return found


def status(plan: Plan, node: Node, recaps: Recaps, found: Mapping[Key, Status]) -> Status:
    """Of one node; `found` has what it reads."""
    recap = recaps.get(node.key)
    if recap is None:
        return Status.MISSING
    if recap.maker != AUTHOR and not all(settled(k, recaps, found) for k in node.reads):
        return Status.STALE
    now = source_hash(node.key.level, recap.version, sources_of(plan, node, recaps, recap.maker))
    return Status.FRESH if now == recap.source_hash else Status.STALE


def settled(key: Key, recaps: Recaps, found: Mapping[Key, Status]) -> bool:
    """Whether another recap may read this one: it is fresh, or the author's own word."""
    recap = recaps.get(key)
    return recap is not None and (found[key] is Status.FRESH or recap.maker == AUTHOR)


def changed(plan: Plan, node: Node, recap: Recap) -> list[str]:
    """Ids of the covered chapters whose text is not what a recap written by hand was written
    to, new ones included; [] for recaps that read recaps."""
    read = {s.id: s.hash for s in recap.sources if s.level == TEXT}
    return [c.id for c in plan.covered(node) if read and read.get(c.id) != c.sha256]
