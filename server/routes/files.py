"""Import with a preview, and export."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, UploadFile, status
from starlette.responses import Response

from retrieval.readers import Book
from server import imports, manuscript
from server.deps import Reading, RowId, TheDesk, WorkId, Writing
from server.exports import FORMATS, export_work
from server.imports import Corrections
from server.models import Upload
from server.schemas.files import CorrectionsIn, DoubtOut, ImportOut, PreviewChapter, PreviewOut

router = APIRouter(prefix="/api", tags=["files"])


@router.post("/imports", status_code=status.HTTP_201_CREATED)
def upload_file(
    file: UploadFile,
    session: Writing,
    desk: TheDesk,
    encoding: Annotated[str | None, Form(max_length=40)] = None,
) -> PreviewOut:
    """Read a file and show what would be imported; nothing becomes a work yet."""
    imports.check_size(file.size or 0, desk.settings.max_import_bytes)
    data = file.file.read(desk.settings.max_import_bytes + 1)
    imports.check_size(len(data), desk.settings.max_import_bytes)
    book = imports.read(data, file.filename or "", Corrections(encoding=encoding))
    upload = imports.keep_upload(session, desk.uploads, file.filename or "", data)
    return _preview(upload, book)


@router.post("/imports/{upload_id}/preview")
def preview_again(
    upload_id: RowId, wanted: CorrectionsIn, session: Reading, desk: TheDesk
) -> PreviewOut:
    """The same file under the author's corrections."""
    upload, data = imports.open_upload(session, desk.uploads, upload_id)
    return _preview(upload, imports.read(data, upload.filename, _plain(wanted)))


@router.post("/imports/{upload_id}/commit", status_code=status.HTTP_201_CREATED)
def commit_import(
    upload_id: RowId, wanted: CorrectionsIn, session: Writing, desk: TheDesk
) -> ImportOut:
    """Make the work: every chapter in one transaction, then indexed in the background."""
    upload, data = imports.open_upload(session, desk.uploads, upload_id)
    book = imports.read(data, upload.filename, _plain(wanted))
    work = imports.create_work(session, book, _plain(wanted))
    session.commit()
    imports.drop_upload(session, desk.uploads, upload)
    desk.indexer.request(work.id)
    desk.recaps.request(work.id)
    return ImportOut(
        work=work.id,
        title=work.title,
        chapters=len(book.chapters),
        characters=sum(len(c.text) for c in book.chapters),
        warnings=[d.message for d in book.doubts],
    )


@router.get("/works/{work_id}/export")
def export(
    work_id: WorkId,
    session: Reading,
    form: Annotated[Literal["txt", "md"], Query(alias="format")] = "txt",
) -> Response:
    work = manuscript.get_work(session, work_id)
    name = quote(f"{work.title}.{form}")
    return Response(
        export_work(session, work, form),
        media_type=FORMATS[form],
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def _plain(wanted: CorrectionsIn) -> Corrections:
    return Corrections(
        encoding=wanted.encoding,
        title=wanted.title,
        author=wanted.author,
        add_headings=frozenset(wanted.add_headings),
        drop_headings=frozenset(wanted.drop_headings),
    )


def _preview(upload: Upload, book: Book) -> PreviewOut:
    return PreviewOut(
        upload=upload.id,
        filename=upload.filename,
        title=book.title,
        author=book.author or "",
        encoding=book.encoding,
        chars=sum(len(c.text) for c in book.chapters),
        chapters=[
            PreviewChapter(
                title=c.title,
                volume=c.volume,
                kind=c.kind,
                line=c.line,
                chars=len(c.text),
                begins=c.text.strip()[:60],
            )
            for c in book.chapters
        ],
        doubts=[DoubtOut.model_validate(d) for d in book.doubts],
    )
