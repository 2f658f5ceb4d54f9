"""A case as the live prompt: what the desk would send at this place, with and without recall.

A text is gone on with through the continuation's template. A conversation is sent as it was
learned; what is recalled joins its last words as the persona's template puts it there.
"""

from collections.abc import Mapping, Sequence

from retrieval.context import Brief
from retrieval.conversation import Talk, build_talk
from retrieval.conversation import Turn as Said
from retrieval.template import load_template, template_of
from retrieval.types import ContextItem, Found, Group, Message, Role, TokenCounter, continues
from training.context import messages as messages_for
from training.judging.cases import Case
from training.judging.recall import Recall
from training.tuning.config import Recipe
from training.tuning.masks import with_system
from training.tuning.template import ServedTemplate, tokens
from training.types import Turn

CALLED_UP = 4
"""Passages beside a conversation's last words: they stand in the very turn that is answered."""

Messages = tuple[Message, ...]

_ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
"""Of the turns that a case has; one with a tool's turn is no case."""

_TALK = template_of("judging", "{{ instruction }}", load_template("persona").user)
"""The persona's template, but the system turn is the data set's own, word for word."""


class Prompts:
    """Prompts of at most `limit` tokens; `system` as tuning was told (`Recipe.system`)."""

    def __init__(
        self,
        template: ServedTemplate,
        recipe: Recipe,
        *,
        limit: int,
        length: int,
        recall: Recall | None = None,
        persona: str = "",
    ) -> None:
        self._template, self._recipe = template, recipe
        self._tokens = Counter(template)
        self._limit, self._length = limit, length
        self._recall = recall
        self._persona = persona

    def messages(self, case: Case, recalling: bool) -> Messages:
        """Raises PromptTooLarge, IndexFailure."""
        wanted = recalling and self._recall is not None and not case.recalls
        found = self._recall.find(case) if wanted and self._recall else []
        if case.before:
            return self._continuation(case, found)
        turns = with_system(case.turns, self._template, self._recipe)
        asked = self._talk(turns, found[:CALLED_UP]) if found else _as_learned(turns)
        return (*asked, Message("assistant", case.begun)) if case.begun else asked

    def _continuation(self, case: Case, found: Sequence[Found]) -> Messages:
        brief = Brief(
            title=case.origin.work, chapter_title="", before=case.before, length=self._length,
            found=found,
        )  # fmt: skip
        return messages_for(brief, self._limit, self._tokens)

    def _talk(self, turns: Sequence[Turn], found: Sequence[Found]) -> Messages:
        system = "".join(turn.text for turn in turns if turn.role == "system")
        said = [
            Said(str(n), _ROLES[turn.role], turn.text)
            for n, turn in enumerate(turns)
            if turn.role != "system"
        ]
        items = [_called_up(one, n, said[-1].text) for n, one in enumerate(found)]
        prompt = build_talk(
            Talk(said, variables={"char": self._persona, "instruction": system}),
            items, tokens=self._tokens, limit=self._limit, template=_TALK,
        )  # fmt: skip
        return tuple(m for m in prompt.messages if m.role != "system" or m.content)


def _as_learned(turns: Sequence[Turn]) -> Messages:
    return tuple(Message(_ROLES[turn.role], turn.text) for turn in turns)


def _called_up(found: Found, rank: int, about: str) -> ContextItem:
    passage = found.passage
    return ContextItem(
        f"passage:{passage.chapter_id}:{passage.start}", Group.LORE, passage.text.strip(),
        passage.title, priority=30 - rank, order=passage.chapter * 1e7 + passage.start,
        keep="around", about=about, late=True,
    )  # fmt: skip


def prompt_ids(template: ServedTemplate, messages: Sequence[Message]) -> list[int]:
    """The tokens that the model goes on from; the last message may be its own beginning."""
    begun = messages[-1].content if continues(messages) else ""
    asked = messages[:-1] if begun else messages
    found = template.prompt(as_dicts(asked))
    return [*found, *tokens(template.tokenizer, begun)]


def as_dicts(messages: Sequence[Message]) -> list[Mapping[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


class Counter(TokenCounter):
    """Counts with the judged model's own tokenizer and template."""

    def __init__(self, template: ServedTemplate) -> None:
        self._template = template

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(tokens(self._template.tokenizer, text)) for text in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        return len(prompt_ids(self._template, messages))
