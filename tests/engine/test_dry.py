"""DRY against its definition, and in a real vLLM against the loops of a tiny model."""

from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running import Running
from tiny_qwen import SENTENCES

from retrieval.measures.repetition import longest_repeat
from retrieval.types import Message
from server.engines.base import EngineRequest, Sampling
from server.engines.dry import ALLOWED, BASE, LONGEST, Repeats, Watched
from server.errors import EngineError

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

TOKENS = st.lists(st.integers(0, 4), max_size=600)
LOOPING = EngineRequest(
    (Message("user", "接着写：天色将晚，江上起了薄雾。"),), 160, Sampling(temperature=0.0), min_tokens=160
)  # fmt: skip


def by_definition(text: list[int], breakers: set[int]) -> dict[int, int]:
    """For each token, the longest end of `text` that it has followed before."""
    longest: dict[int, int] = {}
    for at in range(1, len(text)):
        length = 0
        while (
            length < at
            and text[at - 1 - length] == text[-1 - length]
            and text[at - 1 - length] not in breakers
        ):
            length += 1
        if length:
            longest[text[at]] = max(length, longest.get(text[at], 0))
    return longest


@settings(max_examples=80, deadline=None)
@given(text=TOKENS, breakers=st.sets(st.integers(0, 4), max_size=2))
def test_every_repeat_is_found_whole(text: list[int], breakers: set[int]) -> None:
    repeats = Repeats(frozenset(breakers))
    for token in text:
        repeats.push(token)
    found: dict[int, int] = {}
    for token, length in zip(*(a.tolist() for a in repeats.continued(1)), strict=True):
        found[token] = max(length, found.get(token, 0))
    assert found == by_definition(text, breakers)
    assert len(repeats) == len(text)


def test_the_penalty_grows_with_what_would_be_repeated_and_spares_names() -> None:
    written = [1, 2, 3, 9, 7, 1, 2, 3]
    watched = Watched(0.8, written, Repeats(frozenset()), frozenset())
    assert watched.penalties() == {9: 0.8 * BASE ** (3 - ALLOWED)}
    written += [5, 1, 2]
    assert watched.penalties() == {3: 0.8 * BASE ** (2 - ALLOWED)}
    free = Watched(0.8, written, Repeats(frozenset({3})), frozenset({3}))
    assert free.penalties() == {}


def test_a_long_loop_costs_no_more_than_the_longest() -> None:
    watched = Watched(1.0, [1] * 500, Repeats(frozenset()), frozenset())
    assert watched.penalties() == {1: BASE ** (LONGEST - ALLOWED)}


def test_what_is_still_being_drawn_is_waited_for() -> None:
    written = [1, 2, 3, -1]
    watched = Watched(0.8, written, Repeats(frozenset()), frozenset())
    watched.penalties()
    assert watched.taken == 3
    written[3:] = [1, 2]
    assert watched.penalties() == {3: 0.8}


def test_a_model_that_loops_does_so_less(tiny: Running) -> None:
    async def said(begun: str, dry: float) -> str:
        request = replace(
            LOOPING,
            messages=(*LOOPING.messages, Message("assistant", begun)),
            sampling=Sampling(temperature=0.0, dry=dry),
        )
        return "".join([piece.text for piece in await tiny.pieces(request)])

    def longest(dry: float) -> list[int]:
        return [len(longest_repeat(tiny.run(said(begun, dry)))) for begun in SENTENCES]

    # What breaks a stretch may still be said over and over: a quotation mark, say.
    assert median(longest(0.8)) < median(longest(0)) / 2


def test_a_senseless_multiplier_is_refused(tiny: Running) -> None:
    with pytest.raises(EngineError, match="dry_multiplier"):
        tiny.run(tiny.pieces(replace(LOOPING, sampling=Sampling(dry=-1.0))))
