"""A conversation as a prompt: who speaks, what was said, newest first as far as it fits.

The template's system part says who they are, its user part what was said last and what is called
up by it; between them stand the earlier turns, each a message of its own, whole or not at all,
and none of them behind a gap. The author's note joins the turn that is `depth` turns from the
end: models take no other role there.

Knows nothing of cards, rows or HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.prompt import build
from retrieval.template import PromptTemplate
from retrieval.types import (
    ContextItem,
    Group,
    Message,
    Placed,
    Prompt,
    Refused,
    Role,
    TokenCounter,
)

SHARES: Mapping[Group, float] = {Group.SYSTEM: 0.45, Group.CAST: 0.25, Group.LORE: 0.3}
"""Of the room for what stays the same; the rest is the turns'."""
SUMMARY = 0.2
"""The same for a summary, where there is one."""
STEADY = 0.6
"""The part of the prompt that what stays the same may fill: the turns get the rest."""
NEAR = 6
"""The last turns, which stand before anything that is called up."""
TOO_OLD = "更早的话，这次放不下"
SUMMED = "更早的话，已在概括里"
NO_PLACE = "这份提示词模板里没有放它的地方"
FIRST_OF_ALL = 90.0
LAST_OF_ALL = 15.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said; `role` assistant is the persona, user whoever else speaks."""

    id: str
    role: Role
    text: str
    speaker: str = ""
    """Whose words they are, where it could be one of several; it stands before them."""

    @property
    def told(self) -> str:
        return f"{self.speaker}：{self.text}" if self.speaker else self.text


@dataclass(frozen=True, slots=True)
class Talk:
    """What a prompt of a conversation is made of."""

    turns: Sequence[Turn]
    """Oldest first; the last is what is to be answered, if it is the user's."""
    begun: str = ""
    """What has been said already of the answer, to be gone on with."""
    note: str = ""
    depth: int = 0
    variables: Mapping[str, Any] | None = None
    summed: int = 0
    """How many of the oldest turns a summary tells in their place: they do not stand."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an answer remembers of what no longer stands: `items` of Group.RECAP (a summary of the
    oldest `summed` turns) and of Group.PASSAGES (what was recalled)."""

    items: Sequence[ContextItem] = ()
    summed: int = 0


@dataclass(frozen=True, slots=True)
class TalkForm:
    """The template with the turns between its parts."""

    template: PromptTemplate
    roles: Mapping[str, Role]
    """Of the turns by their items' ids."""
    note: str = ""
    depth: int = 0

    @property
    def version(self) -> str:
        return self.template.version

    def render(
        self, placed: Sequence[Placed], variables: Mapping[str, Any] | None = None
    ) -> tuple[Message, ...]:
        system, said, *begun = self.template.render(placed, variables)
        turns = [Message(self.roles[p.item.id], p.text) for p in placed if p.item.id in self.roles]
        if said.content:
            turns.append(said)
        return (system, *_joined(self._noted(turns)), *begun)

    def _noted(self, turns: list[Message]) -> list[Message]:
        """The turns with the author's note before the user's turn nearest above its depth."""
        if not self.note:
            return turns
        asked = [n for n, turn in enumerate(turns) if turn.role == "user"]
        if not asked:
            return [Message("user", self.note), *turns]
        above = [n for n in asked if n < len(turns) - self.depth]
        place = above[-1] if above else asked[0]
        turn = turns[place]
        turns[place] = Message("user", f"{self.note}\n\n{turn.content}")
        return turns


def build_talk(
    talk: Talk,
    items: Sequence[ContextItem],
    *,
    tokens: TokenCounter,
    limit: int,
    template: PromptTemplate,
    refused: Sequence[Refused] = (),
) -> Prompt:
    """The prompt of at most `limit` tokens. Raises PromptTooLarge, as `prompt.build`."""
    *past, last = talk.turns or [Turn("", "assistant", "")]
    answered = last.role == "assistant"
    earlier = turn_items(talk.turns if answered else past) if talk.turns else []
    said = [] if answered else [_said(last)]
    turns = {turn.id: turn.role for turn in talk.turns}
    roles = {item.id: turns[item.id.removeprefix("turn:")] for item in earlier}
    form = TalkForm(template, roles, talk.note, talk.depth)
    variables = {**(talk.variables or {}), "begun": talk.begun}
    unseen = [item for item in items if not _has_place(template, item.group)]
    shown = [item for item in items if item not in unseen]
    shares = {**SHARES, **({Group.RECAP: SUMMARY} if _any_summary(shown) else {})}
    kept_out = [
        *refused,
        *((item, NO_PLACE) for item in unseen),
        *((item, SUMMED) for item in earlier[: talk.summed]),
    ]
    earlier = earlier[talk.summed :]

    def made(stand: Sequence[ContextItem], old: Sequence[ContextItem]) -> Prompt:
        return build(
            [*shown, *stand, *said],
            tokens=tokens,
            limit=limit,
            template=form,
            variables=variables,
            shares={group: share * STEADY for group, share in shares.items()}
            | {Group.TAIL: 1 - STEADY},
            refused=[*kept_out, *((item, TOO_OLD) for item in old)],
        )

    prompt = made(earlier, [])
    first = _after_the_gap(earlier, prompt)
    return made(earlier[first:], earlier[:first]) if first else prompt


def forgotten(prompt: Prompt) -> int:
    """How many of the oldest turns do not stand in a conversation's prompt."""
    return sum(left.item.id.startswith("turn:") for left in prompt.dropped)


def _has_place(template: PromptTemplate, group: Group) -> bool:
    """Whether an author's own template, written before there were memories, would show them."""
    if group not in (Group.RECAP, Group.PASSAGES):
        return True
    return group.value in template.system + template.user


def _any_summary(items: Sequence[ContextItem]) -> bool:
    return any(item.group is Group.RECAP for item in items)


def turn_items(turns: Sequence[Turn]) -> list[ContextItem]:
    """The earlier turns: the newer the longer they stay."""
    newest = len(turns) - 1
    return [
        ContextItem(
            f"turn:{turn.id}", Group.TAIL, turn.told, "说过的话",
            priority=_priority(newest - n), order=n, late=True,
        )
        for n, turn in enumerate(turns)
    ]  # fmt: skip


def _priority(age: int) -> float:
    return FIRST_OF_ALL - age if age < NEAR else LAST_OF_ALL - age * 0.001


def _said(turn: Turn) -> ContextItem:
    return ContextItem(
        f"turn:{turn.id}", Group.BEAT, turn.told, "刚说的话", required=True, order=1e12
    )


def _after_the_gap(earlier: Sequence[ContextItem], prompt: Prompt) -> int:
    """How many of the oldest must go so that no turn is missing between two that stand."""
    stand = {placed.item.id for placed in prompt.kept}
    missing = [n for n, item in enumerate(earlier) if item.id not in stand]
    last = missing[-1] + 1 if missing else 0
    return last if any(item.id in stand for item in earlier[:last]) else 0


def _joined(turns: Sequence[Message]) -> list[Message]:
    """Turns of the same role in a row as one: models want them to alternate."""
    joined: list[Message] = []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            joined[-1] = Message(turn.role, f"{joined[-1].content}\n\n{turn.content}")
        else:
            joined.append(turn)
    return joined
