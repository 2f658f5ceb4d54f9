"""What characters sound like: sample lines, each with the places where the book says its words.

A line may quote the book, in the book's words or with “he said” left out. Shown before that place
it would tell what is still to be written, so it is taken apart at its punctuation and each piece
is looked for: the line may be shown where every piece that the book has lies behind. A line of
the author's own stands nowhere in it and may be shown everywhere.

A line is kept as `{"text", "pieces"}`, a piece as `{"words", "chapter_id", "offset"}`: the offset
lies behind its first place, `chapter_id` is None where no chapter has it. Places move when a
chapter is saved (`places.py`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from retrieval.timeline import View
from retrieval.types import StoryPosition
from server.models import Chapter, ChapterRevision

Lines = list[dict[str, Any]]
Text = tuple[str, str]
"""A chapter's id and its current text."""

SHORTEST = 4
"""Characters below which a piece tells nothing: 晓得了 is said on every page."""

_PUNCTUATION = re.compile(r"[^\w\s]+")


def placed(session: Session, work_id: str, lines: Sequence[str]) -> Lines:
    """The lines, each with the places where the book first has its pieces."""
    texts = _texts(session, work_id) if lines else []
    return [{"text": line, "pieces": [_found(w, texts) for w in _words(line)]} for line in lines]


def after_save(session: Session, chapter: Chapter, text: str, lines: Lines) -> Lines:
    """The lines when `text` is becoming the chapter's: places in it are looked for anew, and
    what stood nowhere may stand here now."""

    def anew(piece: dict[str, Any]) -> dict[str, Any]:
        if piece["chapter_id"] not in (None, chapter.id):
            return piece
        here = _found(piece["words"], [(chapter.id, text)])
        if here["chapter_id"] is not None or piece["chapter_id"] is None:
            return here
        others = (t for t in _texts(session, chapter.work_id) if t[0] != chapter.id)
        return _found(piece["words"], others)

    return [{**line, "pieces": [anew(piece) for piece in line["pieces"]]} for line in lines]


def shown(lines: Lines, order: Mapping[str, int], view: View) -> tuple[str, ...]:
    """Those that may stand where the view is; `order` is each living chapter's place."""
    return tuple(
        line["text"] for line in lines if all(_past(p, order, view) for p in line["pieces"])
    )


def _past(piece: Mapping[str, Any], order: Mapping[str, int], view: View) -> bool:
    chapter = piece["chapter_id"]
    if chapter is None:
        return True
    return chapter in order and view.passed(StoryPosition(order[chapter], piece["offset"]))


def _words(line: str) -> list[str]:
    """What stands between its punctuation, as far as it is long enough to tell anything."""
    pieces = (piece.strip() for piece in _PUNCTUATION.split(line))
    return list(dict.fromkeys(piece for piece in pieces if len(piece) >= SHORTEST))


def _found(words: str, texts: Iterable[Text]) -> dict[str, Any]:
    for chapter_id, text in texts:
        start = text.find(words)
        if start >= 0:
            return {"words": words, "chapter_id": chapter_id, "offset": start + len(words)}
    return {"words": words, "chapter_id": None, "offset": 0}


def _texts(session: Session, work_id: str) -> list[Text]:
    """In the order of the telling; chapters in the bin last, as they may come back."""
    query = (
        select(Chapter.id, ChapterRevision.text)
        .join(ChapterRevision, col(ChapterRevision.chapter_id) == Chapter.id)
        .where(Chapter.work_id == work_id, ChapterRevision.number == Chapter.revision)
        .order_by(col(Chapter.deleted_at).is_not(None), col(Chapter.position))
    )
    return [(id, text) for id, text in session.exec(query)]
