"""Continuing a chapter: as server-sent events, as one JSON, or only the prompt."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import col, select
from starlette.responses import JSONResponse, Response

from server import manuscript
from server.deps import ChapterId, Reading, RowId, TheDesk, WorkId, Writing
from server.errors import Conflict, Invalid
from server.models import Generation
from server.schemas.generation import (
    ContinueIn,
    ContinueOut,
    GenerationFull,
    GenerationOut,
    PromptOut,
    VerdictIn,
    VerdictOut,
)
from server.sse import EventStream
from server.writing.brief import Place
from server.writing.continuation import Wish
from server.writing.explain import describe

router = APIRouter(prefix="/api/works/{work_id}", tags=["generation"])


@router.post(
    "/chapters/{chapter_id}/continue",
    response_model=ContinueOut,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def continue_chapter(
    work_id: WorkId, chapter_id: ChapterId, wanted: ContinueIn, request: Request, desk: TheDesk
) -> Response:
    """Events `prompt`, `delta`…, then `done` or `error`; one JSON with `stream: false`."""
    desk.continuation.require_engine()
    prepared = await desk.continuation.prepare(wish_from(work_id, chapter_id, wanted))
    if wanted.stream:
        return EventStream(desk.continuation.events(prepared))
    result = await _unless_gone(request, desk.continuation.complete(prepared))
    return JSONResponse({"generation": prepared.id, **result})


@router.post("/chapters/{chapter_id}/context", response_model=PromptOut)
async def preview_context(
    work_id: WorkId, chapter_id: ChapterId, wanted: ContinueIn, desk: TheDesk
) -> dict[str, Any]:
    """The prompt that would be sent, with what was kept, what was dropped, and why."""
    prepared = await desk.continuation.prepare(wish_from(work_id, chapter_id, wanted))
    return describe(prepared.prompt)


@router.get("/generations")
def list_generations(
    work_id: WorkId, session: Reading, chapter_id: str | None = None, limit: int = 50
) -> list[GenerationOut]:
    manuscript.get_work(session, work_id)
    query = select(Generation).where(Generation.work_id == work_id)
    if chapter_id is not None:
        query = query.where(Generation.chapter_id == chapter_id)
    newest = query.order_by(col(Generation.created_at).desc()).limit(max(1, min(limit, 500)))
    return [GenerationOut.model_validate(g) for g in session.exec(newest)]


@router.get("/generations/{generation_id}")
def get_generation(work_id: WorkId, generation_id: RowId, session: Reading) -> GenerationFull:
    return GenerationFull.model_validate(manuscript.get_generation(session, work_id, generation_id))


@router.post("/generations/{generation_id}/verdict")
def give_verdict(
    work_id: WorkId, generation_id: RowId, wanted: VerdictIn, session: Writing, desk: TheDesk
) -> VerdictOut:
    """Accepting puts the text into the chapter as a new revision; refusing is only noted."""
    generation = manuscript.get_generation(session, work_id, generation_id)
    if generation.verdict == "accepted":
        raise Conflict("这次续写已经收下过了。", code="already_accepted")
    generation.verdict = wanted.verdict
    session.add(generation)
    if wanted.verdict == "refused":
        return VerdictOut(verdict="refused")
    revision = _accept(session, generation, wanted)
    session.commit()
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)
    return VerdictOut(verdict="accepted", revision=revision)


def wish_from(work_id: str, chapter_id: str, wanted: ContinueIn) -> Wish:
    """The wire shape as what the writing room understands."""
    place = Place(
        work_id=work_id,
        chapter_id=chapter_id,
        offset=wanted.offset,
        revision=wanted.revision,
        beat=wanted.beat,
        length=wanted.length,
        pinned=frozenset(wanted.pinned),
        excluded=frozenset(wanted.excluded),
        viewpoint=wanted.viewpoint,
    )
    return Wish(
        place=place,
        candidates=wanted.candidates,
        adapter=wanted.adapter,
        sampling=wanted.sampling.plain(wanted.length),
        retrieval=wanted.retrieval,
    )


async def _unless_gone(request: Request, work: Any) -> dict[str, Any]:
    """The result of `work`, which is cancelled when the client goes away."""
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise asyncio.CancelledError
        result: dict[str, Any] = task.result()
        return result
    finally:
        watch.cancel()
        if not task.done():
            task.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _accept(session: Writing, generation: Generation, wanted: VerdictIn) -> int:
    """Insert where it was written for; the chapter may have grown, but not changed before."""
    if wanted.candidate >= len(generation.outputs) and wanted.text is None:
        raise Invalid("没有这个候选，请从已有的候选里选。", code="no_such_candidate")
    text = wanted.text or generation.outputs[wanted.candidate]["text"]
    chapter = manuscript.get_chapter(session, generation.work_id, generation.chapter_id or "")
    old = manuscript.chapter_text(session, chapter, generation.revision or None)
    current = manuscript.chapter_text(session, chapter)
    if current[: generation.offset] != old[: generation.offset]:
        raise Conflict(
            "续写位置之前的文字已改动，请把这段文字粘贴到合适的地方。", code="text_changed"
        )
    saved = manuscript.save_text(
        session,
        chapter,
        current[: generation.offset] + text + current[generation.offset :],
        base=wanted.base_revision,
        origin="accepted",
        generation_id=generation.id,
    )
    return saved.number if saved else chapter.revision
