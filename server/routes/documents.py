"""Documents beside works and personas, and questions about what they say."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, UploadFile, status
from starlette.responses import Response

from server.deps import Reading, RowId, TheDesk, WorkId, Writing
from server.documents import rows
from server.documents.reading import read_document
from server.documents.rows import Owner
from server.importing.uploads import check_size
from server.schemas.documents import AskIn, DocumentOut
from server.sse import EventStream

router = APIRouter(prefix="/api", tags=["documents"])
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}


def _work(work_id: WorkId) -> Owner:
    return Owner("work", work_id)


def _persona(persona_id: RowId) -> Owner:
    return Owner("persona", persona_id)


OfWork = Annotated[Owner, Depends(_work)]
OfPersona = Annotated[Owner, Depends(_persona)]


@router.get("/works/{work_id}/documents")
def list_work_documents(owner: OfWork, session: Reading) -> list[DocumentOut]:
    return _listed(session, owner)


@router.get("/personas/{persona_id}/documents")
def list_persona_documents(owner: OfPersona, session: Reading) -> list[DocumentOut]:
    return _listed(session, owner)


@router.post("/works/{work_id}/documents", status_code=status.HTTP_201_CREATED)
def add_work_document(
    owner: OfWork, file: UploadFile, session: Writing, desk: TheDesk
) -> DocumentOut:
    """A PDF, DOCX, EPUB, TXT or Markdown file to ask about; it is no chapter of the work."""
    return _added(session, desk, owner, file)


@router.post("/personas/{persona_id}/documents", status_code=status.HTTP_201_CREATED)
def add_persona_document(
    owner: OfPersona, file: UploadFile, session: Writing, desk: TheDesk
) -> DocumentOut:
    """As a work's."""
    return _added(session, desk, owner, file)


@router.delete("/documents/{document_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_document(document_id: RowId, session: Writing, desk: TheDesk) -> None:
    """Its rows, and the index, which the next question makes of what is left."""
    document = rows.get_document(session, document_id)
    session.delete(document)
    session.commit()
    desk.library.drop(rows.owner_of(document).index)


@router.post("/works/{work_id}/ask", responses=STREAM, response_class=Response)
async def ask_work(owner: OfWork, wanted: AskIn, desk: TheDesk) -> Response:
    """Events `passages`, `delta`…, then `done` (an `AnswerOut`) or `error`."""
    return await _answered(desk, owner, wanted)


@router.post("/personas/{persona_id}/ask", responses=STREAM, response_class=Response)
async def ask_persona(owner: OfPersona, wanted: AskIn, desk: TheDesk) -> Response:
    """As of a work; what is asked are the persona's documents."""
    return await _answered(desk, owner, wanted)


def _listed(session: Reading, owner: Owner) -> list[DocumentOut]:
    owner.check(session)
    return [DocumentOut.model_validate(row) for row in rows.list_documents(session, owner)]


def _added(session: Writing, desk: TheDesk, owner: Owner, file: UploadFile) -> DocumentOut:
    owner.check(session)
    check_size(file.size or 0, desk.settings.max_import_bytes)
    data = file.file.read(desk.settings.max_import_bytes + 1)
    check_size(len(data), desk.settings.max_import_bytes)
    document, parts = read_document(owner, data, file.filename or "")
    return DocumentOut.model_validate(rows.add_document(session, owner, document, parts))


async def _answered(desk: TheDesk, owner: Owner, wanted: AskIn) -> Response:
    question = await desk.answerer.prepare(owner, wanted.question, text=wanted.text)
    return EventStream(desk.answerer.events(question))
