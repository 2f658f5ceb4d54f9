"""Scenes, progressions and facts as the author keeps them: made, changed, and always sound.

Places must lie in chapters of the work, knowers be of its people, and evidence stand in the text
word for word. Functions take an open session and leave the transaction to the caller; they raise
NotFound for ids of nothing and Invalid for what cannot be.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlmodel import Session

from server import manuscript
from server.errors import Invalid
from server.models import Fact, Progression, Scene, now
from server.story_checks import TIME, changes, chapter_length, check_time, find_words

Fields = Mapping[str, Any]

_EVIDENCE = frozenset({"evidence", "evidence_chapter_id", "evidence_start"})

Row = TypeVar("Row", Scene, Progression, Fact)


def add_scene(session: Session, work_id: str, fields: Fields) -> Scene:
    scene = Scene(work_id=work_id, **fields)
    _check_scene(session, scene)
    return _kept(session, scene)


def change_scene(session: Session, scene: Scene, fields: Fields) -> None:
    # Flushed before it is checked, a place in no chapter would be a foreign key's error.
    with session.no_autoflush:
        scene.sqlmodel_update(changes(fields))
        _check_scene(session, scene)


def add_progression(session: Session, work_id: str, fields: Fields) -> Progression:
    manuscript.get_character(session, work_id, fields["character_id"])
    progression = Progression(work_id=work_id, **fields)
    check_time(session, progression)
    return _kept(session, progression)


def change_progression(session: Session, progression: Progression, fields: Fields) -> None:
    progression.sqlmodel_update(changes(fields))
    if TIME & fields.keys():
        check_time(session, progression)
    progression.updated_at = now()


def add_fact(session: Session, work_id: str, fields: Fields, *, origin: str = "author") -> Fact:
    """A fact with evidence and no `since` among its fields holds from behind its evidence on."""
    rest = {k: v for k, v in fields.items() if k not in _EVIDENCE}
    fact = Fact(work_id=work_id, origin=origin, **rest)
    _prove(session, fact, fields)
    if "since_chapter_id" not in fields and fact.evidence:
        fact.since_chapter_id, fact.since_offset = fact.evidence_chapter_id, fact.evidence_end
    if fact.character_id is not None:
        manuscript.get_character(session, work_id, fact.character_id)
    check_time(session, fact)
    return _kept(session, fact)


def add_facts(session: Session, work_id: str, facts: Sequence[Fields]) -> list[Fact]:
    """All of them; where one cannot be, none is, and the error says which."""
    made = []
    for number, fields in enumerate(facts, 1):
        try:
            made.append(add_fact(session, work_id, fields, origin="import"))
        except Invalid as error:
            raise Invalid(f"第 {number} 条：{error.message}", code=error.code) from error
    return made


def change_fact(session: Session, fact: Fact, fields: Fields) -> None:
    with session.no_autoflush:
        fact.sqlmodel_update(changes({k: v for k, v in fields.items() if k not in _EVIDENCE}))
        if _EVIDENCE & fields.keys():
            kept = {"evidence": fact.evidence, "evidence_chapter_id": fact.evidence_chapter_id}
            _prove(session, fact, kept | {k: v for k, v in fields.items() if v is not None})
        if fields.get("character_id") is not None:
            manuscript.get_character(session, fact.work_id, fields["character_id"])
        if TIME & fields.keys():
            check_time(session, fact)
    fact.updated_at = now()


def changed_evidence(session: Session, work_id: str, facts: Sequence[Fact]) -> set[str]:
    """The ids of the facts whose words no longer stand in their chapter as they did."""
    revisions = {c.id: c.revision for c in manuscript.list_chapters(session, work_id)}
    return {
        fact.id
        for fact in facts
        if fact.evidence and revisions.get(fact.evidence_chapter_id or "") != fact.evidence_revision
    }


def _kept(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row


def _check_scene(session: Session, scene: Scene) -> None:
    length = chapter_length(session, scene.work_id, scene.chapter_id)
    end = length if scene.end is None else scene.end
    if end > length or scene.start > end:
        raise Invalid(
            f"场景从 {scene.start} 到 {end}，超出了这一章（有 {length} 字符），请重新选一段。",
            code="offset_out_of_range",
        )
    if scene.end is not None and scene.start == scene.end:
        raise Invalid("场景里一个字也没有，请选一段正文。", code="empty_scene")
    if scene.after_chapter_id is not None:
        manuscript.get_chapter(session, scene.work_id, scene.after_chapter_id)


def _prove(session: Session, fact: Fact, fields: Fields) -> None:
    """Find the evidence in its chapter and remember where; no words are no evidence."""
    words, chapter_id = fields.get("evidence") or "", fields.get("evidence_chapter_id")
    if not words:
        fact.evidence, fact.evidence_chapter_id, fact.evidence_revision = "", None, 0
        fact.evidence_start = fact.evidence_end = 0
        return
    if chapter_id is None:
        raise Invalid("引文没有说出自哪一章，请选一章。", code="evidence_without_chapter")
    chapter = manuscript.get_chapter(session, fact.work_id, chapter_id)
    text = manuscript.chapter_text(session, chapter)
    start = find_words(text, words, fields.get("evidence_start"))
    fact.evidence, fact.evidence_chapter_id = words, chapter_id
    fact.evidence_start, fact.evidence_end = start, start + len(words)
    fact.evidence_revision = chapter.revision
