"""Pictures of characters, beside their rows: a list of the cast does not read them."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from server.models.base import made_at


class Portrait(SQLModel, table=True):
    character_id: str = Field(
        primary_key=True, foreign_key="character.id", ondelete="CASCADE", max_length=32
    )
    image: bytes = Field(sa_type=LargeBinary)
    """WebP, at most `server.portraits.SIDE` pixels a side."""
    sha256: str = Field(max_length=64)
    updated_at: datetime = made_at()
