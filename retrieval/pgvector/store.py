"""All works of one database: what opens and removes a work's index there."""

from retrieval.embed import PassageEmbeddings
from retrieval.former import FormerModels
from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.index import PgWorkIndex, remove_index


class PgStore:
    """Thread-safe; connects when a work is first opened."""

    def __init__(self, url: str) -> None:
        """`url` as SQLAlchemy reads it. Raises IndexFailure where it is not PostgreSQL's."""
        self._database = VectorDatabase(url)

    def open(
        self, work: str, embeddings: PassageEmbeddings, former: FormerModels | None = None
    ) -> PgWorkIndex:
        """Raises IndexFailure."""
        return PgWorkIndex(self._database, work, embeddings, former=former)

    def remove(self, work: str) -> None:
        """Raises IndexFailure."""
        remove_index(self._database, work)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._database.close()
