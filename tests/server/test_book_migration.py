"""Books from before covers, counts and days were kept get theirs, and lose nothing."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlmodel import select

from server.db import MIGRATIONS, Database
from server.models import Chapter, ChapterRevision, ChatMessage, Member, Persona, Work
from server.pigments import PIGMENTS
from server.titles import full_titles

WORK, CHAPTER = "a" * 32, "b" * 32
TEXTS = ["雨 下了 3 天。\n", "雨下了三天三夜。", "雨停了。"]


def move(database: Database, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


@pytest.fixture
def old(tmp_path: Path) -> Database:
    """A database of that time, with a work, a chapter and three revisions."""
    database = Database(f"sqlite:///{tmp_path / 'yanchi.db'}")
    move(database, "0004")
    day = "2026-01-0%d 10:00:00.000000"
    with database.engine.begin() as connection:
        connection.execute(text(
            "INSERT INTO work (id, title, author, synopsis, style, defaults, created_at, updated_at)"
            " VALUES (:id, '旧书', '', '', '', '{}', :at, :later)"
        ), {"id": WORK, "at": day % 1, "later": day % 9})  # fmt: skip
        connection.execute(text(
            "INSERT INTO chapter (id, work_id, position, title, kind, status, notes, revision,"
            " chars, created_at, updated_at) VALUES (:id, :work, 0, '第九章　雨夜', 'chapter',"
            " 'draft', '', 3, 4, :at, :at)"
        ), {"id": CHAPTER, "work": WORK, "at": day % 1})  # fmt: skip
        for number, words in enumerate(TEXTS, 1):
            connection.execute(text(
                "INSERT INTO chapterrevision (id, chapter_id, number, text, sha256, origin,"
                " created_at) VALUES (:id, :chapter, :number, :text, '', 'typed', :at)"
            ), {"id": str(number) * 32, "chapter": CHAPTER, "number": number, "text": words,
                "at": day % number})  # fmt: skip
    return database


def test_an_old_book_is_bound_counted_and_keeps_its_titles(old: Database) -> None:
    old.migrate()
    with old.reading() as session:
        work, chapter = session.get_one(Work, WORK), session.get_one(Chapter, CHAPTER)
        assert work.cover in PIGMENTS
        assert (work.goal, work.numbering, work.unit) == (0, "own", "章")
        assert work.edited_at.isoformat() == "2026-01-03T10:00:00+00:00"
        assert full_titles(work, [chapter]) == {CHAPTER: "第九章　雨夜"}
        assert (chapter.han, chapter.context) == (3, {})
        rows = session.exec(select(ChapterRevision).order_by(ChapterRevision.number)).all()  # type: ignore[arg-type]
        assert [r.text for r in rows] == TEXTS
        assert [(r.chars, r.added, r.removed) for r in rows] == [(6, 6, 0), (8, 2, 0), (4, 0, 4)]
        assert {(r.snapshot, r.label, r.candidate) for r in rows} == {("", "", 0)}


def test_going_back_loses_no_text(old: Database) -> None:
    old.migrate()
    move(old, "0004", down=True)
    with old.engine.connect() as connection:
        found = connection.execute(text("SELECT text FROM chapterrevision ORDER BY number"))
        assert [words for (words,) in found] == TEXTS


def test_old_talks_get_their_one_member(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'talks.db'}")
    move(database, "0010")
    persona, talk, asked, answer = (letter * 32 for letter in "cdef")
    told = {"persona": persona, "talk": talk, "asked": asked, "answer": answer,
            "extra": '{"card": {"data": {"nickname": " 周 伯 "}}}'}  # fmt: skip
    at = "'2026-01-01 10:00:00.000000'"
    with database.engine.begin() as connection:
        for line in (
            "INSERT INTO persona (id, slug, position, name, summary, description, personality,"
            " scenario, first_message, alternates, examples, system_prompt, post_history, color,"
            " tags, creator, notes, extra, created_at, updated_at) VALUES (:persona, 'zhou', 0,"
            " '老周', '', '', '', '', '', '[]', '[]', '', '', 'ink', '[]', '', '', :extra,"
            f" {at}, {at})",
            "INSERT INTO conversation (id, persona_id, title, user_name, user_note, author_note,"
            " author_depth, sampling, created_at, updated_at) VALUES (:talk, :persona, '', '我',"
            f" '', '', 2, '{{}}', {at}, {at})",
            "INSERT INTO chatmessage (id, conversation_id, number, role, text, origin, details,"
            f" prompt, created_at) VALUES (:asked, :talk, 0, 'user', '渡吗？', 'typed', '{{}}',"
            f" '{{}}', {at}), (:answer, :talk, 1, 'assistant', '不渡。', 'generated', '{{}}',"
            f" '{{}}', {at})",
        ):
            connection.execute(text(line), told)
    database.migrate()
    with database.reading() as session:
        (member,) = session.exec(select(Member)).all()
        assert (member.persona_id, member.name, member.present) == (persona, "老周", True)
        spoken = {row.id: row.persona_id for row in session.exec(select(ChatMessage)).all()}
        assert spoken == {asked: None, answer: persona}
        assert session.get_one(Persona, persona).called == "周 伯"
    move(database, "0010", down=True)
    with database.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM chatmessage")).scalar() == 2
