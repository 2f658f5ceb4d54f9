"""The page's colours, by their pigments' names: cloth of a book, mark of a character or a beat."""

from typing import Literal, get_args

Pigment = Literal["ink", "azurite", "malachite", "gamboge", "ochre", "rouge", "indigo", "ash"]
PIGMENTS: tuple[Pigment, ...] = get_args(Pigment)


def pigment(number: int) -> Pigment:
    """The one that is given where the author chose none: in turn."""
    return PIGMENTS[number % len(PIGMENTS)]
