"""The two ways to the nearest vectors: reading all that may be seen, or through the graph.

Vectors have length 1, so the inner product is the cosine; pgvector's `<#>` is its negative.
The filter is part of the query: with `hnsw.iterative_scan` (set in `tables.py`) the graph is
followed until enough rows pass it. Its order is relaxed and made strict here: where half of
20,000 vectors may be seen, the strict kind loses 4 of 100 neighbours, because it drops what
it comes upon too late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import psycopg
from psycopg import sql

from retrieval.pgvector.database import Connection
from retrieval.pgvector.state import Space
from retrieval.pgvector.vectors import Place

WIDEST_BEAM = 1000
"""pgvector's own limit of `hnsw.ef_search`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The passages of `parts`, but those in the places `out`: `count` in all, which is `share`
    of those with vectors."""

    parts: Sequence[int]
    out: Sequence[Place]
    count: int
    share: float = 1.0


def exact(
    connection: Connection, space: Space, query: str, k: int, seen: Seen
) -> list[tuple[Place, float]]:
    """(place, cosine) of the k nearest, best first; `query` as `vectors.literal` writes it."""
    order = sql.SQL("vector <#> {}::halfvec").format(query)
    return _read(connection.execute(statement(space, order, k, seen), prepare=False))


def through_graph(
    connection: Connection, space: Space, query: str, k: int, seen: Seen
) -> list[tuple[Place, float]]:
    """The same, nearly; fewer than k where the graph was searched for as long as is allowed."""
    nearest = statement(space, graph_order(space, query), k, seen)
    with connection.transaction():
        cursor = connection.execute(preferring_the_graph(_beam(space, k, seen)) + nearest)
        while cursor.nextset():
            pass
        found = _read(cursor)
    return sorted(found, key=lambda one: -one[1])


def _beam(space: Space, k: int, seen: Seen) -> int:
    """The fewer may be seen, the wider."""
    return min(ceil(max(space.beam or k, k) / seen.share), WIDEST_BEAM)


def graph_order(space: Space, query: str) -> sql.Composed:
    """The expression that the space's graph was built on (`graph.py`)."""
    kind = sql.SQL("halfvec({})").format(space.maker.dimension)
    return sql.SQL("vector::{0} <#> {1}::{0}").format(kind, query)


def preferring_the_graph(beam: int) -> sql.Composed:
    """For the rest of the transaction. The planner would sort where it thinks that cheaper."""
    return sql.SQL("SET LOCAL hnsw.ef_search = {}; SET LOCAL enable_sort = off; ").format(beam)


def statement(space: Space, order: sql.Composable, k: int, seen: Seen) -> sql.Composed:
    """The space is written into the text: a graph is an index of its rows alone."""
    where = [
        sql.SQL("space = {}").format(space.id),
        sql.SQL("part = ANY({}::bigint[])").format(_array(seen.parts)),
    ]
    if seen.out:
        parts, rows = zip(*seen.out, strict=True)
        where.append(
            sql.SQL(
                "NOT ((part, row) IN (SELECT * FROM unnest({}::bigint[], {}::integer[])))"
            ).format(_array(parts), _array(rows))
        )
    return sql.SQL(
        "SELECT part, row, -({0}) FROM yanchi_vectors.embeddings WHERE {1} ORDER BY {0} LIMIT {2}"
    ).format(order, sql.SQL(" AND ").join(where), k)


def _array(numbers: Sequence[int]) -> str:
    """As PostgreSQL's input reads it; the driver takes ten times as long for thousands."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _read(cursor: psycopg.Cursor[Any]) -> list[tuple[Place, float]]:
    return [((part, row), float(cosine)) for part, row, cosine in cursor]
