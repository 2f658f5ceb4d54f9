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


def _account(entry: Placed | Left) -> dict[str, Any]:
    """What is told of every item, whether it stands or not."""
    item = entry.item
    return {
        "id": item.id,
        "group": item.group.value,
        "source": item.source,
        "tokens": entry.tokens,
        "score": item.score,
        "reason": entry.reason,
        "why": item.why,
    }
