"""Lorebooks in the files of other tools: SillyTavern's World Info, NovelAI's lorebooks, and the
character_book of V2 and V3 cards (Character Card V2 and V3 specifications), alone or inside a card.

    fields            one column of ours, one field of theirs, both ways
    world_info        SillyTavern's own file
    character_book    the book of a card, and the standalone `lorebook_v3`
    novelai           a NovelAI lorebook
    untrusted         JSON from elsewhere, as plain data

Files become plain columns, as the table of entries has them. What a file says is kept whole, so
that writing it again changes only what the author changed.
"""

from retrieval.lore.formats.files import (
    Format,
    LoreFile,
    UnknownLorebook,
    lore_in,
    read_lore,
    write_lore,
)
from retrieval.lore.formats.untrusted import parse_json

__all__ = [
    "Format",
    "LoreFile",
    "UnknownLorebook",
    "lore_in",
    "parse_json",
    "read_lore",
    "write_lore",
]
