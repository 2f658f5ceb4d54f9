"""The prompt: what goes in, what stays out, why, and never more than the window holds.

Items are placed in rounds (what is required, what stays the same, the chapter's own text, what
changes with every request), counted with the served model's tokenizer, and the rendered whole
is counted once more, template and all, until it fits. A chapter that is gone on with keeps what
stood in its last prompt where it stood (`retrieval.settling`). Training renders its examples
here too, so that a tuned model meets in service exactly what it was taught on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from retrieval import settling
from retrieval.budget import DEFAULT_SHARES, ORDER
from retrieval.errors import PromptTooLarge
from retrieval.placing import Placing
from retrieval.types import (
    ContextItem,
    Group,
    Left,
    Message,
    Placed,
    Prompt,
    Refused,
    Stood,
    TokenCounter,
)

Rendered = tuple[tuple[Placed, ...], tuple[Message, ...], int]
"""What stands, the messages that it makes, and their tokens."""


class Form(Protocol):
    """What makes messages of what stands: a template, or one around a conversation."""

    @property
    def version(self) -> str: ...

    def render(
        self, placed: Sequence[Placed], variables: Mapping[str, Any] | None = None
    ) -> tuple[Message, ...]: ...


def build(
    items: Sequence[ContextItem],
    *,
    tokens: TokenCounter,
    limit: int,
    template: Form,
    variables: Mapping[str, Any] | None = None,
    shares: Mapping[Group, float] = DEFAULT_SHARES,
    refused: Sequence[Refused] = (),
    stood: Stood | None = None,
) -> Prompt:
    """The prompt of at most `limit` tokens, with an account of every item.

    `refused` are items that may not stand whatever the room, each with the reason that the
    author is told beside those that did not fit. With `stood` the prompt is one of several in
    a row: it goes on from what stood in the last if the text still fits, and what it settles
    itself has `item.settled`. Without, it stands alone.

    Raises PromptTooLarge when what is required does not fit.
    """
    room = limit - tokens.count_messages(template.render((), variables))

    def begun(candidates: Sequence[ContextItem]) -> Placing:
        return Placing(candidates, tokens, room, limit)

    def rendered(placing: Placing) -> Rendered:
        kept = _in_order(placing.placed.values())
        messages = template.render(kept, variables)
        return kept, messages, tokens.count_messages(messages)

    placing = None
    if stood is None:
        placing = _alone(begun(items), shares)
    elif stood.tail:
        placing = _going_on(begun(settling.going_on(items, stood)), shares, stood, rendered)
    placing = placing or _anew(begun(settling.anew(items)), shares)
    kept, messages, total = _fit(placing, rendered)
    dropped = (*placing.dropped(), *_refused(tokens, refused))
    return Prompt(messages, total, limit, kept, dropped, template.version)


def _alone(placing: Placing, shares: Mapping[Group, float]) -> Placing:
    placing.place_required()
    placing.place_steady(shares)
    placing.place_tail(shares)
    placing.place_changing(shares)
    return placing


def _anew(placing: Placing, shares: Mapping[Group, float]) -> Placing:
    """The first of several in a row: what it finds stands before the text, for the next."""
    placing.place_required()
    placing.place_steady(shares)
    placing.place_settling(shares)
    placing.begin_tail_anew()
    placing.place_fresh()
    return placing


def _going_on(
    placing: Placing,
    shares: Mapping[Group, float],
    stood: Stood,
    rendered: Callable[[Placing], Rendered],
) -> Placing | None:
    """The next in a row; None where the text has to begin somewhere else."""
    try:
        placing.place_required(but=Group.TAIL)
    except PromptTooLarge:
        return None
    placing.place_steady(shares)
    placing.place_stood()
    placing.tail_goes_on(stood.tail)
    if not placing.goes_on_well(rendered(placing)[2]):
        return None
    placing.place_fresh()
    return placing


def _fit(placing: Placing, rendered: Callable[[Placing], Rendered]) -> Rendered:
    """Render, count the whole, and give back until it is inside the limit."""
    while True:
        kept, messages, total = rendered(placing)
        if total <= placing.limit:
            return kept, messages, total
        if not placing.give_back(total - placing.limit):
            raise placing.too_large()


def _refused(tokens: TokenCounter, refused: Sequence[Refused]) -> tuple[Left, ...]:
    sizes = tokens.count([item.text for item, _ in refused]) if refused else []
    return tuple(
        Left(item, size, reason) for (item, reason), size in zip(refused, sizes, strict=True)
    )


def _in_order(placed: Iterable[Placed]) -> tuple[Placed, ...]:
    return tuple(sorted(placed, key=lambda p: (ORDER.index(p.item.group), p.item.order, p.item.id)))
