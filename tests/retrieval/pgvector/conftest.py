"""A server for all tests here, and for each test a work of its own."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.index import PgWorkIndex
from retrieval.types import ChapterText
from tests.retrieval.fakes import BigramEmbeddings, split_sentences
from tests.retrieval.pgvector.servers import running

_WORKS = count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from running(tmp_path_factory.mktemp("pg"))


@pytest.fixture
def url(server: Any) -> str:
    return str(server.get_uri())


@pytest.fixture
def database(url: str) -> Iterator[VectorDatabase]:
    opened = VectorDatabase(url)
    yield opened
    opened.close()


@pytest.fixture
def work() -> str:
    return f"work-{next(_WORKS)}"


@pytest.fixture
def index(
    database: VectorDatabase, work: str, embeddings: BigramEmbeddings, chapters: list[ChapterText]
) -> PgWorkIndex:
    opened = PgWorkIndex(database, work, embeddings)
    opened.sync(chapters, split=split_sentences)
    return opened
