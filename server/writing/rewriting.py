"""Writing a stretch of a chapter anew: the stretch, what is wanted of it, what stands around it.

Everything else is a continuation's at the stretch's beginning: what is told in it or behind it
is the future, but for the paragraph that the new words have to join on to.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from retrieval.rewriting import Sense, Task, following, length_for, rewrite_items, wanted
from server.db import Database
from server.errors import Invalid
from server.manuscript import chapter_text, get_chapter, get_character
from server.writing.brief import check_revision
from server.writing.continuation import Aim, Continuation, Wish
from server.writing.streaming import Prepared

MOST_CHARS = 4000
"""Characters that can be written anew at once."""

SLACK = 1.2
"""By how much it may be longer than asked for before it is ended at a sentence: it has an end
of its own, which a continuation has not."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is wanted of the chapter's text from the place's offset to `end`."""

    end: int
    task: Task
    instruction: str = ""
    character: str | None = None
    """The id of who speaks, or in whose manner it is to be."""
    senses: Sequence[Sense] = ()


async def prepare_rewriting(
    database: Database, continuation: Continuation, wish: Wish, rewriting: Rewriting
) -> Prepared:
    """A length of 0 is the task's own. Raises as `Continuation.prepare`, and Invalid for a
    stretch that is empty, too long or not in the chapter."""
    aimed, aim = await asyncio.to_thread(_aimed, database, wish, rewriting)
    return await continuation.prepare(aimed, aim)


def _aimed(database: Database, wish: Wish, rewriting: Rewriting) -> tuple[Wish, Aim]:
    place = wish.place
    with database.reading() as session:
        chapter = get_chapter(session, place.work_id, place.chapter_id)
        check_revision(chapter, place.revision)
        text = chapter_text(session, chapter)
        character = ""
        if rewriting.character is not None:
            character = get_character(session, place.work_id, rewriting.character).name
    start, end = _stretch(text, place.offset or 0, rewriting.end)
    selection, instruction = text[start:end], rewriting.instruction.strip()
    asked = wanted(rewriting.task, instruction, character, rewriting.senses)
    place = replace(
        place,
        offset=start,
        revision=chapter.revision,
        beat=f"{selection}\n{instruction}".strip(),
        length=place.length or length_for(rewriting.task, selection),
    )
    aim = Aim(
        kind="rewrite",
        end=end,
        asked=tuple(rewrite_items(selection, asked, following(text, end))),
        slack=SLACK,
        told={
            "beat": instruction,
            "task": rewriting.task,
            "character": rewriting.character,
            "senses": list(rewriting.senses),
        },
    )
    return replace(wish, place=place), aim


def _stretch(text: str, start: int, end: int) -> tuple[int, int]:
    """Its ends without the blanks around it, so that paragraphs stay apart."""
    if not start <= end <= len(text):
        raise Invalid(
            f"选中的一段（{start} 到 {end}）不在本章之内（本章有 {len(text)} 字符），请重新选一段。",
            code="offset_out_of_range",
        )
    selection = text[start:end]
    start += len(selection) - len(selection.lstrip())
    end = start + len(selection.strip())
    if start == end:
        raise Invalid("没有选中文字，请先选一段正文。", code="empty_selection")
    if end - start > MOST_CHARS:
        raise Invalid(
            f"选中了 {end - start} 字符，一次最多改 {MOST_CHARS} 字符，请少选一些，分几次改。",
            code="selection_too_long",
        )
    return start, end
