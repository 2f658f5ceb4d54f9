"""What the database says of a work: its chapters, where their passages lie, and which vectors.

Small and read whole; passages and vectors are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.pgvector.database import Connection, one
from retrieval.snapshot import Maker


@dataclass(frozen=True, slots=True)
class Space:
    """One model's vectors of one work; `beam` is what its graph is searched with, if it has one."""

    id: int
    maker: Maker
    beam: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter, in the state that was indexed, and its part."""

    id: str
    order: int
    title: str
    digest: str
    """SHA-256 of the text."""
    part: int
    passages: int
    searchable: bool
    """Whether every passage has a vector in the work's space."""


@dataclass(frozen=True, slots=True)
class State:
    """`generation` None: the work was never indexed, or was dropped. Marks in story order."""

    generation: int | None = None
    marks: Sequence[Mark] = ()
    space: Space | None = None


def generation(connection: Connection, work: str) -> int | None:
    """Changes with every state of a work, and never comes back."""
    row = connection.execute(
        "SELECT generation FROM yanchi_vectors.works WHERE id = %s", (work,)
    ).fetchone()
    return None if row is None else int(row[0])


def read(connection: Connection, work: str) -> State:
    """The current state, all of one moment. Raises psycopg.Error."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute(
            "SELECT w.generation, s.id, s.name, s.fingerprint, s.dimension, s.source, s.beam"
            " FROM yanchi_vectors.works w LEFT JOIN yanchi_vectors.spaces s ON s.id = w.space"
            " WHERE w.id = %s",
            (work,),
        ).fetchone()
        if row is None:
            return State()
        told = connection.execute(
            "SELECT id, place, title, digest, part, passages, searchable"
            " FROM yanchi_vectors.chapters WHERE work = %s ORDER BY place",
            (work,),
        ).fetchall()
    current, space, name, fingerprint, dimension, source, beam = row
    maker = None if space is None else Maker(name, fingerprint, dimension, source)
    marks = tuple(Mark(id_, place, text_of(title), *rest) for id_, place, title, *rest in told)
    return State(current, marks, None if maker is None else Space(space, maker, beam))


def space_of(connection: Connection, work: str, maker: Maker) -> Space:
    """The work's space for this model's vectors, made where there is none.

    Asking keeps one that is still being filled from being swept away.
    """
    row = connection.execute(
        "INSERT INTO yanchi_vectors.spaces (work, fingerprint, dimension, name, source)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (work, fingerprint, dimension)"
        " DO UPDATE SET name = excluded.name, source = excluded.source,"
        " retired = CASE WHEN spaces.retired IS NULL THEN NULL ELSE now() END RETURNING id, beam",
        (work, maker.fingerprint, maker.dimension, maker.name, maker.source),
    ).fetchone()
    assert row is not None
    return Space(row[0], maker, row[1])


def rows_in(connection: Connection, space: Space) -> int:
    """How many passages have a vector there."""
    counted = connection.execute(
        "SELECT count(*) FROM yanchi_vectors.embeddings WHERE space = %s", (space.id,)
    )
    return int(one(counted))


def bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
