"""The schema `yanchi_vectors`, and making it where it is not.

A chapter's text in one state is a *part*: its passages are written once and never changed,
so whoever holds an older state goes on searching it. Vectors belong to a *space*, which is
one model's vectors of one work; another model's lie in another space beside them. What is no
longer named by a chapter is retired, and deleted a while later.

Texts are bytes (UTF-8, lone surrogates included): PostgreSQL's own text refuses what a
manuscript may contain. The two large tables have no foreign keys: they are filled by COPY,
and every deletion is in `rows.py`.
"""

from typing import Any, LiteralString

import psycopg
from psycopg import errors

from retrieval.errors import IndexFailure
from retrieval.pgvector import refusals

LAYOUT = 1
"""Raise it whenever the tables, or the default way of chunking, change."""
OLDEST_EXTENSION = (0, 8)
"""The first pgvector whose HNSW scans go on until enough rows pass the filter."""

_TABLES: LiteralString = """
CREATE SCHEMA yanchi_vectors;
CREATE TABLE yanchi_vectors.layout (version integer NOT NULL);
CREATE SEQUENCE yanchi_vectors.generations;
CREATE TABLE yanchi_vectors.works (
    id text PRIMARY KEY,
    generation bigint NOT NULL,
    space bigint
);
CREATE TABLE yanchi_vectors.spaces (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    work text NOT NULL,
    fingerprint text NOT NULL,
    dimension integer NOT NULL,
    name text NOT NULL,
    source text NOT NULL,
    beam integer,
    recall real,
    retired timestamptz DEFAULT now(),
    UNIQUE (work, fingerprint, dimension)
);
CREATE TABLE yanchi_vectors.chapters (
    work text NOT NULL,
    id text NOT NULL,
    place integer NOT NULL,
    title bytea NOT NULL,
    digest text NOT NULL,
    part bigint NOT NULL,
    passages integer NOT NULL,
    searchable boolean NOT NULL,
    PRIMARY KEY (work, id)
);
CREATE TABLE yanchi_vectors.parts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    work text NOT NULL,
    retired timestamptz DEFAULT now()
);
CREATE INDEX parts_of_work ON yanchi_vectors.parts (work);
CREATE TABLE yanchi_vectors.passages (
    part bigint NOT NULL,
    row integer NOT NULL,
    start integer NOT NULL,
    stop integer NOT NULL,
    digest bigint NOT NULL,
    text bytea NOT NULL,
    PRIMARY KEY (part, row)
);
CREATE TABLE yanchi_vectors.embeddings (
    part bigint NOT NULL,
    row integer NOT NULL,
    space bigint NOT NULL,
    digest bigint NOT NULL,
    vector halfvec NOT NULL,
    PRIMARY KEY (part, row, space)
);
CREATE INDEX embeddings_of_text ON yanchi_vectors.embeddings (space, digest);
-- In the row while it fits a page: a vector of 1,024 would otherwise be fetched apart each time.
ALTER TABLE yanchi_vectors.embeddings ALTER COLUMN vector SET STORAGE MAIN;
-- Nobody compares by these: gathering statistics on them would take seconds.
ALTER TABLE yanchi_vectors.embeddings ALTER COLUMN vector SET STATISTICS 0;
ALTER TABLE yanchi_vectors.passages ALTER COLUMN text SET STATISTICS 0;
"""
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('yanchi_vectors', 0))"


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Make a new connection ready: extension, tables, and how its queries are planned.

    Raises IndexFailure, psycopg.Error.
    """
    schema = _extension(connection)
    connection.execute(
        "SELECT set_config('search_path', quote_ident(%s) || ', pg_catalog', false)", (schema,)
    )
    # Plans depend on which rows may be seen; compiling them costs more than running them.
    connection.execute("SET plan_cache_mode = force_custom_plan")
    connection.execute("SET jit = off")
    connection.execute("SET hnsw.iterative_scan = relaxed_order")
    if _layout(connection) != LAYOUT:
        _create(connection)


def _extension(connection: psycopg.Connection[Any]) -> str:
    """The schema that pgvector lives in; it is created where that is allowed."""
    found = _installed(connection)
    if found is None:
        try:
            with connection.transaction():
                connection.execute(_ONE_AT_A_TIME)
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except errors.InsufficientPrivilege as error:
            raise IndexFailure(refusals.MAY_NOT_CREATE) from error
        except (errors.FeatureNotSupported, errors.UndefinedFile) as error:
            raise IndexFailure(refusals.NO_EXTENSION) from error
        found = _installed(connection)
    if found is None:
        raise IndexFailure(refusals.NO_EXTENSION)
    version, schema = found
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_EXTENSION:
        raise IndexFailure(refusals.old_extension(version))
    return schema


def _installed(connection: psycopg.Connection[Any]) -> tuple[str, str] | None:
    return connection.execute(
        "SELECT e.extversion, n.nspname::text FROM pg_extension e"
        " JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'"
    ).fetchone()


def _layout(connection: psycopg.Connection[Any]) -> int | None:
    # Not `to_regclass`: it may still remember that there was nothing before the lock was ours.
    told = connection.execute(
        "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'yanchi_vectors' AND c.relname = 'layout'"
    ).fetchone()
    if told is None:
        return None
    row = connection.execute("SELECT version FROM yanchi_vectors.layout").fetchone()
    return None if row is None else int(row[0])


def _create(connection: psycopg.Connection[Any]) -> None:
    """Tables of an older layout are made anew: what they held is derived."""
    with connection.transaction():
        connection.execute(_ONE_AT_A_TIME)
        layout = _layout(connection)
        if layout == LAYOUT:
            return
        if layout is not None and layout > LAYOUT:
            raise IndexFailure(refusals.TOO_NEW)
        connection.execute("DROP SCHEMA IF EXISTS yanchi_vectors CASCADE")
        connection.execute(_TABLES)
        connection.execute("INSERT INTO yanchi_vectors.layout VALUES (%s)", (LAYOUT,))
