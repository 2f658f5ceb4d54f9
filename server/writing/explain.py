"""A prompt on the wire: what would be sent, what stayed and what did not, and why."""

from dataclasses import asdict
from typing import Any

from retrieval.types import Left, Placed, Prompt


def describe(prompt: Prompt) -> dict[str, Any]:
    """A prompt on the wire: what would be sent, what stayed and what did not, and why."""
    return {
        "template": prompt.template,
        "tokens": prompt.tokens,
        "budget": prompt.budget,
        "messages": [asdict(m) for m in prompt.messages],
        "kept": [_kept(p) for p in prompt.kept],
        "dropped": [_dropped(d) for d in prompt.dropped],
    }


def _kept(placed: Placed) -> dict[str, Any]:
    return {**_account(placed), "shortened": placed.shortened, "text": placed.text}


def _dropped(left: Left) -> dict[str, Any]:
    return {**_account(left), "text": left.item.text}


def _place(id: str) -> dict[str, Any] | None:
    """Where a passage, or the chapter that a recap tells, stands in the book."""
    kind, *rest = id.split(":")
    if kind == "passage":
        return {"chapter_id": rest[0], "offset": int(rest[1])}
    if kind == "recap" and rest[0] == "chapter":
        return {"chapter_id": rest[1], "offset": 0}
    return None


def _account(entry: Placed | Left) -> dict[str, Any]:
    """What is told of every item, whether it stands or not."""
    item = entry.item
    return {
        "id": item.id,
        "group": item.group.value,
        "title": item.source.partition("：")[2] or item.source,
        "source": item.source,
        "place": _place(item.id),
        "required": item.required,
        "tokens": entry.tokens,
        "score": item.score,
        "reason": entry.reason,
        "why": item.why,
    }
