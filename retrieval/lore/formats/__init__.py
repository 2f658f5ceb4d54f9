"""Lorebooks in the files of other tools: SillyTavern's World Info, and the character_book of V2
and V3 cards (Character Card V2 and V3 specifications), alone or inside a card.

    fields            one column of ours, one field of theirs, both ways
    world_info        SillyTavern's own file
    character_book    the book of a card, and the standalone `lorebook_v3`

Files become plain columns, as the table of entries has them. What a file says is kept whole, so
that writing it again changes only what the author changed.
"""

from retrieval.lore.formats.files import Format, LoreFile, UnknownLorebook, read_lore, write_lore

__all__ = ["Format", "LoreFile", "UnknownLorebook", "read_lore", "write_lore"]
