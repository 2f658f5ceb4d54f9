"""One column of ours against one field of a foreign file, both ways, without loss.

An entry keeps the foreign object it came from. Writing starts from that object and replaces only
the fields whose column now says something else, so that unknown fields, and values that our
columns cannot tell apart (null and false, say), survive a round trip.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    column: str
    read: Callable[[Raw], Any]
    write: Callable[[Any], dict[str, Any]]
    """The foreign fields that say this value; nested ones are merged."""


def read_fields(fields: Iterable[Field], raw: Raw) -> dict[str, Any]:
    return {field.column: field.read(raw) for field in fields}


def write_fields(fields: Iterable[Field], columns: Mapping[str, Any], raw: Raw) -> dict[str, Any]:
    """`raw` with those fields replaced that read as something else than their column."""
    told: dict[str, Any] = deepcopy(dict(raw))
    for field in fields:
        value = columns[field.column]
        if not raw or field.read(raw) != value:
            _merge(told, field.write(value))
    return told


def text(name: str, column: str, most: int | None = None) -> Field:
    return Field(column, lambda raw: str(raw.get(name) or "")[:most], lambda v: {name: v})


def flag(name: str, column: str, default: bool = False) -> Field:
    def read(raw: Raw) -> bool:
        return default if raw.get(name) is None else bool(raw[name])

    return Field(column, read, lambda v: {name: v})


def whole(name: str, column: str, default: int, low: int = 0, high: int = 10_000) -> Field:
    return Field(column, lambda raw: number(raw.get(name), default, low, high), lambda v: {name: v})


def maybe(name: str, column: str, shift: int = 0, high: int = 1_000_000) -> Field:
    """A number or nothing; theirs is ours plus `shift`."""

    def read(raw: Raw) -> int | None:
        if raw.get(name) is None:
            return None
        return max(0, number(raw[name], 0, 0, high) - shift)

    return Field(column, read, lambda v: {name: None if v is None else v + shift})


def inside(name: str, field: Field) -> Field:
    """The field, one object deeper."""
    return Field(
        field.column, lambda raw: field.read(part(raw, name)), lambda v: {name: field.write(v)}
    )


def ours(column: str, otherwise: Callable[[Raw], Any], check: Callable[[Any], bool]) -> Field:
    """A column without a foreign field: written under `extensions.yanchi`, and read from there
    where it passes the check."""

    def read(raw: Raw) -> Any:
        mine = part(part(raw, "extensions"), "yanchi")
        return mine[column] if column in mine and check(mine[column]) else otherwise(raw)

    return Field(column, read, lambda v: {"extensions": {"yanchi": {column: v}}})


def between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def number(value: Any, default: int, low: int, high: int) -> int:
    """A whole number within the bounds, whatever the file says."""
    try:
        return max(low, min(high, int(float(value))))
    except (TypeError, ValueError, OverflowError):
        return default


def words(value: Any) -> list[str]:
    """Keys, from a list or from text with commas."""
    several: Sequence[Any] = value.split(",") if isinstance(value, str) else value or []
    if not isinstance(several, list):
        return []
    return [key.strip() for key in several if isinstance(key, str) and key.strip()]


def part(raw: Raw, name: str) -> Raw:
    inner = raw.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _merge(told: dict[str, Any], change: Mapping[str, Any]) -> None:
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(told.get(name), dict):
            _merge(told[name], value)
        else:
            told[name] = value
