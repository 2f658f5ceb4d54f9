"""What may settle before the chapter's text, and what is said behind it in the meantime.

A prompt that goes on from the last one keeps what stood where it stood, so that the engine has
read it already; only what is new since stands behind the text. When the text has to begin
somewhere else, the engine reads it anew from there and everything is chosen anew
(docs/decisions/0008).

Knows nothing of budgets.
"""

from collections.abc import Sequence
from dataclasses import replace

from retrieval.chunk import sentences
from retrieval.snippet import focus
from retrieval.types import ContextItem, Group, Stood

STEADY = (Group.CAST, Group.THREADS)
"""Groups that stay the same between two continuations but where the story itself moves on."""

OTHER_PART = ":other"
"""Ends the id of a passage of which another part stands already."""


def anew(items: Sequence[ContextItem]) -> list[ContextItem]:
    """The candidates where everything is chosen anew: all that may settle does."""
    return [replace(i, settled=True) if _may_settle(i) else _fixed(i) for i in items]


def going_on(items: Sequence[ContextItem], stood: Stood) -> list[ContextItem]:
    """The candidates where what stood stays: in its words, before the text. Sheets,
    threads and passages that it has not stand behind the text, so that they move nothing."""
    current = {i.id: i for i in items}
    kept = {s.id: _as_stood(s, current.get(s.id)) for s in stood.items}
    return [*kept.values(), *(_behind(i, i.id in kept) for i in items if not _told(i, kept))]


def excluded(item: ContextItem, ids: frozenset[str]) -> bool:
    """Whether an author put it aside, be it by the name of its other part."""
    return item.id in ids or item.id + OTHER_PART in ids


def tells(words: Sequence[str], item: ContextItem) -> bool:
    """Whether the sentence that a passage was found for stands in one of the words."""
    place = focus(item.text, item.about)
    point = next((item.text[a:b].strip() for a, b in sentences(item.text) if a == place), "")
    return any(point in said for said in words)


def _may_settle(item: ContextItem) -> bool:
    if item.required:
        return False
    if item.group in STEADY:
        return not item.changes
    return item.changes and item.group in (Group.LORE, Group.PASSAGES)


def _as_stood(stood: ContextItem, now: ContextItem | None) -> ContextItem:
    """In the words that stood, with what is said of it today."""
    if now is None:
        return stood
    return replace(stood, priority=now.priority, score=now.score, why=now.why)


def _told(item: ContextItem, kept: dict[str, ContextItem]) -> bool:
    """Whether what stands says all that the candidate could."""
    return item.id in kept and item.group is not Group.PASSAGES


def _behind(item: ContextItem, stands: bool) -> ContextItem:
    if item.group in STEADY and not item.required:
        return replace(item, late=True)
    return replace(item, id=item.id + OTHER_PART) if stands else _fixed(item)


def _fixed(item: ContextItem) -> ContextItem:
    """The chapter's title, which a prompt that stands alone has beside the beat, is the same
    for all of a row."""
    title = item.group is Group.BEAT and item.late is None and not item.required
    return replace(item, late=False) if title else item
