"""Migrations, durability settings, and what a transaction promises."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel, select

from server.db import Database
from server.errors import NewerDatabase
from server.models import Chapter, Work


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'deep' / 'yanchi.db'}")
    database.migrate()
    return database


def test_migrations_make_exactly_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with database.session() as session:
        session.add(Work(title="留下"))
    database.migrate()
    with database.reading() as session:
        assert [w.title for w in session.exec(select(Work))] == ["留下"]


def test_tables_of_a_newer_version_are_left_alone(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerDatabase, match="更新版本"):
        database.migrate()
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == "9999"


def test_sqlite_is_set_up_for_safety(database: Database) -> None:
    with database.engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert pragma == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 10_000,
        "synchronous": 2,
    }


def test_a_chapter_without_its_work_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"), database.session() as session:
        session.add(Chapter(work_id="0" * 32, position=0, title="孤儿"))


def test_an_error_leaves_no_trace(database: Database) -> None:
    with pytest.raises(RuntimeError), database.session() as session:
        session.add(Work(title="半途"))
        session.flush()
        raise RuntimeError
    with database.reading() as session:
        assert session.exec(select(Work)).all() == []


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.session() as writer:
        writer.add(Work(title="正在写"))
        writer.flush()
        with database.reading() as reader:
            assert reader.exec(select(Work)).all() == []


def test_writers_queue_up_instead_of_failing(database: Database) -> None:
    def write(n: int) -> None:
        with database.session() as session:
            session.exec(select(Work)).all()  # read first: the case that cannot be upgraded
            session.add(Work(title=str(n)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert len(session.exec(select(Work)).all()) == 16


def test_times_come_back_in_utc(database: Database) -> None:
    with database.session() as session:
        session.add(Work(title="何时"))
    with database.reading() as session:
        offset = session.exec(select(Work)).one().created_at.utcoffset()
        assert offset is not None
        assert offset.total_seconds() == 0


def test_the_file_is_an_ordinary_sqlite_database(database: Database) -> None:
    path = database.engine.url.database
    assert path
    names = sqlite3.connect(path).execute("select name from sqlite_master where type='table'")
    assert {"work", "chapter", "chapterrevision"} <= {n for (n,) in names}
