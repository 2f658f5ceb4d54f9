"""Lorebooks and their entries, and which of them a text would call."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, UploadFile, status
from sqlmodel import Session
from starlette.responses import Response

from retrieval.lore.formats import Format
from server import generations, lore, manuscript
from server.deps import Reading, RowId, TheDesk, WorkId, Writing
from server.importing.uploads import uploaded
from server.lore_files import EXTENSIONS
from server.lore_files import export_book as export_book_file
from server.lore_files import import_book as import_book_file
from server.lore_trial import try_lore
from server.models import Lorebook
from server.schemas.common import Id
from server.schemas.lore import (
    BookChange,
    BookNew,
    BookOut,
    EntryChange,
    EntryNew,
    EntryOut,
    FiredOut,
    LoreTestIn,
    LoreTestOut,
    OrderIn,
)

router = APIRouter(prefix="/api/works/{work_id}", tags=["lore"])


@router.get("/lorebooks")
def list_books(work_id: WorkId, session: Reading) -> list[BookOut]:
    manuscript.get_work(session, work_id)
    return [BookOut.model_validate(b) for b in lore.list_books(session, work_id)]


@router.post("/lorebooks", status_code=status.HTTP_201_CREATED)
def create_book(work_id: WorkId, wanted: BookNew, session: Writing) -> BookOut:
    manuscript.get_work(session, work_id)
    return BookOut.model_validate(lore.add_book(session, work_id, wanted.model_dump()))


@router.put("/lorebooks/order")
def reorder_books(work_id: WorkId, wanted: OrderIn, session: Writing) -> list[BookOut]:
    manuscript.get_work(session, work_id)
    books = lore.reorder(session, lore.list_books(session, work_id), wanted.ids)
    return [BookOut.model_validate(b) for b in books]


@router.post("/lorebooks/import", status_code=status.HTTP_201_CREATED)
def import_book(work_id: WorkId, file: UploadFile, session: Writing, desk: TheDesk) -> BookOut:
    """SillyTavern's World Info, a NovelAI lorebook, a `lorebook_v3`, or a card with a
    character_book (JSON, PNG, CHARX)."""
    manuscript.get_work(session, work_id)
    data = uploaded(file, desk.settings.max_import_bytes)
    return BookOut.model_validate(import_book_file(session, work_id, data, file.filename or ""))


@router.get("/lorebooks/{book_id}/export")
def export_book(
    work_id: WorkId,
    book_id: RowId,
    session: Reading,
    form: Annotated[Format, Query(alias="format")] = "world_info",
) -> Response:
    """As SillyTavern's World Info, a standalone `lorebook_v3` or a NovelAI lorebook."""
    return book_response(session, _book(session, work_id, book_id), form)


@router.get("/lorebooks/{book_id}")
def get_book(work_id: WorkId, book_id: RowId, session: Reading) -> BookOut:
    return BookOut.model_validate(_book(session, work_id, book_id))


@router.patch("/lorebooks/{book_id}")
def change_book(work_id: WorkId, book_id: RowId, change: BookChange, session: Writing) -> BookOut:
    book = _book(session, work_id, book_id)
    lore.change_book(session, book, change.model_dump(exclude_unset=True))
    return BookOut.model_validate(book)


@router.delete("/lorebooks/{book_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_book(work_id: WorkId, book_id: RowId, session: Writing) -> None:
    """The book and all its entries."""
    session.delete(_book(session, work_id, book_id))


@router.get("/lorebooks/{book_id}/entries")
def list_entries(work_id: WorkId, book_id: RowId, session: Reading) -> list[EntryOut]:
    book = _book(session, work_id, book_id)
    return [EntryOut.model_validate(e) for e in lore.list_entries(session, [book.id])]


@router.post("/lorebooks/{book_id}/entries", status_code=status.HTTP_201_CREATED)
def create_entry(work_id: WorkId, book_id: RowId, wanted: EntryNew, session: Writing) -> EntryOut:
    book = _book(session, work_id, book_id)
    return EntryOut.model_validate(lore.add_entry(session, book, wanted.model_dump(mode="json")))


@router.put("/lorebooks/{book_id}/entries/order")
def reorder_entries(
    work_id: WorkId, book_id: RowId, wanted: OrderIn, session: Writing
) -> list[EntryOut]:
    book = _book(session, work_id, book_id)
    entries = lore.reorder(session, lore.list_entries(session, [book.id]), wanted.ids)
    return [EntryOut.model_validate(e) for e in entries]


@router.get("/lorebooks/{book_id}/entries/{entry_id}")
def get_entry(work_id: WorkId, book_id: RowId, entry_id: RowId, session: Reading) -> EntryOut:
    manuscript.get_work(session, work_id)
    return EntryOut.model_validate(lore.get_entry(session, work_id, book_id, entry_id))


@router.patch("/lorebooks/{book_id}/entries/{entry_id}")
def change_entry(
    work_id: WorkId, book_id: RowId, entry_id: RowId, change: EntryChange, session: Writing
) -> EntryOut:
    book = _book(session, work_id, book_id)
    entry = lore.get_entry(session, work_id, book_id, entry_id)
    lore.change_entry(session, book, entry, change.model_dump(mode="json", exclude_unset=True))
    return EntryOut.model_validate(entry)


@router.delete("/lorebooks/{book_id}/entries/{entry_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_entry(work_id: WorkId, book_id: RowId, entry_id: RowId, session: Writing) -> None:
    manuscript.get_work(session, work_id)
    session.delete(lore.get_entry(session, work_id, book_id, entry_id))


@router.get("/lore/fired")
def fired_lore(work_id: WorkId, session: Reading, chapter_id: Id) -> list[FiredOut]:
    """What stood in the prompt of the chapter's last generation."""
    manuscript.get_work(session, work_id)
    return [
        FiredOut.model_validate(one) for one in generations.fired_lore(session, work_id, chapter_id)
    ]


@router.post("/lore/test")
def test_lore(work_id: WorkId, wanted: LoreTestIn, session: Reading, desk: TheDesk) -> LoreTestOut:
    """Which entries would join a prompt written here, which would not, and why."""
    manuscript.get_work(session, work_id)
    return try_lore(session, work_id, wanted, desk.engine)


def book_response(session: Session, book: Lorebook, form: Format) -> Response:
    name = quote(f"{book.name}.{EXTENSIONS[form]}", safe="")
    return Response(
        export_book_file(session, book, form),
        media_type="application/json",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def _book(session: Session, work_id: str, book_id: str) -> Lorebook:
    manuscript.get_work(session, work_id)
    return lore.get_book(session, work_id, book_id)
