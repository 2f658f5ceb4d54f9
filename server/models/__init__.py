"""The tables. They are the truth; indexes and everything derived can be rebuilt from them."""

from server.models.base import new_id, now
from server.models.lore import Lorebook, LoreEntry
from server.models.manuscript import (
    Chapter,
    ChapterRevision,
    Character,
    Generation,
    OutlineNode,
    Upload,
    Volume,
    Work,
)
from server.models.recap import Recap
from server.models.story import Fact, Knowers, Progression, Scene
from server.models.template import TemplateVersion

__all__ = [
    "Chapter", "ChapterRevision", "Character", "Fact", "Generation", "Knowers", "LoreEntry",
    "Lorebook", "OutlineNode", "Progression", "Recap", "Scene", "TemplateVersion", "Upload", "Volume", "Work",
    "new_id", "now",
]  # fmt: skip
