"""What could stand in a continuation's prompt, from plain story data to context items.

One place decides each item's group, priority and order, so that live prompts and
training examples agree. It knows stories, not rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from retrieval import tail
from retrieval.facts import fact_items
from retrieval.mentions import Mentions
from retrieval.settling import excluded
from retrieval.states import Hidden
from retrieval.threads import Thread, thread_items
from retrieval.timeline import View
from retrieval.types import Character, ContextItem, Fact, Found, Group, Refused

SCENE_CHARS = 3000
"""How far back a name still counts as present in the scene, characters."""


VOICE_CHARS = 240
"""How much of a voice a prompt shows, characters."""


@dataclass(frozen=True, slots=True)
class OutlineNote:
    """An outline node that bears on the chapter: its plan, its volume's, the next one's."""

    id: str
    source: str
    text: str
    priority: float


@dataclass(frozen=True, slots=True)
class Brief:
    """All that is known when a passage is to be written at one point of a chapter."""

    title: str
    chapter_title: str
    before: str
    """The chapter's text up to the place of writing, or the end of the chapter before it
    when the chapter has not begun."""
    opens_chapter: bool = False
    style: str = ""
    synopsis: str = ""
    beat: str = ""
    length: int = 0
    cast: Sequence[Character] = ()
    """Everybody, each with the sheet that `standing` gives at this place."""
    hidden: Sequence[Hidden] = ()
    """What of their sheets may not be shown here."""
    facts: Sequence[Fact] = ()
    """All of the work's; `view` decides which may stand."""
    view: View = field(default_factory=View)
    """Where this is written and through whose eyes."""
    outline: Sequence[OutlineNote] = ()
    threads: Sequence[Thread] = ()
    """All of the work's; `view` decides which are open, and what of them may stand."""
    recaps: Sequence[ContextItem] = ()
    """As `retrieval.memory` offers them for this place."""
    lore: Sequence[ContextItem] = ()
    """As `retrieval.lore` activated it for this place."""
    kept_out: Sequence[Refused] = ()
    """Lore that was called and may not stand, with the reason."""
    found: Sequence[Found] = ()
    asked: Sequence[ContextItem] = ()
    """What is asked for in the beat's place, where it is no continuation."""
    pinned: frozenset[str] = field(default_factory=frozenset)
    excluded: frozenset[str] = field(default_factory=frozenset)


def candidates_for(brief: Brief) -> tuple[list[ContextItem], list[Refused]]:
    """(every candidate, what bears on this place but may not stand there with the reason that
    the author is told). Pins and exclusions are applied; order inside a group is the story's."""
    named = _named(brief)
    facts, unknown = fact_items(
        brief.facts, brief.cast, named.anywhere, _texts(brief), brief.view, brief.pinned
    )
    items = [
        *_frame(brief),
        *brief.recaps,
        *_outline(brief),
        *_cast(brief, named),
        *_voices(brief, named),
        *facts,
        *thread_items(brief.threads, brief.view),
        *brief.lore,
        *_passages(brief),
        *_tail(brief),
        *_beat(brief),
    ]
    refused = [*_hidden(brief, named), *unknown, *brief.kept_out]
    return [_pin(i, brief) for i in items if not excluded(i, brief.excluded)], refused


@dataclass(frozen=True, slots=True)
class _Named:
    """Who is named, by id, weighed by how often."""

    anywhere: Mapping[str, float]
    """In the beat, which weighs more, or in the scene."""
    settled: Mapping[str, float]
    """In what of the scene stays the same until the text has grown by a step."""


def _named(brief: Brief) -> _Named:
    mentions = Mentions(brief.cast)
    settled = [(tail.settled(_scene(brief)), 1.0)]
    return _Named(_weights(mentions, _texts(brief)), _weights(mentions, settled))


def _frame(brief: Brief) -> list[ContextItem]:
    items = []
    if brief.style.strip():
        items.append(
            ContextItem("style", Group.SYSTEM, f"文风：{brief.style.strip()}", "文风",
                        priority=90, order=0, keep="start")
        )  # fmt: skip
    if brief.synopsis.strip():
        items.append(
            ContextItem("synopsis", Group.RECAP, f"全书梗概：{brief.synopsis.strip()}",
                        "全书梗概", priority=60, order=0, keep="start")
        )  # fmt: skip
    return items


def _outline(brief: Brief) -> list[ContextItem]:
    return [
        ContextItem(f"outline:{note.id}", Group.BEAT, note.text, note.source,
                    priority=note.priority, order=1 + n, keep="start", late=False)
        for n, note in enumerate(brief.outline)
    ]  # fmt: skip


def _hidden(brief: Brief, named: _Named) -> list[Refused]:
    name = {c.id: c.name for c in brief.cast}
    return [
        (_hidden_item(h, name.get(h.character_id, "")), h.reason)
        for h in brief.hidden
        if h.character_id in named.anywhere
    ]


def _texts(brief: Brief) -> list[tuple[str, float]]:
    """Where names count, with what one mention is worth: the beat weighs more."""
    return [(brief.beat, 5.0), (_scene(brief), 1.0)]


def _weights(mentions: Mentions, texts: Sequence[tuple[str, float]]) -> dict[str, float]:
    weight: dict[str, float] = {}
    for text, worth in texts:
        for mention in mentions.find(text):
            for character in mention.character_ids:
                weight[character] = weight.get(character, 0.0) + worth
    return weight


def _cast(brief: Brief, named: _Named) -> list[ContextItem]:
    """Who is in the scene; late are those whom only the beat or the last lines bring in."""
    scene = named.settled
    return [
        ContextItem(f"character:{c.id}", Group.CAST, describe(c), f"人物：{c.name}",
                    priority=40 + min(2.0 * int(scene.get(c.id, 0) ** 0.5), 20.0), order=n,
                    keep="start", score=named.anywhere[c.id], late=c.id not in scene,
                    why="近文里提到" if c.id in scene else "要求或末几行里提到")
        for n, c in enumerate(brief.cast)
        if c.id in named.anywhere
    ]  # fmt: skip


def _voices(brief: Brief, named: _Named) -> list[ContextItem]:
    """How those speak who are in the scene: the first to go where there is little room."""
    scene = named.settled
    return [
        ContextItem(f"voice:{c.id}", Group.CAST, voice_of(c), f"口吻：{c.name}",
                    priority=10 + min(scene[c.id], 9.0), order=n + 0.5, score=scene[c.id],
                    late=False, why="近文里提到")
        for n, c in enumerate(brief.cast)
        if c.id in scene and c.voice
    ]  # fmt: skip


def voice_of(character: Character) -> str:
    """Lines that they might say, as the prompt shows them: the first ones, within VOICE_CHARS."""
    said: list[str] = []
    room = VOICE_CHARS
    for line in character.voice:
        if len(line) <= room or not said:
            said.append(line[:room])
            room -= len(line)
    return f"{character.name}的口吻：{' / '.join(said)}"


def _scene(brief: Brief) -> str:
    """The text in which a name still counts as present; it begins at a place that stays."""
    return brief.before[tail.beginning(len(brief.before), SCENE_CHARS) :]


def _hidden_item(hidden: Hidden, name: str) -> ContextItem:
    paragraph = hidden.paragraph
    return ContextItem(
        f"sheet:{hidden.character_id}:{paragraph.id or paragraph.label}", Group.CAST,
        f"{name}（{paragraph.label}）：{paragraph.text}", f"人物：{name}",
    )  # fmt: skip


def describe(character: Character) -> str:
    """A sheet as the prompt shows it: name, other names, then the sheet's own words."""
    also = f"（又称{'、'.join(character.aliases)}）" if character.aliases else ""
    role = f"，{character.role}" if character.role else ""
    return f"{character.name}{also}{role}。{character.sheet}".strip()


def _passages(brief: Brief) -> list[ContextItem]:
    """Best found first in priority; in story order where they stand."""
    return [
        ContextItem(
            f"passage:{f.passage.chapter_id}:{f.passage.start}",
            Group.PASSAGES,
            f.passage.text.strip(),
            f.passage.title or f"第{f.passage.chapter + 1}章",
            priority=30 - rank,
            order=f.passage.chapter * 1e7 + f.passage.start,
            keep="around",
            about=brief.beat or brief.before[-200:],
            score=f.score,
            why=found_by(f),
        )
        for rank, f in enumerate(brief.found)
    ]


METHODS = {"lexical": "字词", "dense": "语义", "rerank": "重排"}


def found_by(found: Found) -> str:
    """Which methods brought it, and how high: “字词第 1，语义第 3”."""
    return "，".join(f"{METHODS.get(m, m)}第 {rank}" for m, rank in found.ranks.items())


def _tail(brief: Brief) -> list[ContextItem]:
    if not brief.before.strip():
        return []
    source = "上一章的结尾" if brief.opens_chapter else "本章正文"
    group = Group.RECAP if brief.opens_chapter else Group.TAIL
    text = f"上一章结尾：{brief.before.strip()}" if brief.opens_chapter else brief.before
    return [
        ContextItem("tail", group, text, source, required=not brief.opens_chapter,
                    priority=100, order=99, keep="end")
    ]  # fmt: skip


def _beat(brief: Brief) -> list[ContextItem]:
    items = []
    if brief.chapter_title:
        items.append(
            ContextItem("chapter", Group.BEAT, f"本章：{brief.chapter_title}", "本章标题",
                        priority=80, order=0, late=False if brief.asked else None)
        )  # fmt: skip
    if brief.asked:
        items += brief.asked
    elif brief.beat.strip():
        items.append(
            ContextItem("beat", Group.BEAT, f"这一段要写：{brief.beat.strip()}", "本段要求",
                        required=True, priority=100, order=1)
        )  # fmt: skip
    return items


def _pin(item: ContextItem, brief: Brief) -> ContextItem:
    if item.id not in brief.pinned:
        return item
    return replace(item, required=True)
