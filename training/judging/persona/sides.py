"""Who is compared: with the card or without, with what retrieval brings, on the base or tuned."""

from collections.abc import Mapping
from enum import StrEnum


class Side(StrEnum):
    """Who answers. Those that are tuned have the card too: it is what they are served with."""

    BASE = "base"
    CARD = "card"
    RECALLING = "card+retrieval"
    TUNED = "adapter"
    TUNED_RECALLING = "adapter+retrieval"

    @property
    def tuned(self) -> bool:
        return self in (Side.TUNED, Side.TUNED_RECALLING)

    @property
    def recalling(self) -> bool:
        return self in (Side.RECALLING, Side.TUNED_RECALLING)


REFERENCE = "reference"
"""The character's own lines of the scenes held out: nobody can come nearer."""
OTHER = "other"
"""Another character's lines of those scenes: what is no nearer is nothing like them."""

NAMES: Mapping[str, str] = {
    Side.BASE: "底座",
    Side.CARD: "人物卡",
    Side.RECALLING: "人物卡＋检索",
    Side.TUNED: "适配器",
    Side.TUNED_RECALLING: "适配器＋检索",
    REFERENCE: "本人原话",
    OTHER: "别人原话",
}
"""For people, in the order in which they stand side by side."""
