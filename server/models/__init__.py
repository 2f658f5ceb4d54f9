"""The tables. They are the truth; indexes and everything derived can be rebuilt from them."""

from server.models.base import new_id, now
from server.models.document import Document, DocumentPart
from server.models.key import ApiKey, ApiUse
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
from server.models.memory import TalkMemory, TalkSummary
from server.models.persona import Avatar, ChatMessage, Conversation, Member, Persona
from server.models.portrait import Portrait
from server.models.recap import Recap
from server.models.story import Fact, Knowers, Progression, Relation, Scene
from server.models.template import TemplateVersion
from server.models.thread import Thread, ThreadEvent

__all__ = [
    "ApiKey", "ApiUse", "Avatar", "Chapter", "ChapterRevision", "Character", "ChatMessage",
    "Conversation", "Document", "DocumentPart", "Fact", "Generation", "Knowers", "LoreEntry",
    "Lorebook", "Member", "OutlineNode", "Persona", "Portrait", "Progression", "Recap",
    "Relation", "Scene", "TalkMemory", "TalkSummary", "TemplateVersion", "Thread", "ThreadEvent",
    "Upload", "Volume", "Work", "new_id", "now",
]  # fmt: skip
