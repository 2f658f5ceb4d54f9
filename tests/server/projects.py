"""Works with everything in them, by chance, straight as rows: what no form has checked lies in
no database, so every value is one that the wire lets in."""

import io
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from PIL import Image
from sqlmodel import Session

from server.importing.rows import digest
from server.models import (
    Chapter,
    ChapterRevision,
    Character,
    Fact,
    Lorebook,
    LoreEntry,
    OutlineNode,
    Progression,
    Relation,
    Scene,
    TemplateVersion,
    Thread,
    ThreadEvent,
    Volume,
    Work,
    new_id,
    now,
)
from server.pigments import PIGMENTS
from server.portraits import put_portrait
from server.sizes import chars_of, han_of

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=12
)
PROSE = st.text(
    st.one_of(st.sampled_from("雨夜灯船，。“”\n　 #*{}\\\"'&<\r\u200b𠀀"), st.characters(
        codec="utf-8", exclude_characters="\0")),
    max_size=60,
)  # fmt: skip
NUMBERS = st.integers(0, 50)
FLAGS = st.booleans()


class Dice:
    """Rows of one work, drawn one after the other."""

    def __init__(self, draw: Any, session: Session) -> None:
        self.draw, self.session = draw, session
        self.work = Work(
            title=self(WORDS), author=self(PROSE)[:200], synopsis=self(PROSE), style=self(PROSE),
            cover=self(st.sampled_from(PIGMENTS)), goal=self(NUMBERS),
            numbering=self(st.sampled_from(["auto", "own"])),
            unit=self(st.sampled_from(["章", "回", "节", "集"])),
            defaults={"budget": {"passages": 0.25}, "continuation": {"length": self(NUMBERS)}},
        )  # fmt: skip
        self.add(self.work)
        self.chapters: list[Chapter] = []
        self.people: list[Character] = []

    def __call__(self, strategy: st.SearchStrategy[Any]) -> Any:
        return self.draw(strategy)

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def some(self, most: int = 3) -> range:
        return range(self(st.integers(0, most)))

    def one(self, rows: Sequence[Any], *others: str | None) -> str | None:
        """The id of a row, or one of the others: None, or one of nothing."""
        return self(st.sampled_from([*(row.id for row in rows), *others]))  # type: ignore[no-any-return]

    def span(self) -> dict[str, Any]:
        return {
            "since_chapter_id": self.one(self.chapters, None, new_id()),
            "since_offset": self(NUMBERS),
            "until_chapter_id": self.one(self.chapters, None),
            "until_offset": self(NUMBERS),
        }

    def knowers(self) -> list[dict[str, Any]] | None:
        if not self.people or self(FLAGS):
            return None
        return [
            {"character_id": self.one(self.people), "chapter_id": self.one(self.chapters, None),
             "offset": self(NUMBERS)}
            for _ in self.some()
        ]  # fmt: skip


def fill(draw: Any, session: Session) -> Work:
    """A work with rows in every table that a project holds."""
    dice = Dice(draw, session)
    _book(dice)
    _people(dice)
    _lore(dice)
    _story(dice)
    _threads(dice)
    for n in dice.some(2):
        dice.add(TemplateVersion(
            work_id=dice.work.id, name="continuation", number=n + 1, shipped=True))  # fmt: skip
    return dice.work


def _book(dice: Dice) -> None:
    volumes = [
        dice.add(Volume(work_id=dice.work.id, position=n, title=dice(WORDS))) for n in dice.some()
    ]
    for n in dice.some(4):
        binned = dice(st.integers(0, 9)) == 0
        chapter = dice.add(Chapter(
            work_id=dice.work.id, volume_id=dice.one(volumes, None), position=2 * n,
            title=dice(st.one_of(st.just(""), WORDS)), notes=dice(PROSE),
            kind=dice(st.sampled_from(["preface", "chapter", "extra", "afterword"])),
            status=dice(st.sampled_from(["outline", "draft", "done", "locked"])),
            deleted_at=now() if binned else None,
        ))  # fmt: skip
        _revisions(dice, chapter)
        dice.chapters.append(chapter)


def _revisions(dice: Dice, chapter: Chapter) -> None:
    for n in dice.some(3):
        text = dice(PROSE)
        dice.add(ChapterRevision(
            chapter_id=chapter.id, number=n + 1, text=text, sha256=digest(text),
            chars=chars_of(text), added=dice(NUMBERS), removed=dice(NUMBERS),
            origin=dice(st.sampled_from(["typed", "accepted", "import", "pasted"])),
            snapshot=dice(st.sampled_from(["", "author", "before"])), label=dice(PROSE)[:200],
        ))  # fmt: skip
        chapter.revision, chapter.chars, chapter.han = n + 1, chars_of(text), han_of(text)
    dice.add(chapter)


def _people(dice: Dice) -> None:
    for n in dice.some():
        person = dice.add(Character(
            work_id=dice.work.id, position=n, name=dice(WORDS), aliases=[dice(WORDS)],
            role=dice(PROSE)[:100], sheet={dice(WORDS): dice(PROSE), "身份": dice(PROSE)},
            color=dice(st.sampled_from(PIGMENTS)), summary=dice(PROSE),
            voice=[{"text": dice(WORDS), "pieces": [
                {"words": dice(WORDS), "chapter_id": dice.one(dice.chapters, None),
                 "offset": dice(NUMBERS)}]}],
        ))  # fmt: skip
        dice.people.append(person)
        if dice(FLAGS):
            picture(dice, person)
    for chapter in dice.chapters:
        chapter.context = {"pinned": [f"character:{p.id}" for p in dice.people], "excluded": [
            f"passage:{chapter.id}:7", "sheet:" + new_id()]}  # fmt: skip
        dice.add(chapter)


def picture(dice: Dice, person: Character) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (dice(st.integers(1, 40)), 9), dice(NUMBERS)).save(drawn, "PNG")
    dice.add(put_portrait(dice.session, person, drawn.getvalue()))


def _lore(dice: Dice) -> None:
    for n in dice.some(2):
        book = dice.add(Lorebook(
            work_id=dice.work.id, position=n, name=dice(WORDS), description=dice(PROSE),
            token_budget=dice(st.one_of(st.none(), NUMBERS)), extra={"未知": [dice(NUMBERS), None]},
        ))  # fmt: skip
        for k in dice.some():
            dice.add(LoreEntry(
                lorebook_id=book.id, position=k, name=dice(WORDS), content=dice(PROSE),
                keys=[dice(WORDS)], constant=dice(FLAGS), priority=dice(NUMBERS),
                logic=dice(st.sampled_from(["and_any", "not_all"])), extra={"a": dice(PROSE)},
                known_by=dice.knowers(), **dice.span(),
            ))  # fmt: skip


def _story(dice: Dice) -> None:
    work, nodes = dice.work.id, [None]
    for n in dice.some(4):
        node = dice.add(OutlineNode(
            work_id=work, parent_id=dice(st.sampled_from(nodes)), position=n, title=dice(WORDS),
            chapter_id=dice.one(dice.chapters, None), summary=dice(PROSE), done=dice(FLAGS),
            kind=dice(st.sampled_from(["premise", "volume", "chapter", "beat"])),
            color=dice(st.sampled_from(["", *PIGMENTS])),
        ))  # fmt: skip
        nodes.append(node.id)
    for chapter in dice.chapters:
        for _ in dice.some(1):
            dice.add(Scene(
                work_id=work, chapter_id=chapter.id, start=dice(NUMBERS), label=dice(PROSE)[:200],
                after_chapter_id=dice.one(dice.chapters, None, new_id()), backstory=dice(FLAGS),
                rank=dice(st.floats(-10, 10)), end=dice(st.one_of(st.none(), NUMBERS)),
            ))  # fmt: skip
    for person in dice.people:
        dice.add(Progression(
            work_id=work, character_id=person.id, label=dice(WORDS), text=dice(PROSE),
            known_by=dice.knowers(), **dice.span(),
        ))  # fmt: skip
        dice.add(Relation(
            work_id=work, a=person.id, b=dice.one(dice.people), label=dice(WORDS),
            note=dice(PROSE), mutual=dice(FLAGS), known_by=dice.knowers(), **dice.span(),
        ))  # fmt: skip
    for _ in dice.some():
        proof = dice(st.sampled_from([None, *dice.chapters]))
        dice.add(Fact(
            work_id=work, character_id=dice.one(dice.people, None), entity=dice(WORDS),
            attribute=dice(WORDS), value=dice(PROSE), evidence=dice(PROSE),
            evidence_chapter_id=proof.id if proof else None, evidence_start=dice(NUMBERS),
            evidence_revision=dice(st.integers(0, 3)), known_by=dice.knowers(), **dice.span(),
            origin=dice(st.sampled_from(["author", "import", "extracted"])),
        ))  # fmt: skip


def _threads(dice: Dice) -> None:
    for _ in dice.some(2):
        thread = dice.add(Thread(
            work_id=dice.work.id, title=dice(WORDS), note=dice(PROSE), importance=2,
            state=dice(st.sampled_from(["", "planted", "abandoned"])), due_note=dice(PROSE),
            due_chapter_id=dice.one(dice.chapters, None, new_id()),
        ))  # fmt: skip
        for chapter in dice.chapters:
            dice.add(ThreadEvent(
                thread_id=thread.id, kind=dice(st.sampled_from(["plant", "advance", "resolve"])),
                chapter_id=chapter.id, offset=dice(NUMBERS), quote=dice(PROSE), note=dice(PROSE),
                quote_changed=dice(FLAGS),
            ))  # fmt: skip
