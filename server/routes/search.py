"""Finding a passage in the whole book, by words and by meaning."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from retrieval.errors import RetrievalError
from retrieval.types import StoryPosition
from server import manuscript
from server.deps import TheDesk, WorkId
from server.errors import from_retrieval
from server.schemas.search import ChapterFoundOut, FoundOut, SearchOut

router = APIRouter(prefix="/api/works/{work_id}", tags=["search"])

CHAPTERS = 10


@router.get("/search")
async def search(
    work_id: WorkId,
    desk: TheDesk,
    q: Annotated[str, Query(min_length=1, max_length=10_000)],
    top: Annotated[int, Query(ge=1, le=100)] = 10,
    before_chapter: Annotated[int | None, Query(ge=1)] = None,
) -> SearchOut:
    """The `top` best passages, and the chapters that tell of it; with `before_chapter` only
    what stands before that chapter."""

    def run() -> SearchOut:
        with desk.database.reading() as session:
            manuscript.get_work(session, work_id)
            cast = manuscript.cast_names(session, work_id)
            titles = {c.position: c.title for c in manuscript.list_chapters(session, work_id)}
        desk.indexer.fresh(work_id, 5.0)
        before = StoryPosition(before_chapter - 1) if before_chapter else None
        try:
            found = desk.library.recall(work_id, q, top, before, cast=cast)
            told = desk.library.chapters(work_id, q, CHAPTERS, before, cast=cast)
            notice = desk.library.limits(work_id)
        except RetrievalError as error:
            raise from_retrieval(error) from error
        return SearchOut(
            passages=[
                FoundOut(
                    chapter=f.passage.chapter + 1,
                    chapter_id=f.passage.chapter_id,
                    title=f.passage.title,
                    position=f.passage.start,
                    score=round(f.score, 6),
                    ranks=f.ranks,
                    text=f.passage.text,
                )
                for f in found
            ],
            chapters=[
                ChapterFoundOut(
                    chapter=place + 1, title=titles.get(place, ""), score=round(score, 6)
                )
                for place, score in told
            ],
            notice=notice,
        )

    return await asyncio.to_thread(run)
