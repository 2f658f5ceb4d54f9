"""Rows to learn from."""

from training.types import Chat, Turn


def chat(answer: str) -> Chat:
    return Chat((Turn("user", "接着写。"), Turn("assistant", answer)))
