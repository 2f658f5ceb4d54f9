"""Wire shapes of a work's order."""

from pydantic import BaseModel, Field

from server.schemas.common import Id, Wanted
from server.schemas.manuscript import ChapterOut, VolumeOut


class VolumeOrder(Wanted):
    id: Id
    chapters: list[Id] = Field(max_length=20_000)


class OrderIn(Wanted):
    """Every volume and every chapter that is not in the bin, each exactly once."""

    volumes: list[VolumeOrder] = Field(default_factory=list, max_length=2000)
    loose: list[Id] = Field(
        default_factory=list, max_length=20_000, description="In no volume; they come first."
    )


class OrderOut(BaseModel):
    volumes: list[VolumeOut]
    chapters: list[ChapterOut]
