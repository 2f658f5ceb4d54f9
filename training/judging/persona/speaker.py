"""Who says a line: multinomial naive Bayes over characters and pairs of them.

A. McCallum, K. Nigam, "A comparison of event models for naive Bayes text classification", 1998.
Every speaker counts alike beforehand: whoever speaks most is not taken for everybody.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.judging.persona.grams import grams

LEAST = 20
"""Lines from which on a speaker can be told."""
_SMOOTHED = 0.1


class Classifier:
    """`lines` of at least two speakers, by name."""

    def __init__(self, lines: Mapping[str, Sequence[str]]) -> None:
        self.names = list(lines)
        counts = [sum(map(grams, texts), Counter()) for texts in lines.values()]
        self._column = {gram: n for n, gram in enumerate(sorted(set().union(*counts)))}
        table = np.full((len(counts), len(self._column)), _SMOOTHED)
        for row, counted in enumerate(counts):
            for gram, count in counted.items():
                table[row, self._column[gram]] += count
        self._log = np.log(table / table.sum(axis=1, keepdims=True))

    def who(self, text: str) -> str:
        """Empty for a text that says nothing anybody else said."""
        known = [(self._column[g], count) for g, count in grams(text).items() if g in self._column]
        if not known:
            return ""
        columns, counts = zip(*known, strict=True)
        scores = self._log[:, list(columns)] @ np.array(counts, np.float64)
        return self.names[int(scores.argmax())]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """On real lines of the scenes held out. `own` is the share of the role's that it gives to
    the role, `others` the share of the other speakers' that it gives to the role; None where
    there are none."""

    speakers: tuple[str, ...]
    lines: int
    all: float
    own: float | None
    others: float | None


def accuracy(classifier: Classifier, role: str, lines: Sequence[tuple[str, str]]) -> Accuracy:
    """`lines` are (speaker, text), of speakers that it knows; at least one."""
    found = [(name, classifier.who(text)) for name, text in lines]
    own = [who == role for name, who in found if name == role]
    others = [who == role for name, who in found if name != role]
    return Accuracy(
        tuple(classifier.names), len(found), sum(n == who for n, who in found) / len(found),
        sum(own) / len(own) if own else None, sum(others) / len(others) if others else None,
    )  # fmt: skip


def learnable(lines: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The texts of (speaker, text) by those who have LEAST of them."""
    texts: dict[str, list[str]] = {}
    for name, text in lines:
        texts.setdefault(name, []).append(text)
    return {name: own for name, own in texts.items() if len(own) >= LEAST}
