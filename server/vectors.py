"""Where this desk keeps its works' indexes, by setting."""

from retrieval.pgvector.store import PgStore
from retrieval.stores import FileStore, IndexStore
from server.settings import Settings


def index_store(settings: Settings) -> IndexStore:
    """Raises IndexFailure where pgvector is asked for and the database is not PostgreSQL."""
    if settings.vector_store == "pgvector":
        return PgStore(settings.database)
    return FileStore(settings.index_dir)
