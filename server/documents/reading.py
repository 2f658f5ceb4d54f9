"""A file's bytes to a document: its chapters, and its pages where it has some."""

import hashlib
from pathlib import PurePosixPath

from retrieval.errors import ReadError
from retrieval.paging import pages_of
from retrieval.readers import file_order, make_book, read_source
from server.documents.rows import Owner
from server.errors import from_retrieval
from server.models import Document, DocumentPart, new_id

LONGEST_NAME = 300


def read_document(owner: Owner, data: bytes, filename: str) -> tuple[Document, list[DocumentPart]]:
    """PDF, DOCX, EPUB, TXT and Markdown. Raises Refused for a file that cannot be read."""
    try:
        source = read_source(data, filename)
        book = make_book(source, file_order(filename, "auto", (), (), {}))
    except ReadError as error:
        raise from_retrieval(error) from error
    document = Document(
        id=new_id(),
        work_id=owner.id if owner.kind == "work" else None,
        persona_id=owner.id if owner.kind == "persona" else None,
        title=book.title[:LONGEST_NAME],
        filename=PurePosixPath(filename.replace("\\", "/")).name[:LONGEST_NAME] or "未命名.txt",
        form=source.form,
        sha256=hashlib.sha256(data).hexdigest(),
        size=sum(len(chapter.text) for chapter in book.chapters),
        pages=source.leaves[-1].page if source.leaves else None,
        doubts=[doubt.message for doubt in source.doubts],
    )
    parts = [
        DocumentPart(
            document_id=document.id,
            position=place,
            title=chapter.title[:LONGEST_NAME],
            text=chapter.text,
            pages=pages_of(chapter, source.leaves),
        )
        for place, chapter in enumerate(book.chapters)
    ]
    return document, parts
