"""Plain text and Markdown that import back to the same chapters: headings on lines of their own."""

from collections.abc import Iterator

from server.exporting.manuscript import Manuscript


def as_text(book: Manuscript) -> bytes:
    return _joined(_parts(book, f"《{book.title}》", ("", ""), "【批注】"))


def as_markdown(book: Manuscript) -> bytes:
    return _joined(_parts(book, f"# {book.title}", ("## ", "### "), "> "))


def _parts(book: Manuscript, title: str, marks: tuple[str, str], note: str) -> Iterator[str]:
    """`marks` stand before a volume's and a chapter's title, `note` before a line of notes."""
    yield title
    if book.author:
        yield f"作者：{book.author}"
    level = marks[1] if book.has_volumes else marks[0]
    for chapter in book.chapters:
        if chapter.volume is not None:
            yield f"{marks[0]}{chapter.volume}"
        yield f"{level}{chapter.title}"
        if chapter.text:
            yield chapter.text
        if chapter.notes:
            yield "\n".join(f"{note}{line}" for line in chapter.notes.split("\n"))


def _joined(parts: Iterator[str]) -> bytes:
    return ("\n\n".join(parts) + "\n").encode()
