"""What goes wrong between a desk and its database, and what the author is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from retrieval.errors import EmbedderUnavailable, IndexFailure
from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.index import PgWorkIndex
from retrieval.pgvector.store import PgStore
from retrieval.types import ChapterText
from retrieval.vector_index import Aim
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences
from tests.retrieval.pgvector.servers import running, start, without_pgvector


@pytest.fixture
def other_database(url: str, work: str) -> Iterator[str]:
    """A database of the same server where nobody has been; its address."""
    name = work.replace("-", "_")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS clerk")


def test_a_postgresql_without_the_extension_is_said_so(server: Any, tmp_path_factory: Any) -> None:
    programs = without_pgvector(server, tmp_path_factory.mktemp("programs"))
    for bare in running(tmp_path_factory.mktemp("bare"), programs):
        with pytest.raises(IndexFailure, match=r"没有安装 pgvector.*faiss"):
            PgWorkIndex(VectorDatabase(bare.get_uri()), "work", BigramEmbeddings())


def test_an_account_that_may_not_install_it_is_said_so(
    other_database: str, chapters: list[ChapterText]
) -> None:
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute("CREATE ROLE clerk LOGIN")
    database = VectorDatabase(other_database.replace("postgres:@", "clerk:@"))

    with pytest.raises(IndexFailure, match="CREATE EXTENSION vector"):
        PgWorkIndex(database, "work", BigramEmbeddings())
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    with pytest.raises(IndexFailure, match="权限不够"):
        PgWorkIndex(database, "work", BigramEmbeddings())
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute(f"GRANT CREATE ON DATABASE {connection.info.dbname} TO clerk")
    index = PgWorkIndex(database, "work", BigramEmbeddings(), aim=Aim(0, 0.0, 1))
    index.sync(chapters, split=split_sentences)
    assert index.tidy()
    assert index.similarity_search("江面起雾。", k=1)[0].page_content == "江面起雾。"
    database.close()
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute("DROP OWNED BY clerk CASCADE")


def test_an_extension_in_a_schema_of_its_own_is_found(
    other_database: str, chapters: list[ChapterText]
) -> None:
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "Erweiterungen"')
        connection.execute('CREATE EXTENSION vector SCHEMA "Erweiterungen"')
    database = VectorDatabase(other_database)
    index = PgWorkIndex(database, "work", BigramEmbeddings())
    index.sync(chapters, split=split_sentences)

    assert index.similarity_search("江面起雾。", k=1)[0].page_content == "江面起雾。"
    database.close()


def test_an_old_extension_is_said_so(other_database: str) -> None:
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'")

    with pytest.raises(IndexFailure, match=r"0\.7\.4.*升级"):
        PgWorkIndex(VectorDatabase(other_database), "work", BigramEmbeddings())


def test_tables_of_a_newer_program_are_left_alone(other_database: str) -> None:
    PgWorkIndex(VectorDatabase(other_database), "work", BigramEmbeddings())
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute("UPDATE yanchi_vectors.layout SET version = 99")

    with pytest.raises(IndexFailure, match="更新版本的砚池"):
        PgWorkIndex(VectorDatabase(other_database), "work", BigramEmbeddings())


def test_tables_of_an_older_program_are_made_anew(
    other_database: str, chapters: list[ChapterText]
) -> None:
    PgWorkIndex(VectorDatabase(other_database), "work", BigramEmbeddings()).sync(chapters)
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute("UPDATE yanchi_vectors.layout SET version = 0")
        connection.execute("ALTER TABLE yanchi_vectors.passages RENAME TO scraps")

    index = PgWorkIndex(VectorDatabase(other_database), "work", BigramEmbeddings())
    assert index.damaged
    assert index.sync(chapters, split=split_sentences).embedded == 9


def test_dropped_tables_come_back_with_the_next_sync(
    other_database: str, chapters: list[ChapterText]
) -> None:
    index = PgWorkIndex(VectorDatabase(other_database), "work", BigramEmbeddings())
    index.sync(chapters, split=split_sentences)
    with psycopg.connect(other_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA yanchi_vectors CASCADE")

    with pytest.raises(IndexFailure, match="再试一次"):
        index.nearest(index.embeddings.embed_query_array("江面"), 1)
    assert index.refresh()
    assert index.damaged
    assert index.sync(chapters, split=split_sentences).embedded == 9
    assert index.similarity_search("江面起雾。", k=1)[0].page_content == "江面起雾。"


def test_a_restarted_server_costs_nothing_but_the_wait(
    server: Any, index: PgWorkIndex, chapters: list[ChapterText]
) -> None:
    vector = index.embeddings.embed_query_array("江面起雾")
    server.stop()
    with pytest.raises(IndexFailure, match="连不上"):
        index.nearest(vector, 1)
    with pytest.raises(IndexFailure, match="连不上"):
        index.sync(chapters)
    start(server)

    assert index.nearest(vector, 1)[0][0].text == "江面起雾。"
    assert index.sync([*chapters, ChapterText("c9", 9, "尾声", "天亮了。")]).embedded == 1


def test_what_is_no_postgresql_is_refused() -> None:
    with pytest.raises(IndexFailure, match="YANCHI_DATABASE_URL"):
        PgStore("sqlite:///yanchi.db")


def test_an_address_where_nobody_listens_is_said_so(tmp_path: Path) -> None:
    store = PgStore(f"postgresql://nobody@/none?host={tmp_path}")

    with pytest.raises(IndexFailure, match=r"连不上.*PostgreSQL 是否在运行"):
        store.open("work", BigramEmbeddings())


@pytest.mark.usefixtures("index")
def test_a_writer_that_waits_too_long_says_so(database: VectorDatabase, work: str) -> None:
    hasty = PgWorkIndex(database, work, BigramEmbeddings(), lock_seconds=0.05)

    with (
        database.turn(work, "write", 1),
        pytest.raises(IndexFailure, match="正在更新"),
    ):
        hasty.sync(book("新的。"))
    hasty.refresh()
    assert hasty.snapshot.count == 9


def test_a_lock_dies_with_its_connection(database: VectorDatabase, url: str, work: str) -> None:
    with database.turn(work, "write", 1) as held, psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (held.info.backend_pid,))
        with database.turn(work, "write", 5):
            pass
    with database.turn(work, "write", 1):
        pass


class Unavailable(BigramEmbeddings):
    @property
    def fingerprint(self) -> str:
        raise EmbedderUnavailable("嵌入模型用不了。")


def test_without_a_model_words_alone_are_indexed(
    database: VectorDatabase, work: str, chapters: list[ChapterText]
) -> None:
    index = PgWorkIndex(database, work, Unavailable())
    report = index.sync(chapters, split=split_sentences)

    assert (report.waiting, report.reason) == (9, "嵌入模型用不了。")
    assert index.stale_reason == "嵌入模型用不了。"
    assert index.query_vector("江面") is None
    assert index.snapshot.lexical.search("江面", 1)[0][0].text == "江面起雾。"
    again = PgWorkIndex(database, work, BigramEmbeddings())
    assert "9 段没有算出向量" in (again.stale_reason or "")
    assert again.sync(chapters, split=split_sentences).embedded == 9


class Broken(BigramEmbeddings):
    def embed_array(self, texts: Any) -> Any:
        return super().embed_array(texts) * float("nan")


def test_vectors_that_are_no_numbers_leave_the_index_as_it_was(
    database: VectorDatabase, work: str, index: PgWorkIndex
) -> None:
    broken = PgWorkIndex(database, work, Broken(fingerprint="broken"))
    with pytest.raises(IndexFailure, match="无效的数值"):
        broken.sync(book("新的一章。"), split=split_sentences)

    assert not index.refresh()
    assert index.similarity_search("江面起雾。", k=1)[0].page_content == "江面起雾。"
