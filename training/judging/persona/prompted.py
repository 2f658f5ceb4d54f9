"""A prompt of the desk's without the answer in it: retrieval may bring the very line that is held
out, since a persona's own scenes are among what comes to mind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.measures.letters import bare
from retrieval.types import Message
from training.judging.persona.spoken import spoken

PIECE = 8
"""Letters in one piece by which a line is known again."""
TURN = "turn:"
"""What the ids of what was said begin with: the conversation itself stays."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """`kept_out` counts the items that were taken out."""

    messages: tuple[Message, ...]
    kept_out: int = 0


def without(messages: Sequence[Message], items: Iterable[Mapping[str, Any]], line: str) -> Prompted:
    """`items` are what stands in the prompt, as the desk tells it (`id`, `text`)."""
    told = [
        str(item["text"])
        for item in items
        if not str(item["id"]).startswith(TURN) and _has(str(item["text"]), line)
    ]
    texts = [message.content for message in messages]
    for each in told:
        texts = [text.replace(each, "") for text in texts]
    changed = (Message(m.role, text) for m, text in zip(messages, texts, strict=True))
    return Prompted(tuple(changed), len(told))


def _has(text: str, line: str) -> bool:
    letters, inside = bare(spoken(line)), bare(text)
    size = min(PIECE, len(letters))
    pieces = (letters[n : n + size] for n in range(len(letters) - size + 1))
    return size == PIECE and any(piece in inside for piece in pieces)
