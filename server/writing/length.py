"""A target length in characters, kept at a sentence's end.

Engines count tokens, authors count characters. The engine gets some slack and we end the
text at the first sentence end after the target, closing quotes included.
"""

import math
from dataclasses import dataclass

ENDS = frozenset("。！？…!?")
CLOSERS = frozenset("”’」』）》】\"'")
ALMOST = 0.95
"""From this share of the target on, a sentence end is a good place to stop."""
SLACK = 1.2
SENTENCE = 40
"""Past `SLACK` times the target and one sentence more the text ends wherever it is."""
TOKENS_PER_CHAR = 1.1
"""Upper estimate for Qwen on Chinese (about 0.7 on modern prose, 1.0 on classical)."""


def max_tokens(length: int) -> int:
    """Tokens that surely hold `length` characters and the end of the last sentence."""
    return math.ceil(most_chars(length) * TOKENS_PER_CHAR) + 8


def frequency_penalty(length: int) -> float:
    """A mild default against loops. The penalty adds up over a text, so a long one gets less:
    at a fixed 0.3 a chapter of 4,000 characters would run out of commas."""
    return round(min(0.3, 90 / length), 3)


def min_tokens(length: int) -> int:
    """Tokens before which the model may not stop: it is not done at a third of the way."""
    return length // 3


def most_chars(length: int) -> int:
    """Characters after which a passage of about `length` is cut even inside a sentence."""
    return math.ceil(length * SLACK) + SENTENCE


@dataclass
class LengthGate:
    """Lets text through until the target is reached; then it is `full`."""

    target: int
    new_line: bool = True
    """Whether the text before ends a line: then white space at the beginning is dropped."""
    written: int = 0
    full: bool = False
    _at_end: bool = False

    def take(self, text: str) -> str:
        """The part of `text` that still belongs to the passage."""
        if self.full:
            return ""
        if self.written == 0:
            text = text.lstrip() if self.new_line else text.lstrip(" ")
        for n, char in enumerate(text):
            if self._ends_before(char):
                self.full = True
                return text[:n]
            self.written += not char.isspace()
            self._at_end = self.written >= self.target * ALMOST and (
                char in ENDS or (self._at_end and char in CLOSERS)
            )
        return text

    def _ends_before(self, char: str) -> bool:
        if self._at_end and char not in ENDS and char not in CLOSERS:
            return True
        return self.written >= most_chars(self.target)
