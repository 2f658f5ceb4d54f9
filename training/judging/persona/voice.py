"""How near words are to how a character speaks: the style's distance, and a profile of grams.

Both are taken of all that is said in a scene: single lines are too short for either.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from retrieval.measures import difference, fingerprint
from training.judging.persona.grams import grams


class Voice:
    """`own` are lines of the character's that anybody may have learned from; `everybody` those of
    all speakers, by which a gram is rare or common."""

    def __init__(self, own: Sequence[str], everybody: Sequence[str]) -> None:
        self._print = fingerprint("\n".join(own))
        seen = Counter(gram for text in everybody for gram in grams(text))
        self._texts, self._seen = len(everybody), seen
        self._profile = self._weighed(sum(map(grams, own), Counter()))

    def distance(self, text: str) -> float:
        """0 for the same hand … 1 (`retrieval.measures.difference`)."""
        return difference(fingerprint(text), self._print).distance

    def likeness(self, text: str) -> float:
        """The cosine of the text's grams with the character's, weighed tf·idf: 0 … 1."""
        weighed = self._weighed(grams(text))
        return sum(value * self._profile.get(gram, 0.0) for gram, value in weighed.items())

    def _weighed(self, counts: Mapping[str, int]) -> dict[str, float]:
        """A vector of length 1; empty for nothing."""
        values = {
            gram: count * (math.log((1 + self._texts) / (1 + self._seen[gram])) + 1)
            for gram, count in counts.items()
        }
        length = math.sqrt(sum(value * value for value in values.values()))
        return {gram: value / length for gram, value in values.items()} if length else {}
