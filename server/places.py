"""Places in a chapter move along when its text is saved.

Scenes, progressions, relations, facts and lore entries say where in the telling they begin, end
or were learned, events of threads where they happen, lines of a voice where they are said and
personas as of where they speak, as an offset into a chapter's current text. What follows a change
moves with its words.
Inside what was replaced a scene keeps all of the new text, and what begins, ends or is learned
there does so behind it: rather later than too early. What is inserted right before a scene
stays outside it, what is inserted at its end becomes part of it.

A fact's evidence and what an event quotes are checked word for word: while the evidence stands,
`evidence_revision` follows the chapter's; where its words changed the number stays behind and
tells so, as `quote_changed` does.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, cast
from sqlmodel import Session, col, or_, select

from server import voices
from server.edits import Edit, moved
from server.models import (
    Chapter,
    Character,
    Fact,
    Knowers,
    Lorebook,
    LoreEntry,
    Persona,
    Progression,
    Relation,
    Scene,
    Thread,
    ThreadEvent,
)

Timed = Progression | Relation | Fact | LoreEntry


def move_places(
    session: Session, chapter: Chapter, edits: Sequence[Edit], new: str, revision: int
) -> None:
    """Move what points into this chapter to `new`, its `revision`, which `edits` made of it."""
    scenes = session.exec(select(Scene).where(Scene.chapter_id == chapter.id)).all()
    timed = _pointing(session, chapter)
    events = _events(session, chapter)
    _move_voices(session, chapter, new)
    _move_personas(session, chapter, edits)
    if not scenes and not timed and not events:
        return
    for event in events:
        _move_event(event, edits, new)
    for scene in scenes:
        _move_scene(scene, edits)
    for row in timed:
        proved = isinstance(row, Fact) and _begins_with_its_evidence(row)
        _move_validity(row, chapter.id, edits)
        if isinstance(row, Fact) and row.evidence and row.evidence_chapter_id == chapter.id:
            _move_evidence(row, edits, new, revision)
            if proved:
                row.since_offset = row.evidence_end


def _pointing(session: Session, chapter: Chapter) -> list[Timed]:
    """Every row that begins, ends, was learned or is proved in this chapter."""
    books = select(Lorebook.id).where(
        or_(col(Lorebook.work_id) == chapter.work_id, col(Lorebook.work_id).is_(None))
    )
    facts = select(Fact).where(
        Fact.work_id == chapter.work_id,
        or_(_points(Fact, chapter.id), col(Fact.evidence_chapter_id) == chapter.id),
    )
    progressions = select(Progression).where(
        Progression.work_id == chapter.work_id, _points(Progression, chapter.id)
    )
    relations = select(Relation).where(
        Relation.work_id == chapter.work_id, _points(Relation, chapter.id)
    )
    entries = select(LoreEntry).where(
        col(LoreEntry.lorebook_id).in_(books), _points(LoreEntry, chapter.id)
    )
    return [
        *session.exec(facts), *session.exec(progressions), *session.exec(relations),
        *session.exec(entries),
    ]  # fmt: skip


def _events(session: Session, chapter: Chapter) -> list[ThreadEvent]:
    """What happens in this chapter to the threads of its work."""
    query = select(ThreadEvent).join(Thread).where(Thread.work_id == chapter.work_id)
    return list(session.exec(query.where(ThreadEvent.chapter_id == chapter.id)))


def _move_voices(session: Session, chapter: Chapter, new: str) -> None:
    query = select(Character).where(
        Character.work_id == chapter.work_id, cast(col(Character.voice), Text) != "[]"
    )
    for character in session.exec(query):
        character.voice = voices.after_save(session, chapter, new, character.voice)


def _move_personas(session: Session, chapter: Chapter, edits: Sequence[Edit]) -> None:
    """To the earlier side of what was replaced: they know rather less than more."""
    query = select(Persona).where(
        Persona.chapter_id == chapter.id, col(Persona.offset).is_not(None)
    )
    for persona in session.exec(query):
        assert persona.offset is not None
        persona.offset = moved(edits, persona.offset, "start", at_insertion="start")


def _points(table: type[Timed], chapter_id: str) -> ColumnElement[bool]:
    return or_(
        col(table.since_chapter_id) == chapter_id,
        col(table.until_chapter_id) == chapter_id,
        # Ids are random hex, so that they stand nowhere else in the list.
        cast(col(table.known_by), Text).contains(chapter_id),
    )


def _move_scene(scene: Scene, edits: Sequence[Edit]) -> None:
    if scene.start:
        scene.start = moved(edits, scene.start, "start", at_insertion="end")
    if scene.end is not None:
        scene.end = moved(edits, scene.end, "end")


def _move_validity(row: Timed, chapter_id: str, edits: Sequence[Edit]) -> None:
    if row.since_chapter_id == chapter_id:
        row.since_offset = moved(edits, row.since_offset, "end")
    if row.until_chapter_id == chapter_id:
        row.until_offset = moved(edits, row.until_offset, "end")
    if row.known_by is not None:
        row.known_by = _moved_knowers(row.known_by, chapter_id, edits)


def _moved_knowers(known_by: Knowers, chapter_id: str, edits: Sequence[Edit]) -> Knowers:
    return [
        one | {"offset": moved(edits, int(one.get("offset") or 0), "end")}
        if one.get("chapter_id") == chapter_id
        else one
        for one in known_by
    ]


def _begins_with_its_evidence(fact: Fact) -> bool:
    """Whether it holds from the words on that prove it; then it stays so."""
    begins = (fact.since_chapter_id, fact.since_offset)
    return begins == (fact.evidence_chapter_id, fact.evidence_end)


def _move_evidence(fact: Fact, edits: Sequence[Edit], new: str, revision: int) -> None:
    span = fact.evidence_start, fact.evidence_end
    fact.evidence_start, fact.evidence_end, stands = _moved_words(fact.evidence, *span, edits, new)
    if stands:
        fact.evidence_revision = revision


def _move_event(event: ThreadEvent, edits: Sequence[Edit], new: str) -> None:
    if not event.quote:
        event.offset = moved(edits, event.offset, "end")
        return
    start = max(0, event.offset - len(event.quote))
    _, event.offset, stands = _moved_words(event.quote, start, event.offset, edits, new)
    if not stands and new.count(event.quote) == 1:
        event.offset, stands = new.index(event.quote) + len(event.quote), True
    event.quote_changed = not stands


def _moved_words(
    words: str, start: int, end: int, edits: Sequence[Edit], new: str
) -> tuple[int, int, bool]:
    """Where quoted words lie in the new text, and whether they still stand there."""
    start = moved(edits, start, "start", at_insertion="end")
    end = max(start, moved(edits, end, "end", at_insertion="start"))
    # Words that came back, as by an undo, stand somewhere in what replaced them.
    found = new.find(words, start, end)
    if found < 0:
        return start, end, False
    return found, found + len(words), True
