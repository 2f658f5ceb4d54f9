"""Dice that fall the same way at the same place, so that a prompt can be made again.

A draw is a hash of a seed and of what is drawn for: no state, no order of calls. Give the seed
what names the text (the chapter, the chat); the turn's number is mixed in by whoever draws.
"""

from collections.abc import Mapping
from hashlib import blake2b


def draw(seed: str, *names: str | int) -> float:
    """A number in [0, 1) that depends on nothing but the arguments."""
    told = "\x1f".join([seed, *map(str, names)]).encode()
    return int.from_bytes(blake2b(told, digest_size=7).digest()) / 2**56


def pick(seed: str, weights: Mapping[str, int], *names: str | int) -> str:
    """One id, with a probability in proportion to its weight (Efraimidis & Spirakis 2006).

    Each id draws for itself, so that adding or removing a loser changes nothing. An id without
    weight is picked only where none has any.
    """
    return max(
        weights,
        key=lambda id: (_strength(draw(seed, *names, id), weights[id]), id),
    )


def _strength(drawn: float, weight: int) -> float:
    return float(drawn ** (1 / weight)) if weight > 0 else drawn - 1.0
