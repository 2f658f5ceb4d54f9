"""Lorebooks: entries that join a prompt when the text names them. See `activation.activate`.

types       the nouns            patterns    regular expressions that cannot hang
keys        all keys at once     prepared    books made ready for searching
firing      one turn: keys, recursion, groups, dice
timing      sticky, cooldown, delay, replayed from the text
replay      what was played      budget      what stands
turns       a novel as turns     items       hits as items of the prompt
chance      dice that fall the same way again
"""

from retrieval.lore.activation import activate
from retrieval.lore.items import items, lore_items
from retrieval.lore.patterns import key_faults
from retrieval.lore.prepared import PreparedLore, prepare
from retrieval.lore.turns import depth_offset, turns_of
from retrieval.lore.types import (
    Activation,
    Cause,
    Logic,
    Lorebook,
    LoreEntry,
    LoreHit,
    Placement,
)

__all__ = [
    "Activation", "Cause", "Logic", "LoreEntry", "LoreHit", "Lorebook", "Placement",
    "PreparedLore", "activate", "depth_offset", "items", "key_faults",
    "lore_items",
    "prepare", "turns_of",
]  # fmt: skip
