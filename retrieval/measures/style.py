"""How a text is written, in numbers: a fingerprint, and how far two of them are apart.

Every feature is a distribution (shares that add up to 1), so that one measure serves all: the
Jensen–Shannon distance (J. Lin, "Divergence measures based on the Shannon entropy", 1991; its
square root is a metric: D. M. Endres, J. E. Schindelin, 2003), from 0 for equal to 1 for
nothing in common. Function words and punctuation are the classic tell-tales of an author
(J. Burrows, "'Delta': a measure of stylistic difference", 2002).

Short texts are noisy: even two pages by the same hand are apart. Say beside a distance what
another text of the author's, as long, has.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from retrieval.chunk import sentences
from retrieval.measures.idioms import count_idioms
from retrieval.measures.letters import bare

SENTENCE_BINS = (5, 10, 15, 20, 30, 50)
PARAGRAPH_BINS = (20, 50, 100, 200, 400)
"""Upper ends, inclusive, of all bins but the last; characters."""

MARKS = "，。！？；：、—…“”‘’「」『』（）《》·～"

PARTICLES = (
    "的了着过得地之乎者也矣焉哉耳吗呢吧啊呀么罢嘛是在有没不未莫别都又还再才就便却只很最更太甚极"
    "把将被给让叫使向往从自于以为因与和同跟及并而且但若则虽如这那此其彼何谁哪怎我你他她它们咱俺吾汝"
)
CONNECTIVES = (
    "因为", "所以", "但是", "可是", "然而", "不过", "于是", "然后", "如果", "倘若", "虽然", "即使",
    "而且", "或者", "还是", "已经", "曾经", "正在", "忽然", "突然", "终于", "仿佛", "似乎", "好像",
    "一样", "什么", "怎么", "这样", "那样", "自己", "没有", "只见", "却说", "且说", "原来", "一面",
    "起来", "下去", "出来",
)  # fmt: skip
"""Function words, written and spoken, old and new; two characters win over one."""

_WORD = re.compile(f"{'|'.join(CONNECTIVES)}|[{PARTICLES}]")
_SPEECH = re.compile(r"“[^”\n]*|「[^」\n]*|『[^』\n]*|\"[^\"\n]*\"?")
"""From an opening mark to its end or the paragraph's; a mark inside another's is no start."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`dialogue` is the share of characters that are spoken, `idioms` those of every 1,000
    characters that begin one; lengths are characters. The mappings and tuples hold shares."""

    characters: int
    sentence_mean: float
    paragraph_mean: float
    dialogue: float
    idioms: float
    sentence_lengths: tuple[float, ...]
    paragraph_lengths: tuple[float, ...]
    punctuation: Mapping[str, float] = field(default_factory=dict)
    """Of all characters; the rest of the distribution is what is no mark."""
    function_words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """`distance` is the mean of the parts, each in 0..1."""

    distance: float
    parts: Mapping[str, float]


def fingerprint(text: str) -> Fingerprint:
    """Of several texts: join them with line breaks. The empty text has an empty fingerprint."""
    letters = bare(text)
    characters = len(letters)
    sentence = [length for a, b in sentences(text) if (length := len(bare(text[a:b])))]
    paragraph = [length for line in text.split("\n") if (length := len(bare(line)))]
    marks = Counter(character for character in letters if character in MARKS)
    words = Counter(_WORD.findall(letters))
    spoken = sum(len(bare(speech).strip('“”「」『』"')) for speech in _SPEECH.findall(text))
    return Fingerprint(
        characters=characters,
        sentence_mean=_mean(sentence),
        paragraph_mean=_mean(paragraph),
        dialogue=spoken / characters if characters else 0.0,
        idioms=1000 * count_idioms(letters) / characters if characters else 0.0,
        sentence_lengths=_histogram(sentence, SENTENCE_BINS),
        paragraph_lengths=_histogram(paragraph, PARAGRAPH_BINS),
        punctuation={mark: count / characters for mark, count in sorted(marks.items())},
        function_words={word: count / characters for word, count in sorted(words.items())},
    )


def difference(one: Fingerprint, other: Fingerprint) -> Difference:
    """How far apart two texts are written; an empty text is as far from others as can be."""
    if not one.characters or not other.characters:
        far = 0.0 if one.characters == other.characters else 1.0
        return Difference(far, dict.fromkeys(_PARTS, far))
    parts = {
        "sentence_lengths": _apart(one.sentence_lengths, other.sentence_lengths),
        "paragraph_lengths": _apart(one.paragraph_lengths, other.paragraph_lengths),
        "punctuation": _apart(*_aligned(one.punctuation, other.punctuation)),
        "function_words": _apart(*_aligned(one.function_words, other.function_words)),
        "dialogue": _apart(*(_and_rest([each.dialogue]) for each in (one, other))),
        "idioms": _apart(*(_and_rest([each.idioms / 1000]) for each in (one, other))),
    }
    return Difference(sum(parts.values()) / len(parts), parts)


_PARTS = (
    "sentence_lengths", "paragraph_lengths", "punctuation", "function_words", "dialogue", "idioms",
)  # fmt: skip


def _mean(lengths: Sequence[int]) -> float:
    return sum(lengths) / len(lengths) if lengths else 0.0


def _histogram(lengths: Sequence[int], ends: Sequence[int]) -> tuple[float, ...]:
    counts = [0] * (len(ends) + 1)
    for length in lengths:
        counts[bisect_left(ends, length)] += 1
    return tuple(count / max(len(lengths), 1) for count in counts)


def _aligned(
    one: Mapping[str, float], other: Mapping[str, float]
) -> tuple[list[float], list[float]]:
    names = sorted(one.keys() | other.keys())
    return (
        _and_rest([one.get(name, 0.0) for name in names]),
        _and_rest([other.get(name, 0.0) for name in names]),
    )


def _and_rest(shares: list[float]) -> list[float]:
    return [*shares, max(0.0, 1.0 - sum(shares))]


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    """The Jensen–Shannon distance of two distributions, base 2."""
    p, q = np.asarray(one, np.float64), np.asarray(other, np.float64)
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = [np.where(each > 0, each * np.log2(each / middle), 0.0) for each in (p, q)]
    return float(np.sqrt(max(0.0, sum(float(each.sum()) for each in surprise) / 2)))
