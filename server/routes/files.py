"""Import with a preview, and export."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Path, Query, UploadFile, status
from starlette.responses import Response

from server import manuscript
from server.deps import ID, Reading, RowId, TheDesk, WorkId, Writing
from server.exporting.formats import FORMATS, export_work
from server.exporting.manuscript import Wish
from server.importing import uploads
from server.importing.corrections import Corrections
from server.importing.draft import Draft, open_draft
from server.schemas.files import CorrectionsIn, ImportOut, PreviewOut, PreviewText

router = APIRouter(prefix="/api", tags=["files"])

Ids = Annotated[list[Annotated[str, Path(pattern=ID)]], Query()]


@router.post("/imports", status_code=status.HTTP_201_CREATED)
def upload_file(
    file: UploadFile,
    session: Writing,
    desk: TheDesk,
    encoding: Annotated[str | None, Form(max_length=40)] = None,
) -> PreviewOut:
    """Read a file and show what would be imported; nothing becomes a work yet.

    TXT, Markdown, DOCX, EPUB, PDF, and a project exported by another desk.
    """
    data = uploads.uploaded(file, desk.settings.max_import_bytes)
    wish = Corrections(encoding=encoding)
    upload, path = uploads.keep_upload(session, desk.uploads, file.filename or "", data)
    try:
        draft = open_draft(path, upload.filename, wish)
    except BaseException:
        uploads.forget(path)
        raise
    uploads.remember(path, wish)
    return draft.preview(upload.id, upload.filename)


@router.post("/imports/{upload_id}/preview")
def preview_again(
    upload_id: RowId, wanted: CorrectionsIn, session: Reading, desk: TheDesk
) -> PreviewOut:
    """The same file under the author's corrections."""
    upload, path = uploads.find_upload(session, desk.uploads, upload_id)
    draft = open_draft(path, upload.filename, _plain(wanted))
    uploads.remember(path, _plain(wanted))
    return draft.preview(upload.id, upload.filename)


@router.get("/imports/{upload_id}/chapters/{index}")
def preview_chapter(
    upload_id: RowId,
    index: Annotated[int, Path(ge=0)],
    session: Reading,
    desk: TheDesk,
) -> PreviewText:
    """One chapter of the last preview, whole."""
    upload, path = uploads.find_upload(session, desk.uploads, upload_id)
    return open_draft(path, upload.filename, uploads.recall(path)).chapter(index)


@router.post("/imports/{upload_id}/commit", status_code=status.HTTP_201_CREATED)
def commit_import(
    upload_id: RowId, wanted: CorrectionsIn, session: Writing, desk: TheDesk
) -> ImportOut:
    """Make the work: every chapter in one transaction, then indexed in the background."""
    upload, path = uploads.find_upload(session, desk.uploads, upload_id)
    draft: Draft = open_draft(path, upload.filename, _plain(wanted))
    work, doubts = draft.keep(session)
    told = ImportOut(
        work=work.id,
        title=work.title,
        chapters=draft.count,
        characters=draft.size,
        warnings=[doubt.message for doubt in doubts],
    )
    session.commit()
    uploads.drop_upload(session, desk.uploads, upload)
    desk.indexer.request(told.work)
    desk.recaps.request(told.work)
    return told


@router.delete("/imports/{upload_id}", status_code=status.HTTP_204_NO_CONTENT)
def drop_import(upload_id: RowId, session: Writing, desk: TheDesk) -> None:
    """The author does not want it after all."""
    upload, _ = uploads.find_upload(session, desk.uploads, upload_id)
    uploads.drop_upload(session, desk.uploads, upload)


@router.get("/works/{work_id}/export", response_class=Response)
def export(
    work_id: WorkId,
    session: Reading,
    form: Annotated[Literal["txt", "md", "docx", "epub", "zip"], Query(alias="format")] = "txt",
    volumes: Ids = [],  # noqa: B006 (FastAPI copies it)
    chapters: Ids = [],  # noqa: B006
    notes: bool = False,
    history: bool = False,
) -> Response:
    """The book, or these volumes and chapters of it, as a file; `zip` is the whole project, with
    every revision where `history` asks for them. `notes`: with the chapters' notes."""
    work = manuscript.get_work(session, work_id)
    wish = Wish(frozenset(volumes), frozenset(chapters), notes, history)
    name = quote(f"{work.title}.{form}", safe="")
    return Response(
        export_work(session, work, form, wish),
        media_type=FORMATS[form].media_type,
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def _plain(wanted: CorrectionsIn) -> Corrections:
    return Corrections(
        encoding=wanted.encoding,
        title=wanted.title,
        author=wanted.author,
        pattern=wanted.pattern,
        add_headings=frozenset(wanted.add_headings),
        drop_headings=frozenset(wanted.drop_headings),
        titles=wanted.titles,
        drop_blank_lines=wanted.drop_blank_lines,
    )
