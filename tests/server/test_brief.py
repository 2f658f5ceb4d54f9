"""What is known at a point of the story: sheets, plans and the text before, never later ones."""

import re
from pathlib import Path

import pytest
from sqlmodel import select

from retrieval.context import candidates_for
from retrieval.timeline import NOT_YET, UNKNOWN
from retrieval.types import StoryPosition
from server.db import Database
from server.errors import NotFound
from server.manuscript import add_chapter, chapter_text, list_chapters, list_characters
from server.models import Character, Scene, Work
from server.relations import list_relations
from server.sample import load_story
from server.settings import SAMPLE
from server.story import list_scenes
from server.threads import list_events, list_threads
from server.writing.brief import Loaded, Place, load_brief


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'yanchi.db'}")
    database.migrate()
    return database


def at(database: Database, work: str, number: int, offset: int | None = None) -> Loaded:
    with database.reading() as session:
        chapter = list_chapters(session, work)[number - 1]
        return load_brief(session, Place(work, chapter.id, offset=offset))


@pytest.fixture
def sample(database: Database) -> str:
    with database.session() as session:
        return load_story(session, SAMPLE).id


def test_the_outline_tells_this_volume_this_chapter_and_the_one_before(
    database: Database, sample: str
) -> None:
    notes = at(database, sample, 4).brief.outline
    assert [n.source for n in notes] == ["本卷提纲", "上一章的提纲", "本章提纲"]
    assert "\n1. " in notes[2].text
    later = at(database, sample, 5).brief.outline[-1].text
    assert later not in [n.text for n in notes]


def sheet(loaded: Loaded, name: str) -> str:
    return next(c.sheet for c in loaded.brief.cast if c.name == name)


def named(database: Database, name: str) -> str:
    with database.reading() as session:
        return next(c.id for c in session.exec(select(Character)) if c.name == name)


def test_a_sheet_s_present_is_shown_only_at_the_end_of_the_book(
    database: Database, sample: str
) -> None:
    last = len(list_chapters_of(database, sample))
    for number, offset, shown in ((2, None, False), (last, None, True), (last, 10, False)):
        cast = at(database, sample, number, offset).brief.cast
        assert any("此刻" in c.sheet for c in cast) is shown


def test_a_sheet_tells_nothing_before_the_book_does(database: Database, sample: str) -> None:
    assert "罗小满的父亲" not in sheet(at(database, sample, 6), "罗长庚")
    assert "罗小满的父亲" in sheet(at(database, sample, 8), "罗长庚")
    assert "二先生" not in sheet(at(database, sample, 8, 0), "计平")
    early = "".join(c.sheet for c in at(database, sample, 1, 0).brief.cast)
    late = "".join(c.sheet for c in at(database, sample, 8).brief.cast)
    for secret in ("真身", "卒于", "截下二百一十四封", "阿菊", "半边戳记"):
        assert secret not in early
        assert secret in late


def test_a_point_of_view_sees_its_own_secrets_and_what_it_was_told(
    database: Database, sample: str
) -> None:
    def through(name: str) -> Loaded:
        with database.reading() as session:
            chapter = list_chapters(session, sample)[7]
            place = Place(
                sample, chapter.id, beat="计素去找罗长庚", viewpoint=named(database, name)
            )
            return load_brief(session, place)

    assert "真身" in sheet(through("计素"), "罗长庚")
    assert "天天取笑" in sheet(through("计素"), "罗小满")
    boy = through("罗小满")
    assert "真身" not in sheet(boy, "罗长庚")
    assert "天天取笑" not in sheet(boy, "罗小满")
    assert "预支四块" in sheet(boy, "罗小满")
    told = [(item.text, reason) for item, reason in candidates_for(boy.brief)[1]]
    assert any("真身" in text and reason == UNKNOWN for text, reason in told)


def test_facts_named_stand_and_the_unknown_are_refused_with_their_reason(
    database: Database, sample: str
) -> None:
    def about(number: int, beat: str, viewpoint: str | None = None) -> Loaded:
        with database.reading() as session:
            chapter = list_chapters(session, sample)[number - 1]
            return load_brief(session, Place(sample, chapter.id, 0, beat=beat, viewpoint=viewpoint))

    def texts(loaded: Loaded) -> set[str]:
        return {i.text for i in candidates_for(loaded.brief)[0] if i.id.startswith("fact:")}

    signs = "三个平安（含义）：点立着是好，点飞到右边是病伤，没有点是死"
    assert signs in texts(about(2, "她想起三个平安。"))
    assert signs not in texts(about(8, "她想起豆腐坊。"))
    assert signs not in texts(about(1, "她想起三个平安。"))
    early = {i.text: why for i, why in candidates_for(about(1, "她想起三个平安。").brief)[1]}
    assert early[signs] == NOT_YET
    unaware = about(3, "她想起三个平安。", named(database, "莫子卿"))
    assert signs not in texts(unaware)
    assert {i.text: why for i, why in candidates_for(unaware.brief)[1]}[signs] == UNKNOWN
    learned = named(database, "夏桂英")
    assert signs not in texts(about(5, "她想起三个平安。", learned))
    assert signs in texts(about(6, "她想起三个平安。", learned))


def test_a_chapter_in_the_past_does_not_begin_from_the_one_told_before_it(
    database: Database,
) -> None:
    with database.session() as session:
        work = Work(title="试书")
        session.add(work)
        session.flush()
        add_chapter(session, work, "第一章", text="雨停了。")
        memory = add_chapter(session, work, "第二章")
        session.add(Scene(work_id=work.id, chapter_id=memory.id))
    assert at(database, work.id, 2).brief.before == ""
    with database.session() as session:
        (scene,) = list_scenes(session, work.id)
        scene.after_chapter_id = list_chapters(session, work.id)[0].id
    assert at(database, work.id, 2).brief.before == "雨停了。"


def test_a_view_through_nobody_s_eyes_is_refused(database: Database, sample: str) -> None:
    with database.reading() as session, pytest.raises(NotFound):
        chapter = list_chapters(session, sample)[0]
        load_brief(session, Place(sample, chapter.id, viewpoint="0" * 32))


def list_chapters_of(database: Database, work: str) -> list[str]:
    with database.reading() as session:
        return [c.id for c in list_chapters(session, work)]


def test_an_empty_chapter_begins_from_the_ending_of_the_last_one_with_text(
    database: Database,
) -> None:
    with database.session() as session:
        work = Work(title="试书")
        session.add(work)
        session.flush()
        add_chapter(session, work, "第一章", text="雨停了。")
        add_chapter(session, work, "第二章")
        add_chapter(session, work, "第三章")
        session.add(Character(work_id=work.id, name="沈砚", sheet={"外貌": "高", "空": " "}))
    loaded = at(database, work.id, 3)
    assert (loaded.brief.before, loaded.brief.opens_chapter) == ("雨停了。", True)
    assert loaded.brief.cast[0].sheet == "外貌：高"
    assert (loaded.position.chapter, loaded.position.offset) == (2, 0)
    first = at(database, work.id, 1, 0)
    assert (first.brief.before, first.brief.opens_chapter) == ("", True)


def test_relations_threads_and_voices_tell_nothing_of_what_is_ahead(
    database: Database, sample: str
) -> None:
    """All through the sample, every 400 characters: what has a place stands behind it only."""
    with database.reading() as session:
        chapters = list_chapters(session, sample)
        texts = [chapter_text(session, chapter) for chapter in chapters]
        order = {chapter.id: chapter.position for chapter in chapters}
        events = [e for of in list_events(session, sample).values() for e in of]
        relations = list_relations(session, sample)
        people = {c.id: c for c in list_characters(session, sample)}
    told: set[str] = set()
    for number, text in enumerate(texts):
        for offset in range(0, len(text), 400):
            here = StoryPosition(number, offset)
            loaded = at(database, sample, number + 1, offset)
            brief = loaded.brief
            prompt = "".join(
                i.text for i in candidates_for(brief)[0] if not i.id.startswith("tail")
            )
            for event in events:
                if StoryPosition(order[event.chapter_id], event.offset) > here:
                    assert f"“{event.quote}”" not in prompt
                elif f"“{event.quote}”" in prompt:
                    told.add(event.id)
            for relation in relations:
                line = f"与{people[relation.b].name}：{relation.label}"
                since = relation.since_chapter_id
                if since and StoryPosition(order[since], relation.since_offset) > here:
                    assert line not in sheet(loaded, people[relation.a].name)
            behind = "\n".join([*texts[:number], text[:offset]])
            for character in brief.cast:
                for line in character.voice:
                    assert all(w in behind or w not in "\n".join(texts) for w in clauses(line))
    assert len(told) > 20


def clauses(line: str) -> list[str]:
    return [words for words in re.split("[，。！？、“”]", line) if len(words) >= 4]


def test_threads_and_voices_stand_in_the_prompt(database: Database, sample: str) -> None:
    items = {i.id.partition(":")[0]: i for i in candidates_for(at(database, sample, 4).brief)[0]}
    assert items["thread"].group == "threads"
    assert "的口吻：" in items["voice"].text
    assert not items["voice"].changes
    whole = "".join(i.text for i in candidates_for(at(database, sample, 8).brief)[0])
    with database.reading() as session:
        threads = list_threads(session, sample)
    assert all(t.note not in whole for t in threads if t.note)
    assert all(t.due_note not in whole for t in threads if t.due_note)
