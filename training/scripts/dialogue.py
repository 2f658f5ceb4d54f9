"""What one character learns from a script: each of their turns, with the turns before it.

The others are the user, the character the assistant. A context never crosses a scene; what the
character says in a row is one turn; who opens a scene answers its setting.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from training.errors import BadInput
from training.scripts.speakers import Aliases, Speaker, speakers
from training.scripts.structure import Scene, Script
from training.scripts.turns import Utterance, heard, opening_of
from training.types import Chat, Origin, Turn

MADE_BY = "script-dialogue/1"
NOTHING_BEFORE = "（开场）"
"""What is answered by the first words of a scene that has no setting either."""

Names = Literal["auto", "always", "never"]
Opening = Literal["setting", "skip"]
Together = Literal["scene", "script"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose turns, and how they are told."""

    role: str
    turns: int | None = 4
    """Turns before the answer, the role's own among them; None is all of the scene."""
    names: Names = "auto"
    """Whether others' words begin with their names; auto: where more than one other speaks."""
    directions: bool = True
    events: bool = True
    """What happens between speeches, in （） with the user's words."""
    opening: Opening = "setting"
    """What to do where the role has the scene's first word."""
    whole_scenes: bool = False
    """One item a scene, up to the role's last turn, with all their turns learned."""
    system: str = ""
    """`{role}` in it is the role's name."""
    together: Together = "scene"
    """What a split may not part: a scene with its continuations, or the whole script."""

    def __post_init__(self) -> None:
        if self.turns is not None and self.turns < 1:
            raise BadInput("前文至少要一轮：没有人说话，就没有什么可以回答。", field="turns")


def dialogues(
    script: Script,
    wanted: Wanted,
    aliases: Aliases | None = None,
    source: str = "",
    within: str = "",
) -> Iterator[Chat]:
    """The items of a script, in its order.

    `source` is its title, `within` where it stands in its file, if it is one of several there.
    """
    aliases = aliases or Aliases()
    role = aliases.main(wanted.role)
    for scene in script.scenes:
        turns = heard(scene, role, aliases, directions=wanted.directions, events=wanted.events)
        own = [n for n, turn in enumerate(turns) if role in turn.names]
        work = source if wanted.together == "script" else _work(script, scene, source, within)
        for answer in own[-1:] if wanted.whole_scenes else own:
            chat = _item(scene, turns[: answer + 1], role, wanted)
            if chat is not None:
                line = turns[answer].line if not wanted.whole_scenes else turns[0].line
                rows = _rows(line, turns[answer].last)
                yield Chat(chat, Origin(source, _dotted(within, scene.name, rows), MADE_BY, work))


def require(role: str, scripts: Sequence[Script], aliases: Aliases | None = None) -> Speaker:
    """How the role speaks. Raises BadInput, with who does speak, where they never do."""
    found = speakers(scripts, aliases)
    name = (aliases or Aliases()).main(role)
    for speaker in found:
        if speaker.name == name:
            return speaker
    if not found:
        raise BadInput("没有找到一句台词。台词要写成“名字：话”，冒号全角半角都可以。")
    most = "、".join(f"{each.name}（{each.speeches}）" for each in found[:8])
    raise BadInput(f"剧本里没有“{role}”的台词；说话最多的是{most}。别名请用 --alias 说明。")


def _item(
    scene: Scene, upto: Sequence[Utterance], role: str, wanted: Wanted
) -> tuple[Turn, ...] | None:
    """Turns from the first that fits to the answer; None for an opening that is to be skipped."""
    context = upto[:-1] if wanted.whole_scenes else _context(upto[:-1], role, wanted.turns)
    said = [*context, upto[-1]]
    if role in said[0].names:
        if wanted.opening == "skip":
            said = [*_without_own(said, role)]
            if not said:
                return None
        else:
            told = opening_of(scene, role) or NOTHING_BEFORE
            said = [Utterance((), told, scene.line, scene.line, True), *said]
    named = _is_named(said, role, wanted.names)
    turns = [Turn("system", wanted.system.replace("{role}", role))] if wanted.system else []
    return (*turns, *_alternating(said, role, named, learn_all=wanted.whole_scenes))


def _context(before: Sequence[Utterance], role: str, turns: int | None) -> Sequence[Utterance]:
    """The last `turns` speeches and what happens among them, going on back to another's words."""
    if turns is None:
        return before
    start, count, own_first = len(before), 0, False
    while start > 0 and (count < turns or own_first):
        start -= 1
        if not before[start].is_event:
            count += 1
            own_first = role in before[start].names
    is_all_said = all(each.is_event for each in before[:start])
    return before if is_all_said else before[start:]


def _without_own(said: Sequence[Utterance], role: str) -> Sequence[Utterance]:
    first = next((n for n, each in enumerate(said) if role not in each.names), len(said))
    return said[first:] if any(role in each.names for each in said[first:]) else []


def _is_named(said: Sequence[Utterance], role: str, names: Names) -> bool:
    if names != "auto":
        return names == "always"
    return len({each.names for each in said if each.names and role not in each.names}) > 1


def _alternating(said: Iterable[Utterance], role: str, named: bool, learn_all: bool) -> list[Turn]:
    runs: list[tuple[Literal["user", "assistant"], list[str]]] = []
    for each in said:
        kind: Literal["user", "assistant"] = "assistant" if role in each.names else "user"
        text = (
            f"{'、'.join(each.names)}：{each.text}"
            if named and kind == "user" and each.names
            else each.text
        )
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(text)
        else:
            runs.append((kind, [text]))
    last = len(runs) - 1
    return [
        Turn(kind, "\n".join(texts), None if kind == "user" else learn_all or n == last)
        for n, (kind, texts) in enumerate(runs)
    ]


def _work(script: Script, scene: Scene, source: str, within: str) -> str:
    """What the scene goes by together with its continuations."""
    root = script.scenes[scene.continues]
    return _dotted(source, within, root.name or f"第 {root.line} 行起")


def _rows(first: int, last: int) -> str:
    return f"第 {first} 行" if first == last else f"第 {first}–{last} 行"


def _dotted(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
