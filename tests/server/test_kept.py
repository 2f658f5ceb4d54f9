"""What is kept between two prompts is never older than the rows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, delete, select

from server import manuscript, templates
from server.db import Database
from server.errors import NotFound
from server.kept import Kept
from server.models import (
    Chapter,
    Character,
    Fact,
    Lorebook,
    LoreEntry,
    OutlineNode,
    Progression,
    Recap,
    Relation,
    Scene,
    Thread,
    ThreadEvent,
    Volume,
    Work,
    now,
)
from server.recaps import hand
from server.recaps import rows as recap_rows
from server.recaps.extracting import extract_all
from server.rows import OF, Rows
from server.sample import load_story
from server.settings import SAMPLE
from server.writing.brief import Loaded, Place, load_brief

FACTS = Rows(Fact, col(Fact.work_id) == OF, col(Fact.id))


def test_the_same_is_made_once_and_another_anew() -> None:
    made: list[str] = []

    def make(source: str) -> str:
        made.append(source)
        return source.upper()

    kept = Kept(make, most=2)
    assert [kept.of("a", "x"), kept.of("a", "x"), kept.of("b", "x")] == ["X", "X", "X"]
    assert made == ["x", "x"]
    assert kept.of("a", "y") == "Y"
    assert kept.of("a", "x") == "X", "only the last source is kept"
    kept.of("c", "x")
    made.clear()
    kept.of("a", "x")
    assert made == []
    kept.of("b", "x")
    assert made == ["x"], "b was used longest ago"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'yanchi.db'}")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def sample(database: Database) -> str:
    with database.session() as session:
        work = load_story(session, SAMPLE).id
    for _ in extract_all(database, work):
        pass
    return work


def test_rows_are_the_table_s_and_the_same_objects_while_nothing_changes(
    database: Database, sample: str
) -> None:
    with database.reading() as session:
        rows = FACTS.of(session, sample)
        truth = session.exec(select(Fact).where(Fact.work_id == sample).order_by(Fact.id))
        fields = ("id", "entity", "value", "since_chapter_id", "since_offset", "known_by")
        assert [[getattr(r, f) for f in fields] for r in rows] == [
            [getattr(r, f) for f in fields] for r in truth
        ]
    with database.reading() as session:
        assert FACTS.of(session, sample) is rows


def test_rows_that_a_session_has_not_written_yet_are_read(database: Database, sample: str) -> None:
    with database.session() as session:
        (one, *_) = session.exec(select(Fact).where(Fact.work_id == sample))
        one.known_by = [{"character_id": "0" * 32, "chapter_id": None, "offset": 0}]
        row = next(r for r in FACTS.of(session, sample) if r.id == one.id)
        assert row.known_by == one.known_by


def first(session: Session, table: type[Any], work: str) -> Any:
    order = table.position if table is Character else table.created_at
    return session.exec(select(table).where(table.work_id == work).order_by(order)).first()


def chapter(session: Session, work: str, number: int) -> Chapter:
    return manuscript.list_chapters(session, work)[number - 1]


def book(session: Session, work: str) -> Lorebook:
    return session.exec(select(Lorebook).where(Lorebook.work_id == work)).one()


def entry(session: Session, work: str) -> LoreEntry:
    entries = select(LoreEntry).where(LoreEntry.lorebook_id == book(session, work).id)
    return session.exec(entries.order_by(col(LoreEntry.position))).all()[0]


def rename_character(session: Session, work: str) -> None:
    first(session, Character, work).name = "无名氏"


def reword_sheet(session: Session, work: str) -> None:
    one = first(session, Character, work)
    one.sheet = {**one.sheet, "旧伤": "左眉有一道疤。"}


def drop_character(session: Session, work: str) -> None:
    session.delete(first(session, Character, work))


def reword_fact(session: Session, work: str) -> None:
    first(session, Fact, work).value = "另一种说法"


def let_nobody_know(session: Session, work: str) -> None:
    first(session, Fact, work).known_by = []


def drop_facts(session: Session, work: str) -> None:
    session.execute(delete(Fact).where(col(Fact.work_id) == work))


def reword_progression(session: Session, work: str) -> None:
    one = first(session, Progression, work)
    one.label, one.text, one.known_by = "近况", "从此不再提起。", None
    one.since_chapter_id = one.until_chapter_id = None


def add_scene(session: Session, work: str) -> None:
    session.add(Scene(work_id=work, chapter_id=chapter(session, work, 2).id, start=0, end=9))


def reword_outline(session: Session, work: str) -> None:
    here = chapter(session, work, 7).id
    node = session.exec(select(OutlineNode).where(OutlineNode.chapter_id == here)).one()
    node.summary = "他们改走水路。"


def close_lorebook(session: Session, work: str) -> None:
    book(session, work).enabled = False


def reword_lore(session: Session, work: str) -> None:
    entry(session, work).content = "改写过的设定。"


def rekey_lore(session: Session, work: str) -> None:
    entry(session, work).keys = ["另一个词"]


def add_lore(session: Session, work: str) -> None:
    added = LoreEntry(
        lorebook_id=book(session, work).id, name="新条目", constant=True, content="新"
    )
    session.add(added)


def write_recap(session: Session, work: str) -> None:
    memory = recap_rows.load_memory(session, work)
    hand.write(session, work, next(iter(memory.plan.nodes)), "作者自己写的前情。")


def drop_recaps(session: Session, work: str) -> None:
    session.execute(delete(Recap).where(col(Recap.work_id) == work))


def save_chapter(session: Session, work: str) -> None:
    one = chapter(session, work, 3)
    manuscript.save_text(session, one, "雨下了一夜。" + manuscript.chapter_text(session, one))


def save_this_chapter(session: Session, work: str) -> None:
    one = chapter(session, work, 7)
    manuscript.save_text(session, one, manuscript.chapter_text(session, one) + "雨下了一夜。")


def move_chapter(session: Session, work: str) -> None:
    one, other = chapter(session, work, 1), chapter(session, work, 4)
    one.position, other.position = other.position, one.position


def rename_chapter(session: Session, work: str) -> None:
    chapter(session, work, 6).title = "旧信"
    session.exec(
        select(OutlineNode).where(OutlineNode.chapter_id == chapter(session, work, 6).id)
    ).one().summary = "信拆开了。"


def bin_chapter(session: Session, work: str) -> None:
    chapter(session, work, 2).deleted_at = now()


def put_into_a_volume(session: Session, work: str) -> None:
    volume = Volume(work_id=work, title="上卷")
    session.add(volume)
    session.flush()
    for number in range(1, 4):
        chapter(session, work, number).volume_id = volume.id


def reword_relation(session: Session, work: str) -> None:
    first(session, Relation, work).label = "路人"


def drop_relations(session: Session, work: str) -> None:
    session.exec(delete(Relation).where(col(Relation.work_id) == work))


def retitle_thread(session: Session, work: str) -> None:
    first(session, Thread, work).title = "另一条"


def move_event(session: Session, work: str) -> None:
    thread = first(session, Thread, work)
    events = select(ThreadEvent).where(ThreadEvent.thread_id == thread.id)
    for event in session.exec(events):
        event.chapter_id = chapter(session, work, 8).id


def give_voice(session: Session, work: str) -> None:
    first(session, Character, work).voice = [{"text": "雨停了，走罢。", "pieces": []}]


EDITS = [
    rename_character, reword_sheet, drop_character, reword_fact, let_nobody_know, drop_facts,
    reword_progression, add_scene, reword_outline, close_lorebook, reword_lore, rekey_lore,
    add_lore, write_recap, drop_recaps, save_chapter, save_this_chapter, move_chapter,
    rename_chapter, bin_chapter, put_into_a_volume, reword_relation, drop_relations,
    retitle_thread, move_event, give_voice,
]  # fmt: skip


def brief(database: Database, work: str, here: str, viewpoint: str | None = None) -> Loaded:
    with database.reading() as session:
        return load_brief(session, Place(work, here, beat="雨停了。", viewpoint=viewpoint))


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_in_the_next_brief(
    database: Database,
    sample: str,
    edit: Callable[[Session, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.reading() as session:
        here = chapter(session, sample, 7).id
        eyes = manuscript.list_characters(session, sample)[-1].id
    before = brief(database, sample, here, eyes)
    # Another process: its own connection, and nothing kept here hears of it.
    other = Database(database.url)
    with other.session() as session:
        edit(session, sample)
    other.close()
    after = brief(database, sample, here, eyes)
    monkeypatch.setattr(Kept, "of", lambda self, _, source: self._make(source))
    recap_rows._recap.cache_clear()
    assert after == brief(database, sample, here, eyes)
    assert after != before


def test_two_works_keep_apart(database: Database, sample: str) -> None:
    with database.session() as session:
        other = Work(title="别的书")
        session.add(other)
        session.flush()
        empty = manuscript.add_chapter(session, other, "第一章").id
        number = other.id
        here = chapter(session, sample, 7).id
    full = brief(database, sample, here)
    bare = brief(database, number, empty)
    told = [
        bare.brief.cast,
        bare.brief.facts,
        bare.brief.recaps,
        bare.brief.outline,
        bare.lorebooks,
    ]
    assert not any(told)
    assert brief(database, sample, here) == full


def test_the_template_in_use_is_the_newest(database: Database, sample: str) -> None:
    def used() -> tuple[str, str]:
        with database.reading() as session:
            found = templates.in_use(session, "continuation", sample)
        return found.template.system, found.origin

    def save(system: str, work: str | None) -> None:
        with database.session() as session:
            user = "{{ beat }}{{ earlier }}{{ ending }}"
            parts = system, templates.load_template("continuation").user, user
            templates.save(session, "continuation", parts, work)

    shipped = used()
    assert shipped[1] == "shipped"
    save("一", None)
    save("二", None)
    assert used() == ("二", "desk")
    save("三", sample)
    save("四", None)
    assert used() == ("三", "work")
    with database.session() as session:
        templates.restore_shipped(session, "continuation", sample)
    assert used() == ("四", "desk")
    with database.session() as session:
        templates.restore_shipped(session, "continuation", None)
    assert used() == shipped


def test_a_work_s_own_settings_are_today_s(database: Database, sample: str) -> None:
    with database.session() as session:
        chapter = manuscript.list_chapters(session, sample)[-1].id

    def now_told() -> Loaded:
        with database.reading() as session:
            return load_brief(session, Place(sample, chapter))

    before = now_told()
    with database.session() as session:
        work = manuscript.get_work(session, sample)
        work.style, work.title, work.defaults = "白描。", "另一个书名", {"budget": {"tail": 0.5}}
    after = now_told()
    assert (after.brief.style, after.brief.title) == ("白描。", "另一个书名")
    assert (before.defaults, after.defaults) == ({}, {"budget": {"tail": 0.5}})
    with database.session() as session:
        manuscript.get_work(session, sample).deleted_at = now()
    with pytest.raises(NotFound):
        now_told()


def test_what_the_session_has_not_written_yet_is_read_too(database: Database, sample: str) -> None:
    with database.session() as session:
        fact = session.exec(select(Fact).where(Fact.work_id == sample)).first()
        assert fact is not None
        fact.value = "刚刚改的"
        assert "刚刚改的" in {row.value for row in FACTS.of(session, sample)}
