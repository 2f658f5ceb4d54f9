"""The setting decides where the vectors are."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from retrieval.errors import IndexFailure
from retrieval.pgvector.store import PgStore
from retrieval.stores import FileStore
from server.settings import Settings
from server.vectors import index_store


def test_without_a_word_they_are_files(tmp_path: Path) -> None:
    assert isinstance(index_store(Settings(data_dir=tmp_path)), FileStore)


def test_pgvector_takes_the_database_of_the_desk() -> None:
    told = Settings(vector_store="pgvector", database_url="postgresql://desk@/yanchi")

    store = index_store(told)
    assert isinstance(store, PgStore)
    store.close()


def test_pgvector_on_sqlite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFailure, match="YANCHI_DATABASE_URL"):
        index_store(Settings(data_dir=tmp_path, vector_store="pgvector"))


def test_another_store_is_unknown() -> None:
    with pytest.raises(ValidationError):
        Settings(vector_store="milvus")
