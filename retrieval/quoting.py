"""Whether words stand in a text, whatever its white space, and the text's own words for them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.measures.letters import bare, places

_AROUND = "“”\"「」『』‘’' \t\n\u3000"
_SPEECH = re.compile(r"“[^”]*”?|「[^」]*」?|『[^』]*』?|\"[^\"\n]*\"?")


@dataclass(frozen=True, slots=True)
class Place:
    """`text[start:end]` of the text that was looked in."""

    start: int
    end: int
    text: str


class Quoted:
    """A text to look in. `speech` is what stands between quotation marks, or everything where
    there are none: some novels set speech apart by dashes or by nothing."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._bare = bare(text)
        self._places = places(text)
        spans = [found.span() for found in _SPEECH.finditer(text)]
        self.speech: Sequence[tuple[int, int]] = spans or [(0, len(text))]

    def find(self, words: str, start: int = 0) -> Place | None:
        """The first place at or after `start`; quotation marks around the words do not count."""
        wanted = bare(words.strip(_AROUND))
        if not wanted:
            return None
        first = next((n for n, place in enumerate(self._places) if place >= start), None)
        if first is None or (found := self._bare.find(wanted, first)) < 0:
            return None
        begins, ends = self._places[found], self._places[found + len(wanted) - 1] + 1
        return Place(begins, ends, self._text[begins:ends])

    def find_speech(self, words: str, start: int = 0) -> Place | None:
        """The same, inside one run of speech."""
        while (place := self.find(words, start)) is not None:
            if any(a <= place.start and place.end <= b for a, b in self.speech):
                return place
            start = place.start + 1
        return None
