"""What stood in a chapter's last prompt, and whether all of it still may.

Each thing is looked at anew where the next words go: a passage must stand in its chapter with
these words and be visible, a sheet must be the sheet of today or one that later paragraphs
replace, an entry of lore must hold. If one of them may no longer stand, nothing does and
everything is chosen anew: the engine has to read on from there in any case. So it matters
neither what the author changed meanwhile nor whose eyes, which template or model came before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col

from retrieval import types
from retrieval.context import describe, voice_of
from retrieval.lore import Lorebook, LoreEntry
from retrieval.states import Standing, changed
from retrieval.threads import is_answered, told_of
from retrieval.timeline import View
from retrieval.types import ContextItem, Group, Prompt, Refused, Stood, StoryPosition
from server.models import Chapter, ChapterRevision, Character
from server.rows import OF, fetched
from server.story import load_story_time
from server.writing.brief import Loaded
from server.writing.log import last_settled

OPENING = 40
"""Characters by which the place where the text began is known again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that settled; `since` is the offset at which its words were true."""

    id: str
    group: Group
    text: str
    source: str
    order: float
    since: int

    @property
    def item(self) -> ContextItem:
        return ContextItem(
            self.id, self.group, self.text, self.source, order=self.order, settled=True
        )


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last prompt of a chapter, as its generation's row tells it."""

    kept: tuple[Kept, ...] = ()
    begin: int | None = None
    """Offset at which the chapter's text began in it."""
    opening: str = ""
    """The text's first words."""


def remembered(row: Mapping[str, Any]) -> Remembered:
    """From `settled` of a generation, as `remember` wrote it."""
    kept = (Kept(**{**k, "group": Group(k["group"])}) for k in row.get("kept", ()))
    return Remembered(tuple(kept), row.get("begin"), row.get("opening", ""))


def remember(prompt: Prompt, offset: int, last: Remembered) -> dict[str, Any]:
    """`settled` for the row of a generation written at `offset`, after the `last`."""
    since = {(k.id, k.text): k.since for k in last.kept}
    kept = [
        {
            "id": p.item.id, "group": p.item.group.value, "text": p.text,
            "source": p.item.source, "order": p.item.order,
            "since": since.get((p.item.id, p.text), offset),
        }
        for p in prompt.kept
        if p.item.settled
    ]  # fmt: skip
    row: dict[str, Any] = {"kept": kept}
    tail = next((p for p in prompt.kept if p.item.group is Group.TAIL), None)
    if tail is not None:
        row |= {"begin": offset - len(tail.text), "opening": tail.text[:OPENING]}
    return row


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was remembered, and what of it may still stand but for lore."""

    last: Remembered
    stood: Stood = field(default_factory=Stood)


def recollect(session: Session, work_id: str, loaded: Loaded, *, retrieval: bool) -> Recalled:
    """What stood in the chapter's last prompt. Empty where any of it may not stand here, as no
    passage may without `retrieval`."""
    last = remembered(last_settled(session, loaded.chapter_id))
    tail = _tail(last, loaded)
    if not tail:
        return Recalled(last)
    items: list[ContextItem] = []
    passages = [k for k in last.kept if k.group is Group.PASSAGES]
    if (passages and not retrieval) or not _passages_stand(
        session, work_id, passages, loaded, tail
    ):
        return Recalled(last)
    for kept in last.kept:
        if kept.id in loaded.brief.excluded:
            return Recalled(last)
        found = [kept.item]
        if kept.group is Group.CAST:
            found = _cast(session, work_id, kept, loaded)
        elif kept.group is Group.THREADS:
            found = _thread(kept, loaded)
        if not found:
            return Recalled(last)
        items += found
    return Recalled(last, Stood(tuple(items), tail))


def with_lore(
    stood: Stood, loaded: Loaded, lore: Sequence[ContextItem], kept_out: Sequence[Refused]
) -> Stood:
    """The same if all its lore may stand beside what fired now, `lore`; else empty."""
    fired = {i.id: i.text for i in lore}
    waiting = {i.id: i.text for i in stood.items if i.group is Group.LORE
               and not fired.get(i.id, "").startswith(i.text)}  # fmt: skip
    if not waiting:
        return stood
    told = fired.keys() | {i.id for i, _ in kept_out}
    good = {
        id
        for book in loaded.lorebooks
        for entry in book.entries
        if (id := f"lore:{entry.id}") in waiting
        and entry.content.strip().startswith(waiting[id])
        and _stands_unasked(book, entry, loaded.brief.view)
    }
    return stood if waiting.keys() <= good - told else Stood()


def _tail(last: Remembered, loaded: Loaded) -> int:
    """Characters up to the caret from where the text began; 0 where it does not any more."""
    brief = loaded.brief
    if last.begin is None or brief.opens_chapter:
        return 0
    start = last.begin - (loaded.position.offset - len(brief.before))
    if start < 0 or not brief.before.startswith(last.opening, start):
        return 0
    return max(0, len(brief.before) - start)


def _passages_stand(
    session: Session, work_id: str, kept: Sequence[Kept], loaded: Loaded, tail: int
) -> bool:
    """Whether each stands in its chapter, in sight, and not in the text itself."""
    chapters = _chapters(session, work_id, {_chapter_of(k) for k in kept}) if kept else {}
    shown = loaded.brief.before[-tail:]
    for one in kept:
        place, text = chapters.get(_chapter_of(one), (0, ""))
        start = text.find(one.text)
        if start < 0 or one.text in shown:
            return False
        begins, ends = (StoryPosition(place, n) for n in (start, start + len(one.text)))
        if not loaded.brief.view.sees(ends, begins):
            return False
    return True


def _chapter_of(passage: Kept) -> str:
    return passage.id.split(":")[1]


def _chapters(session: Session, work_id: str, ids: set[str]) -> dict[str, tuple[int, str]]:
    """(place in the telling, text) of those chapters that are there."""
    rows = fetched(session, _CHAPTERS, of=work_id, ids=sorted(ids))
    return {id: (place, text) for id, place, text in rows}


_CHAPTERS = (
    columns(col(Chapter.id), col(Chapter.position), col(ChapterRevision.text))
    .join(ChapterRevision, col(ChapterRevision.chapter_id) == Chapter.id)
    .where(
        col(Chapter.work_id) == OF,
        col(Chapter.id).in_(bindparam("ids", expanding=True)),
        col(Chapter.deleted_at).is_(None),
        col(ChapterRevision.number) == Chapter.revision,
    )
)


def _cast(session: Session, work_id: str, kept: Kept, loaded: Loaded) -> list[ContextItem]:
    """What stood of a character, with what has changed since; [] where it may not stand."""
    kind, _, id = kept.id.partition(":")
    character = next((c for c in loaded.brief.cast if c.id == id), None)
    if character is None:
        return []
    if kind == "voice":
        return [kept.item] if kept.text == voice_of(character) else []
    return _sheet(session, work_id, kept, loaded, character)


def _sheet(
    session: Session, work_id: str, kept: Kept, loaded: Loaded, character: types.Character
) -> list[ContextItem]:
    """The sheet as it stood, with what has changed since behind the text; [] where it may not."""
    id = character.id
    if describe(character) == kept.text:
        return [kept.item]
    row = session.get(Character, id)
    if row is None or kept.since > loaded.position.offset:
        return []
    story = load_story_time(session, work_id)
    names = {c.id: c.name for c in loaded.brief.cast}
    here = loaded.brief.view
    first = StoryPosition(loaded.position.chapter, kept.since)
    then = story.sheet(id, row.sheet, names, View(first, here.knower, here.scenes))
    if describe(replace(character, sheet=then.text)) != kept.text:
        return []
    news = _news(character.name, then, story.sheet(id, row.sheet, names, here))
    if not news or len(news) > len(kept.text):
        return []
    return [kept.item, _now(kept, news, "前面的人物卡写下之后有了变化")]


def _news(name: str, then: Standing, now: Standing) -> str:
    """What has changed in a sheet, for one who has read it as it was; "" where that will not do."""
    new = changed(then, now)
    if not new:
        return ""
    return f"此刻的{name}（和前面不同的以此为准）：" + "；".join(
        f"{p.label}：{p.text}" for p in new
    )


def _thread(kept: Kept, loaded: Loaded) -> list[ContextItem]:
    """What stood of a thread, with what the text has made of it since; [] where the author has
    changed it, or goes on from before it was so."""
    here = loaded.brief.view
    thread = next((t for t in loaded.brief.threads if f"thread:{t.id}" == kept.id), None)
    if thread is None or kept.since > loaded.position.offset:
        return []
    now = told_of(thread, here)
    if now == kept.text:
        return [kept.item]
    first = StoryPosition(loaded.position.chapter, kept.since)
    if told_of(thread, View(first, here.knower, here.scenes)) != kept.text:
        return []
    if now is not None:
        return [kept.item, _now(kept, f"此刻的伏笔：{now}", "前面的伏笔写下之后有了下文")]
    if not is_answered(thread, here):
        return []
    answered = f"“{thread.title}”这条伏笔写到这里已经收了，不再是悬念。"
    return [kept.item, _now(kept, answered, "前面的伏笔写下之后收了")]


def _now(kept: Kept, text: str, why: str) -> ContextItem:
    """What has become of it, behind the text."""
    return ContextItem(
        f"{kept.id}:now", kept.group, text, kept.source, required=True, priority=100,
        order=kept.order, late=True, why=why,
    )  # fmt: skip


def _stands_unasked(book: Lorebook, entry: LoreEntry, view: View) -> bool:
    """Whether it may stand though nothing calls it now: not where its book's budget, its group,
    dice or clocks have to be asked."""
    ruled = entry.group or entry.cooldown or entry.delay or entry.delay_until_recursion
    free = not ruled and entry.probability >= 100 and book.token_budget is None
    return book.enabled and entry.enabled and free and view.refuses(entry.validity) is None
