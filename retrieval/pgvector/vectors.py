"""pgvector's halfvec on the wire: binary COPY in, binary results out, text for a query.

Half precision keeps cosines to about three digits and halves what a search reads. The binary
forms are those of pgvector's `halfvec_send` (two bytes of length, two unused, then IEEE half
floats, big-endian) and of PostgreSQL's COPY (documentation, "COPY", Binary Format).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.embed import Vectors
from retrieval.pgvector.database import Connection

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_SIZES = {"part": 8, "row": 4, "space": 8, "digest": 8}
"""The columns before the vector, in bytes."""

Place = tuple[int, int]
"""(part, row) of a passage."""


def add(
    connection: Connection,
    space: int,
    places: Sequence[Place],
    digests: Sequence[int],
    vectors: Vectors,
) -> None:
    """Write the vectors, [n, d], of the passages in these places, where there are none yet.

    Raises psycopg.Error.
    """
    # COPY knows no ON CONFLICT, and another writer may have come first.
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming"
            " (LIKE yanchi_vectors.embeddings) ON COMMIT DELETE ROWS"
        )
        with cursor.copy(
            "COPY pg_temp.incoming (part, row, space, digest, vector) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.write(_SIGNATURE)
            copy.write(_rows(space, places, digests, vectors).tobytes())
            copy.write(_TRAILER)
        cursor.execute(
            "INSERT INTO yanchi_vectors.embeddings (part, row, space, digest, vector)"
            " SELECT part, row, space, digest, vector FROM pg_temp.incoming"
            " ON CONFLICT (part, row, space) DO NOTHING"
        )


def _rows(
    space: int, places: Sequence[Place], digests: Sequence[int], vectors: Vectors
) -> NDArray[np.void]:
    """A row of the COPY each: every field behind its length in bytes, [n]."""
    dimension = vectors.shape[1]
    layout: list[tuple[str, str] | tuple[str, str, tuple[int]]] = [("fields", ">i2")]
    for name, size in _SIZES.items():
        layout += [(f"{name}_bytes", ">i4"), (name, f">i{size}")]
    layout += [("vector_bytes", ">i4"), ("length", ">i2"), ("unused", ">i2")]
    layout += [("vector", ">f2", (dimension,))]
    made = np.zeros(len(places), dtype=layout)
    made["fields"] = len(_SIZES) + 1
    for name, size in _SIZES.items():
        made[f"{name}_bytes"] = size
    made["vector_bytes"] = 4 + 2 * dimension
    made["part"] = [part for part, _ in places]
    made["row"] = [row for _, row in places]
    made["space"] = space
    made["digest"] = digests
    made["length"] = dimension
    made["vector"] = vectors
    return made


def read(data: bytes) -> Vectors:
    """A halfvec as a binary result brings it, [d]."""
    return np.frombuffer(data, dtype=">f2", offset=4).astype(np.float32)


def literal(vector: Vectors) -> str:
    """A vector as PostgreSQL's input reads it."""
    return "[" + ",".join(map(repr, vector.astype(np.float32).ravel().tolist())) + "]"
