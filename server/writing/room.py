"""How the window is shared between what is read and what is written."""

from server.engines.base import EngineStatus
from server.errors import EngineStarting, Invalid
from server.writing.length import max_tokens

SMALLEST_PROMPT = 512
"""Tokens below which a prompt can say nothing of the book."""


def room_for(status: EngineStatus, prompt_tokens: int, length: int) -> tuple[int, int]:
    """(tokens for the prompt, tokens for `length` characters); the answer is reserved first.

    Raises EngineStarting, or Invalid where too little would be left to read.
    """
    if not status.window:
        raise EngineStarting(f"模型还在启动（{status.detail or '请稍候'}），过一会儿再试。")
    output = max_tokens(length)
    limit = min(prompt_tokens, status.window - output)
    if limit < SMALLEST_PROMPT:
        most = int((status.window - SMALLEST_PROMPT) / max_tokens(1000) * 1000) // 100 * 100
        raise Invalid(
            f"一次写 {length} 字放不进模型的窗口，请改为不超过 {most} 字，或分几次写。",
            code="length_too_large",
        )
    return limit, output
