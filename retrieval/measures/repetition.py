"""How much a text repeats itself.

The known failure of tuned and untuned models alike: past 2,000 characters they loop. Numbers
depend on the length that is looked at (any long text has few new n-grams left), so texts are
compared at the same length: `repetition_at`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.chunk import sentences
from retrieval.measures.letters import bare, prefix
from retrieval.measures.suffixes import common_prefixes, suffix_array

LENGTHS = (500, 1000, 2000, 4000, 8000)
"""Characters from a text's beginning at which its repetition is looked at."""

SENTENCE = 6
"""Letters of the shortest sentence that counts when it stands again: people do say
“好。” three times."""

_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Repeat:
    """`words` begin at `first` and again at `second`, offsets without white space."""

    words: str
    first: int
    second: int

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True)
class Repetition:
    """All of it for one text; `sentence` stands `times` times, 0 where there is none."""

    characters: int
    seq_rep_4: float
    distinct_1: float
    distinct_2: float
    distinct_4: float
    longest: int
    longest_words: str
    sentence: str
    times: int


def repetition(text: str) -> Repetition:
    longest = longest_repeat(text)
    sentence, times = most_repeated_sentence(text)
    return Repetition(
        characters=len(bare(text)),
        seq_rep_4=seq_rep(text, 4),
        distinct_1=distinct(text, 1),
        distinct_2=distinct(text, 2),
        distinct_4=distinct(text, 4),
        longest=len(longest),
        longest_words=longest.words,
        sentence=sentence,
        times=times,
    )


def repetition_at(text: str, lengths: Sequence[int] = LENGTHS) -> dict[int, Repetition]:
    """`repetition` of the beginning, for every length that the text reaches."""
    reached = len(bare(text))
    return {length: repetition(prefix(text, length)) for length in lengths if length <= reached}


def seq_rep(text: str, n: int = 4) -> float:
    """seq-rep-n: 1 − distinct n-grams / n-grams, over characters; 0 for fewer than n.

    S. Welleck et al., "Neural text generation with unlikelihood training", 2020, eq. 9.
    """
    grams = _grams(bare(text), n)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def distinct(text: str, n: int) -> float:
    """distinct-n: distinct n-grams / all characters; 0 for the empty text.

    J. Li et al., "A diversity-promoting objective function for neural conversation models",
    2016, section 5.2: scaled by tokens, not by n-grams.
    """
    letters = bare(text)
    return len(set(_grams(letters, n))) / len(letters) if letters else 0.0


def _grams(letters: str, n: int) -> list[str]:
    if n < 1:
        raise ValueError(f"n-grams of {n} characters")
    return [letters[start : start + n] for start in range(len(letters) - n + 1)]


def longest_repeat(text: str) -> Repeat:
    """The longest stretch that stands twice, overlaps allowed: of a loop, all but one round.

    The highest place of the suffix array's common prefixes (D. Gusfield, "Algorithms on
    strings, trees, and sequences", 1997, 7.12); O(n log n).
    """
    letters = bare(text)
    order = suffix_array(letters)
    if len(order) < 2:
        return Repeat("", 0, 0)
    shared = common_prefixes(letters, order)
    slot = int(shared.argmax())
    length = int(shared[slot])
    if not length:
        return Repeat("", 0, 0)
    first, second = sorted((int(order[slot - 1]), int(order[slot])))
    return Repeat(letters[first : first + length], first, second)


def most_repeated_sentence(text: str, least: int = SENTENCE) -> tuple[str, int]:
    """The sentence that stands most often, as it first stands, and how often; ("", 0) for none.

    Sentences are equal when their letters are; those of fewer than `least` letters do not
    count. Among equals the first wins.
    """
    written: dict[str, str] = {}
    times: Counter[str] = Counter()
    for start, end in sentences(text):
        letters = _NO_LETTER.sub("", text[start:end])
        if len(letters) >= least:
            written.setdefault(letters, text[start:end].strip())
            times[letters] += 1
    if not times:
        return "", 0
    letters, count = times.most_common(1)[0]
    return written[letters], count
