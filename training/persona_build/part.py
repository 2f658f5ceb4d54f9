"""A role's part: everything that they say, to whom and where, and the scenes as they are heard."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from training.scripts.brackets import CLOSERS, OPENERS
from training.scripts.reading import ScriptFile
from training.scripts.speakers import Aliases, Speaker
from training.scripts.speech import words_of
from training.scripts.structure import Block, Scene
from training.scripts.turns import heard

_PLACE = re.compile(
    r"(?:地[点點]|场景|場景|布景|^\s*地|^\s*景)\s*[】\]）)]?\s*[:：]\s*(?P<place>[^\n]+)"
)
_ALSO = re.compile(rf"^\s*[{re.escape(OPENERS)}][^{re.escape(CLOSERS)}]*[{re.escape(CLOSERS)}]")
_STOPS = "，,、：: \t\u3000。"


@dataclass(frozen=True, slots=True)
class Line:
    """What the role says at once. `text` is without stage directions, `told` with them.

    `to` is who spoke last before, or else next; `opens` whether nobody spoke before in the scene.
    """

    text: str
    told: str
    to: tuple[str, ...]
    scene: int
    opens: bool


@dataclass(frozen=True, slots=True)
class RoleScene:
    """`name` is “第一集 第1幕”; `people` are the others who speak; `text` is all that is heard."""

    name: str
    title: str
    place: str
    people: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Part:
    """`described` is what the script's list of people says of the role, if it has them."""

    name: str
    also: tuple[str, ...]
    source: str
    described: str
    lines: tuple[Line, ...]
    scenes: tuple[RoleScene, ...]
    others: tuple[str, ...]
    """What others say, without directions: the role's voice is told by the difference."""

    @cached_property
    def company(self) -> list[tuple[str, int]]:
        """(name, scenes together), the most frequent first."""
        return Counter(name for scene in self.scenes for name in scene.people).most_common()

    @cached_property
    def places(self) -> list[tuple[str, int]]:
        """(place, scenes there), where the script tells places."""
        return Counter(scene.place for scene in self.scenes if scene.place).most_common()


def part_of(files: Sequence[ScriptFile], speaker: Speaker, aliases: Aliases) -> Part:
    """`speaker` as `training.scripts.dialogue.require` found them."""
    lines: list[Line] = []
    scenes: list[RoleScene] = []
    others: list[str] = []
    for scene in _scenes(files):
        speeches = _speeches(scene, aliases)
        others += [words for _, names, words in speeches if speaker.name not in names]
        if any(speaker.name in names for _, names, _ in speeches):
            lines += _own(speeches, speaker.name, len(scenes))
            scenes.append(_as_heard(scene, speaker.name, aliases))
    return Part(
        speaker.name, speaker.aliases, files[0].title, _described(files, speaker), tuple(lines),
        tuple(scenes), tuple(others),
    )  # fmt: skip


Speech = tuple[Block, tuple[str, ...], str]
"""(block, who by their main names, words without directions)."""


def _scenes(files: Sequence[ScriptFile]) -> Iterator[Scene]:
    for file in files:
        for script in file.scripts:
            yield from script.scenes


def _speeches(scene: Scene, aliases: Aliases) -> list[Speech]:
    return [
        (block, tuple(dict.fromkeys(map(aliases.main, block.speakers))), words)
        for block in scene.blocks
        if block.speakers and (words := words_of(block.parts, directions=False))
    ]


def _own(speeches: Sequence[Speech], role: str, scene: int) -> Iterator[Line]:
    for n, (block, names, words) in enumerate(speeches):
        if role in names:
            before = [who for _, who, _ in speeches[:n] if role not in who]
            after = [who for _, who, _ in speeches[n + 1 :] if role not in who]
            to = before[-1] if before else after[0] if after else ()
            yield Line(words, words_of(block.parts, directions=True), to, scene, n == 0)


def _as_heard(scene: Scene, role: str, aliases: Aliases) -> RoleScene:
    said = heard(scene, role, aliases, directions=True, events=True)
    people = Counter(name for each in said for name in each.names if name != role)
    text = "\n".join(
        f"{'、'.join(each.names)}：{each.text}" if each.names else each.text for each in said
    )
    title = scene.path[-1].title if scene.path else ""
    name = scene.name or f"第 {scene.line} 行起"
    return RoleScene(name, title, _place(scene), tuple(n for n, _ in people.most_common()), text)


def _place(scene: Scene) -> str:
    for block in scene.blocks:
        if block.kind == "setting" and (found := _PLACE.search(block.text)):
            return found["place"].strip()
    return ""


def _described(files: Sequence[ScriptFile], speaker: Speaker) -> str:
    """`嬛嬛（闻才人），听柳轩的主人` gives 听柳轩的主人."""
    for file in files:
        for script in file.scripts:
            for block in script.blocks:
                rows = block.text.splitlines() if block.kind == "setting" else ()
                for row in rows:
                    if row.startswith(speaker.name):
                        rest = _ALSO.sub("", row.removeprefix(speaker.name))
                        if rest[:1] in _STOPS and (told := rest.strip(_STOPS)):
                            return told
    return ""
