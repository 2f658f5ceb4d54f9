"""What is known at a point of the story: sheets, plans and the text before, never later ones."""

from pathlib import Path

import pytest

from server.db import Database
from server.manuscript import add_chapter, list_chapters
from server.models import Character, Work
from server.sample import load_story
from server.settings import SAMPLE
from server.writing.brief import CURRENT_STATE, Loaded, Place, load_brief


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


def test_a_sheet_s_present_is_shown_only_at_the_end_of_the_book(
    database: Database, sample: str
) -> None:
    last = len(list_chapters_of(database, sample))
    early = at(database, sample, 2).brief.cast
    assert not any(CURRENT_STATE in c.sheet for c in early)
    assert any(CURRENT_STATE in c.sheet for c in at(database, sample, last).brief.cast)
    assert not any(CURRENT_STATE in c.sheet for c in at(database, sample, last, 10).brief.cast)


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
