"""A chapter's revisions: its history, and the snapshots in it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, status

from server import manuscript, revisions
from server.deps import ChapterId, Reading, TheDesk, WorkId, Writing
from server.models import ChapterRevision
from server.revisions import Listed
from server.routes.chapters import saved
from server.schemas.manuscript import Saved
from server.schemas.revisions import RevisionFull, RevisionOut, SnapshotNew

router = APIRouter(prefix="/api/works/{work_id}/chapters/{chapter_id}", tags=["revisions"])


@router.get("/revisions")
def list_revisions(
    work_id: WorkId,
    chapter_id: ChapterId,
    session: Reading,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    kept: bool = False,
    view: Literal["all", "sittings"] = "all",
) -> list[RevisionOut]:
    """Newest first; the next page is `before` the last line's `number - count + 1`.

    `sittings` shows typed revisions closer than five minutes as one, with their sums.
    """
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    lines = revisions.list_revisions(
        session, chapter, before=before, limit=limit, kept=kept, sittings=view == "sittings"
    )
    return [_listed(line) for line in lines]


@router.get("/revisions/{number}")
def get_revision(
    work_id: WorkId, chapter_id: ChapterId, number: int, session: Reading
) -> RevisionFull:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    revision = manuscript.get_revision(session, chapter, number)
    return RevisionFull.model_validate(revision).model_copy(update={"length": len(revision.text)})


@router.post("/revisions/{number}/restore")
def restore_revision(
    work_id: WorkId, chapter_id: ChapterId, number: int, session: Writing, desk: TheDesk
) -> Saved:
    """The old text as a new revision: what came between stays too."""
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    text = manuscript.get_revision(session, chapter, number).text
    revision = manuscript.save_text(session, chapter, text, origin="restored")
    return saved(session, desk, chapter, revision)


@router.post("/snapshots", status_code=status.HTTP_201_CREATED)
def keep_revision(
    work_id: WorkId, chapter_id: ChapterId, wanted: SnapshotNew, session: Writing
) -> RevisionOut:
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    return _out(revisions.keep(session, chapter, wanted.label, wanted.kind, wanted.number))


@router.delete("/snapshots/{number}", status_code=status.HTTP_204_NO_CONTENT)
def let_revision_go(work_id: WorkId, chapter_id: ChapterId, number: int, session: Writing) -> None:
    """It is no longer kept; the revision stays in the history."""
    chapter = manuscript.get_chapter(session, work_id, chapter_id)
    revisions.let_go(session, chapter, number)


def _listed(line: Listed) -> RevisionOut:
    sums = {
        "length": line.length, "added": line.added, "removed": line.removed, "count": line.count,
    }  # fmt: skip
    return RevisionOut.model_validate(line.revision).model_copy(update=sums)


def _out(revision: ChapterRevision) -> RevisionOut:
    length = len(revision.text)
    return RevisionOut.model_validate(revision).model_copy(update={"length": length})
