"""A conversation and the model's window: how much fits, and what goes when it does not."""

from typing import Any

from retrieval.types import Message as Plain
from server.desk import Desk
from server.errors import EngineStarting
from server.openai.errors import ApiError
from server.openai.schemas import ChatIn
from server.writing.length import SENTENCE, SLACK, TOKENS_PER_CHAR
from server.writing.room import SMALLEST_PROMPT, room_for

ANSWER = 256
"""Tokens that are kept free for an answer where nobody says how many."""


def room_of(desk: Desk, tokens: int | None, length: int) -> tuple[int, int]:
    """(tokens for the prompt, for the answer): `tokens`, or enough for `length` characters.

    Raises EngineStarting, Invalid, ApiError where too little would be left to read.
    """
    most, status = desk.continuation.prompt_tokens, desk.engine.status()
    if tokens is None or not status.window:
        return room_for(status, most, length)
    limit = min(most, status.window - tokens)
    if limit < SMALLEST_PROMPT:
        raise ApiError(
            f"This model's window holds {status.window} tokens; an answer of {tokens} leaves no"
            " room for a prompt.",
            param="max_tokens", code="context_length_exceeded",
        )  # fmt: skip
    return limit, tokens


def characters_of(tokens: int | None) -> int | None:
    """The length that so many tokens surely hold (`writing.length.max_tokens` turned round)."""
    if tokens is None:
        return None
    return max(1, int((tokens / TOKENS_PER_CHAR - SENTENCE) / SLACK))


def too_long(limit: int) -> ApiError:
    return ApiError(
        f"The conversation does not fit into the {limit} tokens that there are for it. Shorten it,"
        " or ask with yanchi.overflow = \"drop\" for its oldest turns to be left out.",
        param="messages", code="context_length_exceeded",
    )  # fmt: skip


def nothing_said() -> ApiError:
    return ApiError(
        "Nobody says anything in these messages.", param="messages", code="invalid_value"
    )


def within(desk: Desk, asked: ChatIn, told: list[Any], *, drop: bool) -> tuple[list[Any], int]:
    """(the messages that fit beside the answer, how many of the oldest turns were left out).

    Of a plain model; `told` are the messages as they came. System messages stay. Raises ApiError
    where even the last turn does not fit, or anything would have to go that may not.
    """
    window = desk.engine.status().window
    if not window:
        raise EngineStarting("模型还在启动，过一会儿再试。")
    limit = window - (asked.most_tokens or min(ANSWER, window // 4))
    counter = desk.engine.tokens
    counts = [counter.count_messages([Plain("user", m.text)]) for m in asked.messages]
    stays = [m.role in ("system", "developer") for m in asked.messages]
    turns = [n for n, steady in enumerate(stays) if not steady]
    total, gone = sum(counts), 0
    while total > limit and drop and gone < len(turns) - 1:
        total -= counts[turns[gone]]
        gone += 1
    if total > limit:
        raise too_long(limit)
    left_out = set(turns[:gone])
    return [message for n, message in enumerate(told) if n not in left_out], gone
