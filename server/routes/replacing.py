"""Find and replace over a work."""

from fastapi import APIRouter

from server import manuscript, replacing, titles
from server.deps import TheDesk, WorkId, Writing
from server.replacing import Found, Wanted
from server.schemas.replace import ReplacedChapter, ReplaceHit, ReplaceIn, ReplaceOut

router = APIRouter(prefix="/api/works/{work_id}", tags=["chapters"])


@router.post("/replace")
def replace(work_id: WorkId, wanted: ReplaceIn, session: Writing, desk: TheDesk) -> ReplaceOut:
    """All or nothing: every chapter that changes gets a revision of origin `replaced`."""
    work = manuscript.get_work(session, work_id)
    what = Wanted(wanted.find, wanted.replace, wanted.regex, wanted.case)
    found = replacing.replace(session, work_id, what, wanted.chapters, preview=wanted.preview)
    session.commit()
    if found and not wanted.preview:
        desk.indexer.request(work_id)
        desk.recaps.request(work_id)
    names = titles.called(work, manuscript.list_chapters(session, work_id))
    return ReplaceOut(
        chapters=[_out(one, names[one.chapter.id]) for one in found],
        count=sum(one.count for one in found),
        replaced=0 if wanted.preview else sum(one.count for one in found if not one.locked),
    )


def _out(found: Found, name: titles.Called) -> ReplacedChapter:
    return ReplacedChapter(
        chapter_id=found.chapter.id,
        label=name.label,
        name=name.name,
        locked=found.locked,
        count=found.count,
        hits=[_hit(found.text, hit) for hit in found.shown],
    )


def _hit(text: str, hit: replacing.Hit) -> ReplaceHit:
    before, after = replacing.context(text, hit)
    return ReplaceHit(
        start=hit.start,
        end=hit.end,
        before=before,
        text=text[hit.start : hit.end],
        after=after,
        put=hit.put,
    )
