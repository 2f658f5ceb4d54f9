"""Rows of a project file, checked before any of them is kept: its maker is not trusted.

A row must have the shape in which the wire shows it and fit its table's columns, so that what
was let in can be shown, changed and exported again.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from annotated_types import MaxLen
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from sqlmodel import SQLModel

from server.errors import Invalid
from server.models import Work
from server.project.tables import WORK, Table, told_columns
from server.schemas.manuscript import WorkChange, WorkOut

MOST_INT = 2**31 - 1
"""What a column of whole numbers holds in every database."""
_LOOSE = ConfigDict(extra="ignore", allow_inf_nan=False)


def damaged(what: str) -> Invalid:
    return Invalid(f"工程文件已损坏：{what}。请重新导出一份再导入。", code="damaged_file")


def check_plain(value: Any) -> None:
    """No number too large and no character that a database refuses. Raises Invalid."""
    if isinstance(value, dict):
        for key, inner in value.items():
            check_plain(key)
            check_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            check_plain(inner)
    elif isinstance(value, int) and abs(value) > MOST_INT:
        raise damaged("有一个数太大了")
    elif isinstance(value, str) and ("\0" in value or not _encodes(value)):
        raise damaged("里面有无法保存的字符")


def check_row(table: Table, fields: Any, number: int) -> dict[str, Any]:
    """The columns' values; what the file does not say is as the table has it. Raises Invalid."""
    if table.name not in _shapes:
        columns = [c for c in told_columns(table) if c != "evidence_revision"]
        _shapes[table.name] = _shape(table.model, table.shape, columns, table.checks)
    return _checked(_shapes[table.name], fields, f"{table.name} 的第 {number} 条")


def check_work(fields: Any) -> dict[str, Any]:
    found = _checked(_WORK, fields, "作品信息")
    try:
        WorkChange(defaults=found["defaults"])
    except ValidationError as error:
        raise damaged("续写的默认设置不对") from error
    return found


def _checked(shape: type[BaseModel], fields: Any, where: str) -> dict[str, Any]:
    try:
        return shape.model_validate(fields).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise damaged(f"{where}里的 {place or '内容'} 不对") from error


def _shape(
    model: type[SQLModel], wire: type[BaseModel], columns: Iterable[str], checks: Mapping[str, Any]
) -> type[BaseModel]:
    fields: dict[str, Any] = {c: _field(model, wire, c, checks) for c in columns}
    return create_model(model.__name__, __config__=_LOOSE, **fields)


def _field(
    model: type[SQLModel], wire: type[BaseModel], column: str, checks: Mapping[str, Any]
) -> tuple[Any, Any]:
    """The wire's type under the table's limits, and the table's default."""
    own, shown = model.model_fields[column], wire.model_fields.get(column)
    typed: Any = checks.get(column, shown.annotation if shown else own.annotation)
    limits = [limit for limit in own.metadata if isinstance(limit, MaxLen)]
    if shown is not None and column not in checks:
        limits += shown.metadata
    for limit in limits:
        typed = Annotated[typed, limit]
    if own.is_required():
        return typed, Field()
    return typed, Field(default_factory=lambda: own.get_default(call_default_factory=True))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_shapes: dict[str, type[BaseModel]] = {}
_WORK = _shape(Work, WorkOut, WORK, {})
