"""What every table shares: ids, times, ownership. Times are UTC. Ids are random hex, so that
rows can move between databases.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field


def new_id() -> str:
    return uuid.uuid4().hex


def now() -> datetime:
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """SQLite forgets the time zone; what we store is UTC, so say so when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


def row_id() -> Any:
    return Field(default_factory=new_id, primary_key=True, max_length=32)


def owned_by(table: str, *, index: bool = True, nullable: bool = False) -> Any:
    """A foreign key that goes when its owner goes."""
    return Field(
        sa_column_args=(ForeignKey(f"{table}.id", ondelete="CASCADE"),),
        sa_column_kwargs={"index": index, "nullable": nullable},
        max_length=32,
    )


def made_at() -> Any:
    return Field(default_factory=now, sa_type=UtcTime)


def maybe_time() -> Any:
    return Field(default=None, sa_column=Column(UtcTime, nullable=True))
