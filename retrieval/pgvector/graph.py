"""The graph of a large space: HNSW (Malkov & Yashunin 2018) over its rows alone.

An index with a condition, one a space: a graph over all works would have to wade through
everybody else's passages. Built beside the running searches (CREATE INDEX CONCURRENTLY) when
nothing better is to be done, and then measured: some of the vectors are the queries, exact
search gives the truth, and the narrowest beam that reaches the aim is taken. Where none does,
or the vectors are longer than pgvector's graphs allow, search stays exact.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from retrieval import rank
from retrieval.pgvector.database import Connection
from retrieval.pgvector.search import Seen, exact, through_graph
from retrieval.pgvector.state import Space, rows_in
from retrieval.pgvector.vectors import Place, literal, read
from retrieval.vector_index import Aim

log = logging.getLogger(__name__)

AIM = Aim(exact_rows=20_000, queries=50)
"""Reading 20,000 vectors of 256 dimensions takes about 25 ms, following their graph no less."""
LONGEST = 4_000
"""Dimensions that a graph over halfvec can have."""
BEAMS = (100, 200, 400, 800)
_NEIGHBOURS = 10
"""Those that must be found, among as many as recall asks for."""
_BYTES_BESIDE = 400
"""What pgvector's builder takes a vector in memory, beside the vector."""
_MOST_MEMORY = 2**30


def wanted(connection: Connection, space: Space, aim: Aim) -> bool:
    """Whether the space has grown large and has no graph that anybody measured."""
    if space.maker.dimension > LONGEST or space.beam is not None:
        return False
    measured = connection.execute(
        "SELECT recall FROM yanchi_vectors.spaces WHERE id = %s", (space.id,)
    ).fetchone()
    tried = measured is not None and measured[0] is not None
    return not tried and rows_in(connection, space) > aim.exact_rows


def build(
    connection: Connection, space: Space, parts: Sequence[int], aim: Aim
) -> tuple[int | None, float]:
    """The beam to search with, None where no beam reaches the aim, and its recall.

    `parts` are those that are searched. Takes about a minute for 100,000 vectors. Raises
    psycopg.Error.
    """
    drop(connection, [space.id])  # half of one, from whoever died here
    with _memory(connection, rows_in(connection, space), space.maker.dimension):
        connection.execute(
            sql.SQL(
                "CREATE INDEX CONCURRENTLY {} ON yanchi_vectors.embeddings USING hnsw"
                " ((vector::halfvec({})) halfvec_ip_ops) WITH (ef_construction = 100)"
                " WHERE space = {}"
            ).format(_name(space.id), space.maker.dimension, space.id)
        )
    connection.execute("ANALYZE yanchi_vectors.embeddings")
    beam, recall = _measured(connection, space, parts, aim)
    log.info("graph of space %d: beam %s, recall %.3f", space.id, beam, recall)
    if beam is None:
        drop(connection, [space.id])
    return beam, recall


def drop(connection: Connection, spaces: Sequence[int]) -> None:
    """Remove the graphs of these spaces. Raises psycopg.Error."""
    for space in spaces:
        connection.execute(
            sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS yanchi_vectors.{}").format(_name(space))
        )


def _name(space: int) -> sql.Identifier:
    return sql.Identifier(f"graph_{space}")


@contextmanager
def _memory(connection: Connection, rows: int, dimension: int) -> Iterator[None]:
    """Enough to build in memory, which is many times faster than without.

    By one worker: several share memory that a container's /dev/shm seldom has.
    """
    needed = min(_MOST_MEMORY, max(2**26, rows * (2 * dimension + _BYTES_BESIDE)))
    connection.execute(
        "SELECT set_config('maintenance_work_mem', %s, false),"
        " set_config('max_parallel_maintenance_workers', '0', false)",
        (f"{needed // 1024}kB",),
    )
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("RESET maintenance_work_mem")
            connection.execute("RESET max_parallel_maintenance_workers")


def _measured(
    connection: Connection, space: Space, parts: Sequence[int], aim: Aim
) -> tuple[int | None, float]:
    queries = [
        literal(read(data))
        for (data,) in connection.execute(
            "SELECT vector FROM yanchi_vectors.embeddings WHERE space = %s AND part = ANY(%s)"
            " ORDER BY hashint8extended(digest, 0) LIMIT %s",
            (space.id, list(parts), aim.queries),
            binary=True,
        )
    ]
    everything = Seen(parts, (), aim.exact_rows + 1)
    truth = [_others(exact(connection, space, q, _NEIGHBOURS + 1, everything)) for q in queries]
    recall = 0.0
    for beam in BEAMS:
        tried = Space(space.id, space.maker, beam)
        found = [
            {place for place, _ in through_graph(connection, tried, q, rank.DEPTH, everything)}
            for q in queries
        ]
        hits = sum(len(one & other) for one, other in zip(found, truth, strict=True))
        recall = hits / max(1, sum(map(len, truth)))
        if recall >= aim.recall:
            return beam, recall
    return None, recall


def _others(found: Sequence[tuple[Place, float]]) -> set[Place]:
    """Without the query itself, which is its own nearest and proves nothing."""
    return {place for place, _ in found[1:]}
