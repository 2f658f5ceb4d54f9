"""What is said in a script, scene by scene, and which scenes are held out.

A scene goes with its continuations, as the data sets of a script have it, so that whoever
learned from such a set and whoever judges mean the same by a scene.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from training.data.splits import split
from training.data.store import DataSet
from training.errors import BadInput
from training.judging.cases import evenly
from training.judging.persona.spoken import spoken
from training.scripts.dialogue import Wanted, dialogues, require
from training.scripts.reading import ScriptFile
from training.scripts.speakers import Aliases, speakers
from training.types import Chat, Item, Turn

_NAMED = re.compile(r"^([^\s：:，。！？（）()“”]{1,8})：(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody says at once, without gestures."""

    speaker: str
    scene: str
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """What was said before a line of the role's, and the line. `id` says both."""

    id: str
    scene: str
    turns: tuple[Turn, ...]
    reference: str
    chat: Chat


@dataclass(frozen=True)
class Play:
    """`names` are all that the role goes by; `told` are the scenes that the source itself holds
    out, empty where it says nothing."""

    role: str
    names: tuple[str, ...]
    title: str
    lines: tuple[Line, ...]
    cases: tuple[Case, ...]
    told: frozenset[str] = frozenset()

    @cached_property
    def scenes(self) -> list[str]:
        """Those in which the role speaks, in order."""
        return list(dict.fromkeys(case.scene for case in self.cases))

    @cached_property
    def company(self) -> list[str]:
        """Who else speaks, the most talkative first."""
        said = Counter(line.speaker for line in self.lines if line.speaker != self.role)
        return [name for name, _ in said.most_common()]

    def of(self, speaker: str, scenes: Collection[str]) -> list[Line]:
        return [each for each in self.lines if each.speaker == speaker and each.scene in scenes]


def play_of_script(
    files: Sequence[ScriptFile], role: str, aliases: Aliases, turns: int = 4
) -> Play:
    """Raises BadInput where the role never speaks."""
    scripts = [script for file in files for script in file.scripts]
    who = require(role, scripts, aliases)
    lines = [
        Line(each.name, chat.origin.work, text)
        for each in speakers(scripts, aliases)
        for chat in _said(files, Wanted(each.name, 1, "never", events=False), aliases)
        if (text := spoken(chat.turns[-1].text))
    ]
    cases = _cases(_said(files, Wanted(who.name, turns), aliases))
    return Play(who.name, (who.name, *who.aliases), files[0].title, tuple(lines), tuple(cases))


def _said(files: Sequence[ScriptFile], wanted: Wanted, aliases: Aliases) -> Iterator[Chat]:
    for file in files:
        for piece in file.pieces:
            yield from dialogues(piece.script, wanted, aliases, file.title, piece.within)


def play_of_data(data: DataSet, role: str, names: Sequence[str] = (), after: str = "") -> Play:
    """Of conversations that somebody made of scenes: the role answers, the others are told by
    their names where there are several. `after` is what a card says behind every last message:
    the desk says it again.

    Raises BadInput for a set without conversations.
    """
    items = [*data.train, *data.held_out]
    cases = list(_cases((each for each in items if isinstance(each, Chat)), after))
    if not cases:
        raise BadInput(f"数据集“{data.card.name}”里没有对话，评不了人物。")
    lines = [Line(role, c.scene, text) for c in cases if (text := spoken(c.reference))]
    others = dict.fromkeys(
        Line(name, case.scene, text)
        for case in cases
        for turn in case.turns
        if turn.role == "user"
        for name, told in _NAMED.findall(turn.text)
        if name not in (role, *names) and (text := spoken(told))
    )
    held, learned = ({_scene(each) for each in part} for part in (data.held_out, data.train))
    return Play(
        role, (role, *names), data.card.name, (*lines, *others), tuple(cases),
        frozenset(held - learned),
    )  # fmt: skip


def _cases(chats: Iterable[Chat], after: str = "") -> Iterator[Case]:
    for chat in chats:
        last = max((n for n, turn in enumerate(chat.turns) if turn.is_learned), default=0)
        turns = [turn for turn in chat.turns[:last] if turn.role in ("user", "assistant")]
        if not turns or turns[-1].role != "user":
            continue
        if after and (bare := turns[-1].text.removesuffix(f"（{after}）").rstrip()):
            turns[-1] = Turn("user", bare)
        reference = chat.turns[last].text
        said = "\0".join([*(f"{turn.role}\1{turn.text}" for turn in turns), reference])
        id = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]
        yield Case(id, _scene(chat), tuple(turns), reference, chat)


def _scene(item: Item) -> str:
    return item.origin.work or f"{item.origin.source} {item.origin.place}"


@dataclass(frozen=True, slots=True)
class Held:
    """The scenes that nobody learned from; `why` says for people how they were found."""

    scenes: frozenset[str]
    why: str


def held_out(play: Play, told: Collection[str], share: float, seed: int) -> Held:
    """Those that were `told`, as far as they are the play's; else those that the source itself
    holds out; else about `share` of the role's lines, whole scenes drawn by `seed`.

    Raises BadInput where nothing can be held out.
    """
    for scenes, why in ((told, "训练适配器时留出的"), (play.told, "数据集留出的")):
        if known := frozenset(scenes) & set(play.scenes):
            return Held(known, why)
    if len(play.scenes) < 2:
        raise BadInput(f"《{play.title}》里{play.role}只有一场戏，留不出来评。")
    drawn = split([case.chat for case in play.cases], fraction=share, seed=seed).works
    known = frozenset(drawn) & set(play.scenes)
    if not known:
        raise BadInput(f"“{play.title}”没有写明每条是哪一场，不能按场留出；请给出剧本。")
    return Held(known, f"按场抽出的（约 {share:.0%}）")


def chosen(play: Play, held: Held, scenes: int, lines: int) -> list[Case]:
    """At most so many scenes, and so many lines of each, as far apart as they can be."""
    by_scene: Mapping[str, list[Case]] = defaultdict(list)
    for case in play.cases:
        if case.scene in held.scenes:
            by_scene[case.scene].append(case)
    return [
        case for scene in evenly(list(by_scene), scenes) for case in evenly(by_scene[scene], lines)
    ]
