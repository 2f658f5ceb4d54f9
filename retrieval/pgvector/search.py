"""The two ways to the nearest vectors: reading all that may be seen, or through the graph.

Vectors have length 1, so the inner product is the cosine; pgvector's `<#>` is its negative.
The filter is part of the query: with `hnsw.iterative_scan = strict_order` (set in `tables.py`)
the graph is followed until enough rows pass it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from retrieval.pgvector.database import Connection
from retrieval.pgvector.state import Space
from retrieval.pgvector.vectors import Place

WIDEST_BEAM = 1000
"""pgvector's own limit of `hnsw.ef_search`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The passages of `parts`, but those in the places `out`: `count` in all."""

    parts: Sequence[int]
    out: Sequence[Place]
    count: int


def exact(
    connection: Connection, space: Space, query: str, k: int, seen: Seen
) -> list[tuple[Place, float]]:
    """(place, cosine) of the k nearest, best first; `query` as `vectors.literal` writes it."""
    order = sql.SQL("vector <#> {}::halfvec").format(query)
    return _found(connection, statement(space, order, k, seen))


def through_graph(
    connection: Connection, space: Space, query: str, k: int, seen: Seen
) -> list[tuple[Place, float]]:
    """The same, nearly; fewer than k where the graph was searched for as long as is allowed."""
    beam = min(max(space.beam or k, k), WIDEST_BEAM)
    with connection.pipeline(), connection.transaction():
        prefer_the_graph(connection, beam)
        return _found(connection, statement(space, graph_order(space, query), k, seen))


def graph_order(space: Space, query: str) -> sql.Composed:
    """The expression that the space's graph was built on (`graph.py`)."""
    kind = sql.SQL("halfvec({})").format(space.maker.dimension)
    return sql.SQL("vector::{0} <#> {1}::{0}").format(kind, query)


def prefer_the_graph(connection: Connection, beam: int) -> None:
    """For the rest of the transaction. The planner would sort where it thinks that cheaper."""
    connection.execute(
        "SELECT set_config('hnsw.ef_search', %s, true), set_config('enable_sort', 'off', true)",
        (str(beam),),
    )


def statement(space: Space, order: sql.Composable, k: int, seen: Seen) -> sql.Composed:
    """The space is written into the text: a graph is an index of its rows alone."""
    where = [
        sql.SQL("space = {}").format(space.id),
        sql.SQL("part = ANY({}::bigint[])").format(list(seen.parts)),
    ]
    if seen.out:
        parts, rows = zip(*seen.out, strict=True)
        where.append(
            sql.SQL(
                "NOT ((part, row) IN (SELECT * FROM unnest({}::bigint[], {}::integer[])))"
            ).format(list(parts), list(rows))
        )
    return sql.SQL(
        "SELECT part, row, -({0}) FROM yanchi_vectors.embeddings WHERE {1} ORDER BY {0} LIMIT {2}"
    ).format(order, sql.SQL(" AND ").join(where), k)


def _found(connection: Connection, query: sql.Composed) -> list[tuple[Place, float]]:
    rows = connection.execute(query, prepare=False).fetchall()
    return [((part, row), float(cosine)) for part, row, cosine in rows]
