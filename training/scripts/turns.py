"""A scene as it is heard: who says what, joined to turns, with what happens in between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from training.scripts.speakers import Aliases
from training.scripts.speech import in_brackets, words_of
from training.scripts.structure import Block, Scene


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words of somebody, or what happens, in （）: an event has no names.

    `names` go by their main names. `line` and `last` are rows of the script.
    """

    names: tuple[str, ...]
    text: str
    line: int
    last: int
    is_event: bool = False


def heard(
    scene: Scene, role: str, aliases: Aliases, *, directions: bool, events: bool
) -> list[Utterance]:
    """The scene's turns in order, as far as they have words.

    `directions` keeps the stage directions inside speeches; `events` keeps what is told between
    them: directions, the scene's setting, narration. A narrator's words are an event, unless the
    narrator is the role.
    """
    found = _opening(scene)
    for block in scene.blocks:
        found += _utterance(block, role, aliases, directions)
    kept = [each for each in found if events or not each.is_event]
    return _joined(_own_acts(kept, role), role)


def opening_of(scene: Scene, role: str) -> str:
    """What is told before the scene's first word, each in its （）; empty where nothing is."""
    found = heard(scene, role, Aliases(), directions=True, events=True)
    return "\n".join(each.text for each in takewhile(lambda each: each.is_event, found))


def _opening(scene: Scene) -> list[Utterance]:
    """What the heading says beside its number: `第二场　听柳轩外间`."""
    title = scene.path[-1].title if scene.path else ""
    return [Utterance((), f"（{title}）", scene.line, scene.line, True)] if title else []


def _utterance(block: Block, role: str, aliases: Aliases, directions: bool) -> Iterator[Utterance]:
    names = tuple(dict.fromkeys(map(aliases.main, block.speakers)))
    if block.kind == "speech" or role in names:
        text = words_of(block.parts, directions)
        if text:
            yield Utterance(names, text, block.line, block.last)
        return
    kinds = ("direction", "setting", "narration")
    told = in_brackets("，".join(p.text.strip() for p in block.parts if p.kind in kinds))
    if told:
        yield Utterance((), told, block.line, block.last, True)


def _own_acts(utterances: Sequence[Utterance], role: str) -> list[Utterance]:
    """Events that belong to the role's turn: between two speeches of theirs, naming nobody else.

    A character who talks on while pouring the tea does not answer themselves.
    """
    others = {name for each in utterances for name in each.names if name != role}
    before = _nearest(utterances, role)
    after = _nearest(utterances[::-1], role)[::-1]
    return [
        replace(each, names=(role,), is_event=False)
        if each.is_event and own and goes_on and not any(name in each.text for name in others)
        else each
        for each, own, goes_on in zip(utterances, before, after, strict=True)
    ]


def _nearest(utterances: Sequence[Utterance], role: str) -> list[bool]:
    """For each utterance, whether the last speech before it is the role's."""
    found: list[bool] = []
    is_own = False
    for each in utterances:
        found.append(is_own)
        is_own = is_own if each.is_event else role in each.names
    return found


def _joined(utterances: Sequence[Utterance], role: str) -> list[Utterance]:
    """Neighbours of the same speakers as one; all that the role takes part in is the role's."""
    runs: list[list[Utterance]] = []
    for each in utterances:
        if runs and _same(runs[-1][-1], each, role):
            runs[-1].append(each)
        else:
            runs.append([each])
    return [
        replace(run[0], text="\n".join(each.text for each in run), last=run[-1].last)
        for run in runs
    ]


def _same(above: Utterance, below: Utterance, role: str) -> bool:
    if above.is_event or below.is_event:
        return False
    if role in above.names:
        return role in below.names
    return bool(above.names) and above.names == below.names
