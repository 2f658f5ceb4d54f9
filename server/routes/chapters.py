"""Chapters: their text, names and notes, the bin."""

from collections.abc import Iterable

from fastapi import APIRouter, status

from server import manuscript, ordering, titles
from server.deps import ChapterId, Reading, TheDesk, WorkId, Writing
from server.errors import ChapterGone, Invalid
from server.models import Chapter, ChapterRevision, Work, now
from server.schemas.manuscript import (
    ChapterChange,
    ChapterFull,
    ChapterNew,
    ChapterOut,
    Saved,
    TextSave,
)

router = APIRouter(prefix="/api/works/{work_id}/chapters", tags=["chapters"])


@router.get("")
def list_chapters(work_id: WorkId, session: Reading, bin: bool = False) -> list[ChapterOut]:
    """In the order of the telling, or with `bin` what was deleted, the latest first."""
    work = manuscript.get_work(session, work_id)
    if not bin:
        return all_out(work, manuscript.list_chapters(session, work_id))
    gone = manuscript.list_binned_chapters(session, work_id)
    return [_named(c, titles.called_in_bin(work, c)) for c in gone]


@router.post("", status_code=status.HTTP_201_CREATED)
def create_chapter(
    work_id: WorkId, wanted: ChapterNew, session: Writing, desk: TheDesk
) -> ChapterOut:
    """At `position`; without one at its volume's end, or the work's."""
    work = manuscript.get_work(session, work_id)
    fields = wanted.model_dump()
    if wanted.volume_id is not None:
        manuscript.get_volume(session, work_id, wanted.volume_id)
        if wanted.position is None:
            fields["position"] = ordering.end_of_volume(session, work_id, wanted.volume_id)
    chapter = manuscript.add_chapter(session, work, **fields)
    return _changed(session, desk, chapter)


@router.get("/{chapter_id}")
def get_chapter(work_id: WorkId, chapter_id: ChapterId, session: Reading) -> ChapterFull:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    text = manuscript.chapter_text(session, chapter)
    return ChapterFull(**_out(session, chapter).model_dump(), text=text)


@router.put("/{chapter_id}")
def save_text(
    work_id: WorkId, chapter_id: ChapterId, wanted: TextSave, session: Writing, desk: TheDesk
) -> Saved:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    if wanted.generation is not None:
        _accept(session, chapter, wanted)
    revision = manuscript.save_text(
        session,
        chapter,
        wanted.text,
        base=wanted.base_revision,
        origin=wanted.origin if wanted.generation is None else "accepted",
        generation_id=wanted.generation,
        candidate=wanted.candidate,
    )
    return saved(session, desk, chapter, revision)


@router.patch("/{chapter_id}")
def change_chapter(
    work_id: WorkId, chapter_id: ChapterId, change: ChapterChange, session: Writing, desk: TheDesk
) -> ChapterOut:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    fields = change.model_dump(exclude_unset=True)
    position = fields.pop("position", None)
    volume = fields.pop("volume_id", chapter.volume_id)
    if volume is not None:
        manuscript.get_volume(session, work_id, volume)
    chapter.sqlmodel_update({k: v for k, v in fields.items() if v is not None})
    chapter.updated_at = now()
    session.add(chapter)
    if volume is not None and volume != chapter.volume_id:
        ordering.into_volume(session, chapter, volume)
    chapter.volume_id = volume
    if position is not None:
        ordering.move_chapter(session, chapter, position)
    return _changed(session, desk, chapter)


@router.delete("/{chapter_id}", status_code=status.HTTP_204_NO_CONTENT)
def bin_chapter(work_id: WorkId, chapter_id: ChapterId, session: Writing, desk: TheDesk) -> None:
    """Into the bin; a continuation that runs in it ends with `chapter_gone`."""
    ordering.bin_chapter(session, manuscript.get_chapter(session, work_id, chapter_id))
    session.commit()
    gone = ChapterGone("续写时这一章被删除了，写出的文字留在生成记录里。")
    desk.writer.running.stop_chapter(chapter_id, gone)
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)


@router.post("/{chapter_id}/restore")
def restore_chapter(
    work_id: WorkId, chapter_id: ChapterId, session: Writing, desk: TheDesk
) -> ChapterOut:
    manuscript.get_work(session, work_id)
    return _changed(session, desk, ordering.restore_chapter(session, work_id, chapter_id))


def all_out(work: Work, chapters: Iterable[Chapter]) -> list[ChapterOut]:
    """All of a work's living chapters, given in the order of the telling."""
    rows = list(chapters)
    names = titles.called(work, rows)
    return [_named(chapter, names[chapter.id]) for chapter in rows]


def _out(session: Writing, chapter: Chapter) -> ChapterOut:
    work = manuscript.get_work(session, chapter.work_id)
    return _named(chapter, titles.call(session, work, chapter))


def _named(chapter: Chapter, names: titles.Called) -> ChapterOut:
    out = ChapterOut.model_validate(chapter)
    return out.model_copy(update={"label": names.label, "name": names.name})


def _changed(session: Writing, desk: TheDesk, chapter: Chapter) -> ChapterOut:
    session.commit()
    desk.indexer.request(chapter.work_id)
    desk.recaps.request(chapter.work_id)
    return _out(session, chapter)


def _accept(session: Writing, chapter: Chapter, wanted: TextSave) -> None:
    """Note that the author took (a part of) what was generated for this chapter."""
    assert wanted.generation is not None
    generation = manuscript.get_generation(session, chapter.work_id, wanted.generation)
    if generation.chapter_id != chapter.id:
        raise Invalid("这次续写不是为这一章写的，请刷新后再收。", code="other_chapter")
    if generation.state != "running" and wanted.candidate >= len(generation.outputs):
        raise Invalid("没有这个候选，请从已有的候选里选。", code="no_such_candidate")
    generation.verdict = "accepted"
    session.add(generation)


def saved(
    session: Writing, desk: TheDesk, chapter: Chapter, revision: ChapterRevision | None
) -> Saved:
    session.commit()
    if revision is not None:
        desk.indexer.request(chapter.work_id)
        desk.recaps.request(chapter.work_id)
    return Saved(revision=chapter.revision, chars=chapter.chars, changed=revision is not None)
