"""Who is compared: two by two, tuned or not, with what retrieval recalls or without."""

from collections.abc import Mapping
from enum import StrEnum


class Side(StrEnum):
    """Who writes an answer."""

    BASE = "base"
    TUNED = "adapter"
    BASE_RECALLING = "base+retrieval"
    TUNED_RECALLING = "adapter+retrieval"

    @property
    def tuned(self) -> bool:
        return self in (Side.TUNED, Side.TUNED_RECALLING)

    @property
    def recalling(self) -> bool:
        return self in (Side.BASE_RECALLING, Side.TUNED_RECALLING)


REFERENCE = "reference"
"""Where sides are compared: what the person wrote."""

NAMES: Mapping[str, str] = {
    Side.BASE: "底座",
    Side.TUNED: "适配器",
    Side.BASE_RECALLING: "底座＋检索",
    Side.TUNED_RECALLING: "适配器＋检索",
    REFERENCE: "原文",
}
"""For people, in the order in which they stand side by side."""
