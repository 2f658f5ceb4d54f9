"""Which kind of file a card is in: JSON, PNG or CHARX, told by its first bytes, not by its name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retrieval.lore.formats import parse_json
from server.personas.interchange import png
from server.personas.interchange.cards import Card, Version, read_card
from server.personas.interchange.charx import is_zip, read_charx, write_charx
from server.personas.interchange.refusals import check_json_size, unknown

Form = Literal["v1", "v2", "v3", "png", "charx"]
MEDIA_TYPES: dict[Form, str] = {
    "v1": "application/json",
    "v2": "application/json",
    "v3": "application/json",
    "png": "image/png",
    "charx": "application/zip",
}
EXTENSIONS: dict[Form, str] = {
    "v1": "json",
    "v2": "json",
    "v3": "json",
    "png": "png",
    "charx": "charx",
}
CARD_WORDS = ("ccv3", "chara")
"""Keywords of a PNG's text, V3's first: it wins."""
LORE_WORDS = ("naidata", *CARD_WORDS)
"""NovelAI's lorebooks go round in pictures too."""


@dataclass(frozen=True, slots=True)
class CardFile:
    card: Card
    picture: bytes | None
    """As it came, unchecked."""
    left: tuple[str, ...] = ()
    """Names of the files in a CHARX that are not taken."""


def read_card_file(data: bytes) -> CardFile:
    """Raises Invalid or Refused where it is no card that can be read, TooLarge."""
    if png.is_png(data):
        card = read_card(_parsed(_inside_png(data, CARD_WORDS)))
        return CardFile(card, png.without_text(data))
    if is_zip(data):
        charx = read_charx(data)
        card = read_card(_parsed(charx.card))
        picture, left = charx.icon(card.kept["data"].get("assets"))
        return CardFile(card, picture, tuple(left))
    check_json_size(len(data))
    return CardFile(read_card(_parsed(data)), None)


def lore_json(data: bytes) -> bytes:
    """The JSON in which a lorebook lies: that of a PNG or a CHARX, else the bytes themselves.
    Raises as `read_card_file`."""
    if png.is_png(data):
        return _inside_png(data, LORE_WORDS)
    return read_charx(data).card if is_zip(data) else data


def write_card_file(
    form: Form, told: Callable[..., dict[str, Any]], picture: Callable[[], bytes]
) -> bytes:
    """`told(version, embedded=)`: the card as an object; `picture`: a PNG of its person."""
    if form == "png":
        # Both, as the specification of V3 asks, for readers that know V2 alone.
        texts = {"chara": _json(told(2)), "ccv3": _json(told(3))}
        return png.with_text(picture(), texts)
    if form == "charx":
        return write_charx(_json(told(3, embedded=True)), picture())
    version: Mapping[str, Version] = {"v1": 1, "v2": 2, "v3": 3}
    return _json(told(version[form]), indent=2)


def _inside_png(data: bytes, keywords: tuple[str, ...]) -> bytes:
    found = png.read_text(data, keywords)
    if found is None:
        raise unknown("这张 PNG 里没有人物卡或设定集，它只是一张图片；请换一张带卡的 PNG。")
    return found


def _parsed(data: bytes) -> Any:
    try:
        return parse_json(data)
    except ValueError as error:
        raise unknown("这个文件不是人物卡：它不是 UTF-8 的 JSON，或套得太深。") from error


def _json(told: Mapping[str, Any], indent: int | None = None) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=indent).encode()
