"""Twice the text costs twice the work, counted in executed lines: nothing looks back at it all."""

import sys
from types import FrameType
from typing import Any

import pytest

from training.scripts import parse
from training.scripts.dialogue import Wanted, dialogues

SHAPES = [
    "甲：你来了。\n", "甲：“你来了。\n", "甲：“好\n\n", "（她坐下\n", "（雨）\n甲：好。\n乙：（笑）好。\n", "（（（",
    "甲、", "甲与乙：好。\n",
    "第1幕（续）\n甲：好。\n", "（好）走", "甲：好。\n走\n走\n",
]  # fmt: skip


def steps(text: str) -> int:
    """Lines of Python that parsing a text and making its dialogues executes."""
    count = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:  # noqa: ARG001
        nonlocal count
        count += event == "line"
        return step

    former = sys.gettrace()
    sys.settrace(step)
    try:
        list(dialogues(parse(text), Wanted("甲")))
    finally:
        sys.settrace(former)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_with_the_text(shape: str) -> None:
    once, twice = steps(shape * 100), steps(shape * 200)
    assert twice < 2.3 * once
