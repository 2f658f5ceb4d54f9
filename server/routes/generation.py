"""Continuing a chapter or rewriting a stretch of it: as server-sent events, as one JSON, or only
the prompt; and the log of what was written."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from retrieval.rewriting import expected_length
from server import generations, manuscript
from server.departures import unless_gone
from server.deps import ChapterId, Reading, RowId, TheDesk, WorkId, Writing
from server.errors import Conflict
from server.schemas.common import Id
from server.schemas.generation import (
    ContinueIn,
    ContinueOut,
    GenerationFull,
    GenerationOut,
    Kind,
    PromptOut,
    RewriteIn,
    VerdictIn,
    VerdictOut,
    WritingIn,
)
from server.sse import EventStream
from server.writing.brief import Place
from server.writing.continuation import Wish
from server.writing.rewriting import Rewriting, prepare_rewriting
from server.writing.streaming import Prepared

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
    desk.writer.require_engine()
    prepared = await desk.continuation.prepare(wish_from(work_id, chapter_id, wanted))
    return await _written(request, desk, prepared, stream=wanted.stream)


@router.post(
    "/chapters/{chapter_id}/rewrite",
    response_model=ContinueOut,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def rewrite_chapter(
    work_id: WorkId, chapter_id: ChapterId, wanted: RewriteIn, request: Request, desk: TheDesk
) -> Response:
    """A stretch of the chapter anew; the events are a continuation's. Accepting it by its
    verdict puts it in the stretch's place."""
    desk.writer.require_engine()
    place = Place(
        work_id=work_id,
        chapter_id=chapter_id,
        offset=wanted.start,
        revision=wanted.revision,
        length=wanted.length or 0,
        pinned=frozenset(wanted.pinned),
        excluded=frozenset(wanted.excluded),
        viewpoint=wanted.viewpoint,
    )
    wish = _wish(
        place, wanted, wanted.length or expected_length(wanted.task, wanted.end - wanted.start)
    )
    what = Rewriting(wanted.end, wanted.task, wanted.instruction, wanted.character, wanted.senses)
    prepared = await prepare_rewriting(desk.database, desk.continuation, wish, what)
    return await _written(request, desk, prepared, stream=wanted.stream)


@router.post("/chapters/{chapter_id}/context", response_model=PromptOut)
async def preview_context(
    work_id: WorkId, chapter_id: ChapterId, wanted: ContinueIn, desk: TheDesk
) -> dict[str, Any]:
    """The prompt that would be sent, with what was kept, what was dropped, and why."""
    prepared = await desk.continuation.prepare(wish_from(work_id, chapter_id, wanted))
    return prepared.row.prompt


@router.get("/generations")
def list_generations(
    work_id: WorkId,
    session: Reading,
    chapter_id: Id | None = None,
    kind: Kind | None = None,
    verdict: Literal["accepted", "refused", "none"] | None = None,
    q: Annotated[str, Query(max_length=200, description="Words of an output.")] = "",
    before: Annotated[Id | None, Query(description="The last of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[GenerationOut]:
    """Newest first."""
    manuscript.get_work(session, work_id)
    rows = generations.list_generations(
        session, work_id, chapter_id=chapter_id, kind=kind, verdict=verdict, words=q,
        before=before, limit=limit,
    )  # fmt: skip
    return [GenerationOut.model_validate(row) for row in rows]


@router.get("/generations/{generation_id}")
def get_generation(work_id: WorkId, generation_id: RowId, session: Reading) -> GenerationFull:
    return GenerationFull.model_validate(manuscript.get_generation(session, work_id, generation_id))


@router.get("/generations/{generation_id}/previous")
def previous_generation(work_id: WorkId, generation_id: RowId, session: Reading) -> GenerationFull:
    """The one of its kind before it in its chapter, so that their prompts can be compared."""
    generation = manuscript.get_generation(session, work_id, generation_id)
    return GenerationFull.model_validate(generations.previous(session, generation))


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
    revision = generations.accept(
        session, generation, wanted.candidate, wanted.text, wanted.base_revision
    )
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
    return _wish(place, wanted, wanted.length)


def _wish(place: Place, wanted: WritingIn, length: int) -> Wish:
    return Wish(
        place=place,
        candidates=wanted.candidates,
        adapter=wanted.adapter,
        sampling=wanted.sampling.plain(length),
        retrieval=wanted.retrieval,
    )


async def _written(
    request: Request, desk: TheDesk, prepared: Prepared, *, stream: bool
) -> Response:
    """The events as they come, or the whole result at once."""
    if stream:
        return EventStream(desk.writer.events(prepared))
    result = await unless_gone(request, desk.writer.complete(prepared))
    return JSONResponse({"generation": prepared.id, **result})
