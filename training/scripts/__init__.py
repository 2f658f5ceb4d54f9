"""Scripts to dialogue: acts and scenes, who says what, and what one character learns from it.

`parse` makes a `Script` of any text without losing a character; `dialogues` makes items of a
chosen character's turns. Knows nothing of models or of how a data set is stored.
"""

from training.scripts.parsing import parse
from training.scripts.structure import Block, Heading, Part, Scene, Script

__all__ = ["Block", "Heading", "Part", "Scene", "Script", "parse"]
