"""What a persona remembers when they answer: a summary of what their prompt does not hold any more,
and what the last words call to mind.

The prompt is made once without memories, to see what stands by itself; then with them, the older
turns leaving a stretch at a time until all fits.
"""

from collections.abc import Callable, Sequence

from sqlmodel import Session

from retrieval.conversation import Remembered, forgotten
from retrieval.memory.fresh import AUTHOR
from retrieval.types import ContextItem, Group, Prompt
from server.models import Conversation
from server.personas.memory import summaries
from server.personas.memory.recall import Asking, Recall
from server.personas.memory.rolling import Line
from server.personas.memory.summaries import SUMMARY, Past, Told
from server.personas.memory.writer import Summaries, Wish

Written = Callable[[Remembered], Prompt]
"""Makes the prompt with what is remembered."""

ROUNDS = 4
"""How often a prompt is made anew because its memories took the room of its turns."""
SOURCE = "更早说过的"


class Memories:
    """Thread-safe, but for what `Summaries` says of its own."""

    def __init__(self, recall: Recall, summaries: Summaries) -> None:
        self._recall = recall
        self.summaries = summaries

    def prompt(
        self, session: Session, asking: Asking, written: Written, *, recall: bool = True
    ) -> Prompt:
        """The prompt with its memories; `recall` False: with the summary alone."""
        prompt = written(Remembered())
        gone = forgotten(prompt)
        past = _past(session, asking) if gone else Past(())
        told = (past.stop(gone) if gone else None) or 0
        found = self._found(session, asking, past, max(told, gone), prompt) if recall else []
        if not (told or found):
            return prompt
        if not gone:
            # What comes to mind may take the room of turns that stood without it.
            past = _past(session, asking)
        return self._fitted(asking, past, told, found, written)

    def forget(self, session: Session, conversation: Conversation) -> None:
        """A conversation went into the bin: nobody remembers it from now on."""
        self._recall.forget(session, conversation)

    def _fitted(
        self,
        asking: Asking,
        past: Past,
        told: int,
        found: Sequence[ContextItem],
        written: Written,
    ) -> Prompt:
        for _ in range(ROUNDS):
            summary = past.told(told) if told else None
            items = [*([_item(summary)] if summary else []), *found]
            prompt = written(Remembered(items, told))
            if summary is not None and not _stands(prompt, Group.RECAP):
                # No room for it, or no place in the author's template: as it would be without.
                return written(Remembered(found))
            gone = forgotten(prompt)
            further = past.stop(gone) if gone > told else None
            if further is None:
                break
            told = further
        if summary is not None and asking.kept and not summary.maker:
            self.summaries.want(Wish(asking.talk.id, summary.upto_id))
        return prompt

    def _found(
        self, session: Session, asking: Asking, past: Past, gone: int, prompt: Prompt
    ) -> list[ContextItem]:
        ids = [line.id for line in past.lines[:gone]]
        stands = "\n".join(message.content for message in prompt.messages)
        others = asking.kept and summaries.others_count(session, asking.talk.id)
        return self._recall.items(session, asking, ids, stands, others=others)


def _past(session: Session, asking: Asking) -> Past:
    """What was said before what is answered."""
    turns = asking.turns
    if turns and turns[-1].role == "user":
        turns = turns[:-1]
    if asking.kept:
        return summaries.load_past(session, asking.talk, turns[-1].id if turns else None)
    names = {True: asking.talk.user_name, False: asking.persona.called}
    mine = [(turn, turn.role == "user") for turn in turns]
    return Past([Line(turn.id, names[user], turn.text, user) for turn, user in mine])


def _item(told: Told) -> ContextItem:
    if told.maker == AUTHOR:
        why = "您写的概括"
    elif told.maker:
        why = f"{told.maker} 的概括"
    else:
        why = "摘自原话"
    return ContextItem(
        f"{SUMMARY}{told.upto_id}", Group.RECAP, told.text, SOURCE, priority=70, keep="start",
        why=f"{why}：最早的 {told.end} 句放不下了",
    )  # fmt: skip


def _stands(prompt: Prompt, group: Group) -> bool:
    return any(kept.item.group is group for kept in prompt.kept)
