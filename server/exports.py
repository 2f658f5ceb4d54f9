"""A work as a file: plain text or Markdown that imports back to the same chapters."""

from sqlmodel import Session

from server.manuscript import book_texts, list_chapters, list_volumes
from server.models import Work
from server.titles import counted_titles

FORMATS = {"txt": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8"}


def export_work(session: Session, work: Work, form: str) -> str:
    """The whole book; `form` is a key of FORMATS. Headings stand on lines of their own."""
    texts = {t.id: t.text for t in book_texts(session, work.id)}
    titles = counted_titles(session, work.id)
    volumes = {v.id: v.title for v in list_volumes(session, work.id)}
    marks = ("# ", "## ", "### ") if form == "md" else ("", "", "")
    parts = [f"{marks[0]}{work.title}" if form == "md" else f"《{work.title}》"]
    if work.author:
        parts.append(f"作者：{work.author}")
    current: str | None = None
    for chapter in list_chapters(session, work.id):
        if chapter.volume_id != current and chapter.volume_id in volumes:
            current = chapter.volume_id
            parts.append(f"{marks[1]}{volumes[current]}")
        level = marks[2] if volumes else marks[1]
        title = titles.get(chapter.id, chapter.title) or f"第{chapter.position + 1}章"
        parts.append(f"{level}{title}")
        if texts.get(chapter.id):
            parts.append(texts[chapter.id])
    return "\n\n".join(parts) + "\n"
