"""Relations between characters: rows, kept and checked, and as retrieval takes them.

Functions take an open session and leave the transaction to the caller.
"""

from sqlmodel import Session, col, or_, select

from retrieval.relations import standing_relations
from retrieval.timeline import View
from server import manuscript
from server.errors import Invalid, NotFound
from server.models import Relation, now
from server.story import Order, as_relation
from server.story_checks import TIME, Fields, changes, check_time


def list_relations(
    session: Session, work_id: str, character_id: str | None = None
) -> list[Relation]:
    """Of a work, or of one of its characters whichever side they stand on."""
    query = select(Relation).where(Relation.work_id == work_id)
    if character_id is not None:
        query = query.where(or_(Relation.a == character_id, Relation.b == character_id))
    return list(session.exec(query.order_by(col(Relation.created_at), col(Relation.id))))


def get_relation(session: Session, work_id: str, relation_id: str) -> Relation:
    row = session.get(Relation, relation_id)
    if row is None or row.work_id != work_id:
        raise NotFound("没有这条人物关系，它可能已被删除。", code="relation_not_found")
    return row


def add_relation(session: Session, work_id: str, fields: Fields) -> Relation:
    """Raises NotFound, or Invalid for times that cannot be and for one alone."""
    row = Relation(work_id=work_id, **fields)
    _check_people(session, row)
    check_time(session, row)
    session.add(row)
    session.flush()
    return row


def change_relation(session: Session, row: Relation, fields: Fields) -> None:
    # Flushed before it is checked, nobody's id would be a foreign key's error.
    with session.no_autoflush:
        row.sqlmodel_update(changes(fields))
        _check_people(session, row)
        if TIME & fields.keys():
            check_time(session, row)
    row.updated_at = now()


def standing_rows(rows: list[Relation], order: Order, view: View) -> list[Relation]:
    """Those of the rows that hold at the place and may be seen there."""
    plain = [as_relation(row, order) for row in rows]
    ids = {relation.id for relation in standing_relations(plain, view)}
    return [row for row in rows if row.id in ids]


def _check_people(session: Session, row: Relation) -> None:
    if row.a == row.b:
        raise Invalid("关系要在两个人物之间，请选另一个人物。", code="relation_with_self")
    for character_id in (row.a, row.b):
        manuscript.get_character(session, row.work_id, character_id)
