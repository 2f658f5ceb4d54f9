"""Chapters: text in revisions, order, notes, the bin."""

from fastapi import APIRouter, status

from server import manuscript
from server.deps import ChapterId, Reading, TheDesk, WorkId, Writing
from server.errors import ChapterGone
from server.models import Chapter, ChapterRevision, now
from server.schemas.manuscript import (
    ChapterChange,
    ChapterFull,
    ChapterNew,
    ChapterOut,
    RevisionFull,
    RevisionOut,
    Saved,
    TextSave,
)

router = APIRouter(prefix="/api/works/{work_id}/chapters", tags=["chapters"])


@router.get("")
def list_chapters(work_id: WorkId, session: Reading) -> list[ChapterOut]:
    manuscript.get_work(session, work_id)
    return [ChapterOut.model_validate(c) for c in manuscript.list_chapters(session, work_id)]


@router.post("", status_code=status.HTTP_201_CREATED)
def create_chapter(
    work_id: WorkId, wanted: ChapterNew, session: Writing, desk: TheDesk
) -> ChapterOut:
    work = manuscript.get_work(session, work_id)
    if wanted.volume_id is not None:
        manuscript.get_volume(session, work_id, wanted.volume_id)
    chapter = manuscript.add_chapter(session, work, **wanted.model_dump())
    session.commit()
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)
    return ChapterOut.model_validate(chapter)


@router.get("/{chapter_id}")
def get_chapter(work_id: WorkId, chapter_id: ChapterId, session: Reading) -> ChapterFull:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    text = manuscript.chapter_text(session, chapter)
    return ChapterFull(**ChapterOut.model_validate(chapter).model_dump(), text=text)


@router.put("/{chapter_id}")
def save_text(
    work_id: WorkId, chapter_id: ChapterId, wanted: TextSave, session: Writing, desk: TheDesk
) -> Saved:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    revision = manuscript.save_text(session, chapter, wanted.text, base=wanted.base_revision)
    return _saved(session, desk, chapter, revision)


@router.patch("/{chapter_id}")
def change_chapter(
    work_id: WorkId, chapter_id: ChapterId, change: ChapterChange, session: Writing, desk: TheDesk
) -> ChapterOut:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    fields = change.model_dump(exclude_unset=True)
    position = fields.pop("position", None)
    if fields.get("volume_id") is not None:
        manuscript.get_volume(session, work_id, fields["volume_id"])
    volume = fields.pop("volume_id", chapter.volume_id)
    chapter.sqlmodel_update({k: v for k, v in fields.items() if v is not None})
    chapter.volume_id = volume
    chapter.updated_at = now()
    session.add(chapter)
    if position is not None:
        manuscript.move_chapter(session, chapter, position)
    session.commit()
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)
    return ChapterOut.model_validate(chapter)


@router.delete("/{chapter_id}", status_code=status.HTTP_204_NO_CONTENT)
def bin_chapter(work_id: WorkId, chapter_id: ChapterId, session: Writing, desk: TheDesk) -> None:
    """Into the bin; a continuation that runs in it ends with `chapter_gone`."""
    manuscript.bin_chapter(session, manuscript.get_chapter(session, work_id, chapter_id))
    session.commit()
    gone = ChapterGone("续写时这一章被删除了，写出的文字留在生成记录里。")
    desk.continuation.running.stop_chapter(chapter_id, gone)
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)


@router.post("/{chapter_id}/restore")
def restore_chapter(
    work_id: WorkId, chapter_id: ChapterId, session: Writing, desk: TheDesk
) -> ChapterOut:
    manuscript.get_work(session, work_id)
    chapter = manuscript.restore_chapter(session, work_id, chapter_id)
    session.commit()
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)
    return ChapterOut.model_validate(chapter)


@router.get("/{chapter_id}/revisions")
def list_revisions(work_id: WorkId, chapter_id: ChapterId, session: Reading) -> list[RevisionOut]:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    return [_revision(r, n) for r, n in manuscript.list_revisions(session, chapter)]


@router.get("/{chapter_id}/revisions/{number}")
def get_revision(
    work_id: WorkId, chapter_id: ChapterId, number: int, session: Reading
) -> RevisionFull:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    revision = manuscript.get_revision(session, chapter, number)
    out = _revision(revision, len(revision.text))
    return RevisionFull(**out.model_dump(), text=revision.text)


@router.post("/{chapter_id}/revisions/{number}/restore")
def restore_revision(
    work_id: WorkId, chapter_id: ChapterId, number: int, session: Writing, desk: TheDesk
) -> Saved:
    """The old text as a new revision: what came between stays too."""
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    text = manuscript.get_revision(session, chapter, number).text
    revision = manuscript.save_text(session, chapter, text, origin="restored")
    return _saved(session, desk, chapter, revision)


def _saved(
    session: Writing, desk: TheDesk, chapter: Chapter, revision: ChapterRevision | None
) -> Saved:
    session.commit()
    if revision is not None:
        desk.indexer.request(chapter.work_id)
        desk.recaps.request(chapter.work_id)
    return Saved(revision=chapter.revision, chars=chapter.chars, changed=revision is not None)


def _revision(revision: ChapterRevision, length: int) -> RevisionOut:
    return RevisionOut.model_validate(revision).model_copy(update={"length": length})
