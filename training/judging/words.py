"""Texts to tokens for measures of overlap. Their numbers differ by the cutting: say which."""

import logging
from typing import Literal

Variant = Literal["char", "jieba"]
VARIANTS: tuple[Variant, ...] = ("char", "jieba")


def tokens(text: str, variant: Variant) -> list[str]:
    """Characters, or jieba's words; white space is no token, punctuation is."""
    if variant == "char":
        return [character for character in text if not character.isspace()]
    return [word for word in _jieba_words(text) if not word.isspace()]


def _jieba_words(text: str) -> list[str]:
    import jieba

    jieba.setLogLevel(logging.ERROR)  # it tells how long its dictionary took to load
    words: list[str] = jieba.lcut(text)
    return words
