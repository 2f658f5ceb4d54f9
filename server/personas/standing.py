"""Where a persona stands: the place of the story as of which they speak, and what they know there.

A persona without a work knows what the card says. Where a place's chapter is gone they stand at
the book's beginning, where a character is gone they know only what everybody knows: rather less
than what they should not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from retrieval import lore, types
from retrieval.facts import sentence
from retrieval.states import Hidden
from retrieval.timeline import View
from retrieval.types import StoryPosition
from server.lore import list_entries
from server.lore_plain import as_books, load_lore
from server.manuscript import chapter_text, get_chapter, get_work, list_chapters, list_characters
from server.models import Lorebook, Persona
from server.personas.macros import fill
from server.story import Story, load_story_time, order_of
from server.writing.brief import cast_at


@dataclass(frozen=True, slots=True)
class Standing:
    view: View = field(default_factory=View)
    cast: Sequence[types.Character] = ()
    """Everybody, each with the sheet that the persona may see."""
    hidden: Sequence[Hidden] = ()
    facts: Sequence[types.Fact] = ()
    """All of the work's; `view` decides which are known."""
    books: Sequence[lore.Lorebook] = ()
    knower: types.Character | None = None
    """Who the persona is in the work."""


@dataclass(frozen=True, slots=True)
class Known:
    """A line of what is known, or of what is not and why."""

    text: str
    reason: str = ""


def standing_of(session: Session, persona: Persona, user: str = "我") -> Standing:
    """`user`: the name of whom they speak with. Raises NotFound where the work lies in the bin."""
    own = _own_books(session, persona, user)
    if persona.work_id is None:
        return Standing(books=own)
    work = get_work(session, persona.work_id)
    chapters = list_chapters(session, work.id)
    order = order_of(chapters)
    story: Story = load_story_time(session, work.id, order)
    view = View(_position(session, persona, set(order)), persona.character_id, story.scenes)
    cast, hidden = cast_at(list_characters(session, work.id), story, order, view)
    return Standing(
        view,
        cast,
        hidden,
        story.facts,
        [*load_lore(session, work.id, order), *own],
        next((c for c in cast if c.id == persona.character_id), None),
    )


def knowledge(standing: Standing) -> tuple[list[Known], list[Known]]:
    """(what they know where they stand, what they do not): the story's facts, for the author."""
    known: list[Known] = []
    unknown: list[Known] = []
    for fact in standing.facts:
        reason = standing.view.refuses(fact.validity)
        (known if reason is None else unknown).append(Known(sentence(fact), reason or ""))
    names = {c.id: c.name for c in standing.cast}
    unknown += [
        Known(f"{names[h.character_id]}（{h.paragraph.label}）：{h.paragraph.text}", h.reason)
        for h in standing.hidden
        if h.character_id in names
    ]
    return known, unknown


def _position(session: Session, persona: Persona, living: set[str]) -> StoryPosition | None:
    if persona.chapter_id is None:
        return None
    if persona.chapter_id not in living:
        return StoryPosition(0)
    assert persona.work_id is not None
    chapter = get_chapter(session, persona.work_id, persona.chapter_id)
    length = len(chapter_text(session, chapter))
    offset = length if persona.offset is None else min(persona.offset, length)
    return StoryPosition(chapter.position, offset)


def _own_books(session: Session, persona: Persona, user: str) -> list[lore.Lorebook]:
    """With the names put in: the book belongs to the card."""
    book = session.get(Lorebook, persona.lorebook_id) if persona.lorebook_id else None
    if book is None or not book.enabled:
        return []
    (own,) = as_books([book], list_entries(session, [book.id]), {})
    return [replace(own, entries=[_named(entry, persona.called, user) for entry in own.entries])]


def _named(entry: lore.LoreEntry, char: str, user: str) -> lore.LoreEntry:
    def filled(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(fill(text, char, user) for text in texts)

    name, content = filled((entry.name, entry.content))
    keys, secondary = filled(entry.keys), filled(entry.secondary_keys)
    return replace(entry, name=name, content=content, keys=keys, secondary_keys=secondary)
