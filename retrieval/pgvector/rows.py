"""What is written to the tables, and deleted from them. Callers hold the work's turn to write.

Digests are unsigned (`passage_columns.text_digest`), bigint is not: the same 64 bits are kept.
Every function may raise psycopg.Error.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta

from retrieval.passage_columns import text_digest
from retrieval.pgvector.database import Connection
from retrieval.pgvector.state import Mark, Space, State, bytes_of
from retrieval.pgvector.vectors import Place
from retrieval.types import Passage

GRACE = timedelta(minutes=10)
"""How long passages and vectors outlive the state that named them, for its readers."""


def add_parts(
    connection: Connection, work: str, chapters: Sequence[Sequence[Passage]]
) -> list[int]:
    """New parts, one for each chapter's passages; nobody sees them before `publish`."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO yanchi_vectors.parts (work) SELECT %s FROM generate_series(1, %s)"
            " RETURNING id",
            (work, len(chapters)),
        )
        parts = [int(row[0]) for row in cursor.fetchall()]
        with cursor.copy(
            "COPY yanchi_vectors.passages (part, row, start, stop, digest, text) FROM STDIN"
        ) as copy:
            for part, passages in zip(parts, chapters, strict=True):
                for row, one in enumerate(passages):
                    digest = signed(text_digest(one.text))
                    copy.write_row((part, row, one.start, one.end, digest, bytes_of(one.text)))
    return parts


def signed(digest: int) -> int:
    return digest - (1 << 64) if digest >= 1 << 63 else digest


def fill_known(connection: Connection, space: Space, parts: Sequence[int]) -> None:
    """Give the passages of these parts the vectors that their texts have in the space already."""
    connection.execute(
        "INSERT INTO yanchi_vectors.embeddings (part, row, space, digest, vector)"
        " SELECT p.part, p.row, %(space)s, p.digest, known.vector"
        " FROM yanchi_vectors.passages p CROSS JOIN LATERAL ("
        "   SELECT vector FROM yanchi_vectors.embeddings e"
        "   WHERE e.space = %(space)s AND e.digest = p.digest LIMIT 1) known"
        " WHERE p.part = ANY(%(parts)s) AND NOT EXISTS ("
        "   SELECT FROM yanchi_vectors.embeddings e"
        "   WHERE e.part = p.part AND e.row = p.row AND e.space = %(space)s)"
        " ON CONFLICT (part, row, space) DO NOTHING",
        {"space": space.id, "parts": list(parts)},
    )


def missing(
    connection: Connection, space: Space, parts: Sequence[int]
) -> tuple[list[tuple[Place, int]], int]:
    """One place, and the digest, of each distinct text without a vector, in the parts' order;
    and how many passages have such a text."""
    found = connection.execute(
        "SELECT p.part, p.row, p.digest FROM yanchi_vectors.passages p"
        " WHERE p.part = ANY(%(parts)s) AND NOT EXISTS ("
        "   SELECT FROM yanchi_vectors.embeddings e"
        "   WHERE e.part = p.part AND e.row = p.row AND e.space = %(space)s)",
        {"space": space.id, "parts": list(parts)},
    ).fetchall()
    order = {part: place for place, part in enumerate(parts)}
    first: dict[int, Place] = {}
    for part, row, digest in sorted(found, key=lambda one: (order[one[0]], one[1])):
        first.setdefault(digest, (part, row))
    return [(place, digest) for digest, place in first.items()], len(found)


def removed(connection: Connection, old: Sequence[Mark], new: Sequence[Mark]) -> int:
    """Passages of the old state whose text is gone; unchanged chapters cancel out."""
    before, after = {mark.part for mark in old}, {mark.part for mark in new}
    if not before - after:
        return 0
    gone = _digests(connection, before - after) - _digests(connection, after - before)
    return gone.total()


def _digests(connection: Connection, parts: Collection[int]) -> Counter[int]:
    found = connection.execute(
        "SELECT digest FROM yanchi_vectors.passages WHERE part = ANY(%s)", (list(parts),)
    )
    return Counter(digest for (digest,) in found)


def texts(connection: Connection, places: Sequence[Place]) -> list[str]:
    """Of the passages in these places, in order."""
    found = connection.execute(
        "SELECT p.text FROM unnest(%s::bigint[], %s::integer[]) WITH ORDINALITY"
        " AS wanted (part, row, at) JOIN yanchi_vectors.passages p USING (part, row) ORDER BY at",
        ([part for part, _ in places], [row for _, row in places]),
    )
    return [data.decode("utf-8", "surrogatepass") for (data,) in found]


def publish(
    connection: Connection, work: str, old: State, marks: Sequence[Mark], space: Space | None
) -> None:
    """Make this the work's state, at once for everybody."""
    known = set(old.marks)
    changed = [mark for mark in marks if mark not in known]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM yanchi_vectors.chapters WHERE work = %s AND id <> ALL(%s)",
            (work, [mark.id for mark in marks]),
        )
        cursor.executemany(
            "INSERT INTO yanchi_vectors.chapters"
            " (work, id, place, title, digest, part, passages, searchable)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (work, id) DO UPDATE SET"
            " place = excluded.place, title = excluded.title, digest = excluded.digest,"
            " part = excluded.part, passages = excluded.passages,"
            " searchable = excluded.searchable",
            [
                (work, m.id, m.order, bytes_of(m.title), m.digest, m.part, m.passages, m.searchable)
                for m in changed
            ],
        )
        _retire(connection, work, [mark.part for mark in marks], space)
        touch(connection, work, space)


def touch(connection: Connection, work: str, space: Space | None) -> None:
    """Another generation: readers look again."""
    connection.execute(
        "INSERT INTO yanchi_vectors.works (id, generation, space)"
        " VALUES (%s, nextval('yanchi_vectors.generations'), %s) ON CONFLICT (id)"
        " DO UPDATE SET generation = excluded.generation, space = excluded.space",
        (work, None if space is None else space.id),
    )


def _retire(connection: Connection, work: str, parts: Sequence[int], space: Space | None) -> None:
    """From now on only these parts and this space are in use; what was is deleted later."""
    connection.execute(
        "UPDATE yanchi_vectors.parts SET retired = CASE WHEN id = ANY(%(used)s) THEN NULL"
        " ELSE now() END WHERE work = %(work)s AND (retired IS NULL) <> (id = ANY(%(used)s))",
        {"work": work, "used": list(parts)},
    )
    connection.execute(
        "UPDATE yanchi_vectors.spaces SET retired = CASE WHEN id = %(used)s THEN NULL"
        " ELSE now() END WHERE work = %(work)s AND (retired IS NULL) <> (id = %(used)s)",
        {"work": work, "used": -1 if space is None else space.id},
    )


def sweep(connection: Connection, work: str, keep: Space | None) -> list[int]:
    """Delete what was retired longer ago than GRACE, but not `keep`, which is being filled; the
    spaces that are gone."""
    with connection.transaction():
        spaces = connection.execute(
            "DELETE FROM yanchi_vectors.spaces WHERE work = %s AND id <> %s"
            " AND retired < now() - %s RETURNING id",
            (work, -1 if keep is None else keep.id, GRACE),
        ).fetchall()
        parts = connection.execute(
            "DELETE FROM yanchi_vectors.parts WHERE work = %s AND retired < now() - %s"
            " RETURNING id",
            (work, GRACE),
        ).fetchall()
        gone = [int(row[0]) for row in spaces]
        _delete_parts(connection, [int(row[0]) for row in parts])
        if gone:
            connection.execute(
                "DELETE FROM yanchi_vectors.embeddings WHERE space = ANY(%s)", (gone,)
            )
    return gone


def delete_work(connection: Connection, work: str) -> list[int]:
    """Everything of a work, at once; the spaces that are gone."""
    with connection.transaction():
        connection.execute("DELETE FROM yanchi_vectors.works WHERE id = %s", (work,))
        connection.execute("DELETE FROM yanchi_vectors.chapters WHERE work = %s", (work,))
        spaces = connection.execute(
            "DELETE FROM yanchi_vectors.spaces WHERE work = %s RETURNING id", (work,)
        ).fetchall()
        parts = connection.execute(
            "DELETE FROM yanchi_vectors.parts WHERE work = %s RETURNING id", (work,)
        ).fetchall()
        _delete_parts(connection, [int(row[0]) for row in parts])
    return [int(row[0]) for row in spaces]


def _delete_parts(connection: Connection, parts: Sequence[int]) -> None:
    if parts:
        wanted = (list(parts),)
        connection.execute("DELETE FROM yanchi_vectors.embeddings WHERE part = ANY(%s)", wanted)
        connection.execute("DELETE FROM yanchi_vectors.passages WHERE part = ANY(%s)", wanted)


def note_graph(
    connection: Connection, work: str, space: Space, beam: int | None, recall: float
) -> None:
    """Search the space with this beam from now on, or exactly; and why."""
    with connection.transaction():
        connection.execute(
            "UPDATE yanchi_vectors.spaces SET beam = %s, recall = %s WHERE id = %s",
            (beam, recall, space.id),
        )
        connection.execute(
            "UPDATE yanchi_vectors.works SET generation = nextval('yanchi_vectors.generations')"
            " WHERE id = %s",
            (work,),
        )
