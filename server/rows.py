"""A table's rows as every prompt reads them: all of a work's, and nobody changes them.

Objects of the session cost about ten times what their columns do, building a statement more than
running it, and running it through the session twice what its connection takes. So a statement is
built once, columns are read by `fetched`, JSON as its text, and the objects made of them are kept
while the columns stay the same.
"""

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    JSON,
    ColumnElement,
    Executable,
    SQLColumnExpression,
    Text,
    bindparam,
    inspect,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy import select as columns
from sqlalchemy.orm import InstrumentedAttribute, Mapped
from sqlmodel import Session, SQLModel

from server.kept import Kept

OF: Any = bindparam("of")
"""In a condition: whose rows are wanted."""
UNREAD = frozenset({"created_at", "updated_at", "deleted_at", "extra"})
"""Columns that no prompt needs."""

Row = TypeVar("Row", bound=SQLModel)


def fetched(session: Session, statement: Executable, **parameters: Any) -> Sequence[Any]:
    """The rows of a select of columns, past the session's own handling of results; what it has
    not written yet is written first, as the session itself would."""
    if session.autoflush:
        session.flush()
    return session.connection().execute(statement, parameters).all()


class Rows(Generic[Row]):
    """Rows of `table` that fit the condition (over `OF`), in the given order."""

    def __init__(
        self, table: type[Row], condition: ColumnElement[bool], *order: Mapped[Any]
    ) -> None:
        mapped = inspect(table).column_attrs
        attributes = {a.key: getattr(table, a.key) for a in mapped if a.key not in UNREAD}
        self._names = tuple(attributes)
        self._json = {n for n, a in attributes.items() if isinstance(a.type, JSON)}
        self._statement = (
            columns(*(self._read(name, a) for name, a in attributes.items()))
            .where(condition)
            .order_by(*order)
        )
        self._kept: Kept[list[tuple[Any, ...]], Sequence[Row]] = Kept(self._made)

    def of(self, session: Session, owner: str) -> Sequence[Row]:
        """The rows, with the table's attributes but for UNREAD: the same objects while nothing
        has changed. They belong to no session and must not be changed."""
        rows = fetched(session, self._statement, of=owner)
        return self._kept.of(owner, [tuple(row) for row in rows])

    def _read(self, name: str, attribute: InstrumentedAttribute[Any]) -> SQLColumnExpression[Any]:
        return sql_cast(attribute, Text) if name in self._json else attribute

    def _made(self, rows: list[tuple[Any, ...]]) -> Sequence[Row]:
        return tuple(cast(Row, self._object(row)) for row in rows)

    def _object(self, row: tuple[Any, ...]) -> SimpleNamespace:
        values = zip(self._names, row, strict=True)
        return SimpleNamespace(
            **{n: json.loads(v) if v is not None and n in self._json else v for n, v in values}
        )
