"""Makes the tokenizer, from jieba's dictionary (MIT): frequent words and every CJK character.

A piece is what the tokenizer can cut; a row is a vector. Several pieces may share a row: a word
and its traditional forms (by OpenCC, Apache-2.0), "Ａ", "A" and "a", rare characters of one
bucket, and all punctuation, whose row is silent.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import Unigram

SILENT = "<silent>"
UNKNOWN = "<unk>"
RARE_BUCKETS = 512
CJK_BLOCKS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF))
SILENT_MARKS = " \t\r\n\u3000\u00a0，。、；：？！…—～·“”‘’「」『』（）《》〈〉【】〔〕﹏￥"
ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyz0123456789"
LONGEST_WORD = 5


@dataclass(frozen=True)
class Vocabulary:
    """Pieces with their log probabilities, and which row's vector each of them takes."""

    rows: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    pieces: list[tuple[str, float]] = field(default_factory=list)
    row_of_piece: list[int] = field(default_factory=list)

    def tokenizer(self) -> Tokenizer:
        """Most probable segmentation; what no piece covers falls to bytes, never to <unk>."""
        return Tokenizer(Unigram(self.pieces, unk_id=0, byte_fallback=True))

    def to_json(self) -> str:
        """The whole vocabulary as text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        """The inverse of `to_json`."""
        read = json.loads(text)
        read["pieces"] = [(piece, score) for piece, score in read["pieces"]]
        return cls(**read)

    def teachable(self) -> list[int]:
        """Rows that are text, which a teacher can embed."""
        return [i for i, row in enumerate(self.rows) if not row.startswith("<")]


def read_dictionary(lines: Iterable[str]) -> dict[str, int]:
    """jieba's lines are "word frequency tag"."""
    entries = (line.split(" ") for line in lines)
    return {entry[0]: int(entry[1]) for entry in entries if len(entry) >= 2}


def jieba_dictionary() -> dict[str, int]:
    """The dictionary inside the installed jieba package."""
    import jieba

    with (Path(jieba.__file__).parent / "dict.txt").open(encoding="utf-8") as lines:
        return read_dictionary(lines)


def is_cjk(text: str) -> bool:
    """Whether every character is a Han character of the basic plane."""
    return all(any(low <= ord(c) <= high for low, high in CJK_BLOCKS) for c in text)


def common_characters() -> set[str]:
    """The 6,763 characters of GB 2312, what simplified books are set in."""
    pairs = (bytes([lead, trail]) for lead in range(0xB0, 0xF8) for trail in range(0xA1, 0xFF))
    decoded = (pair.decode("gb2312", errors="ignore") for pair in pairs)
    return {character for character in decoded if character}


@dataclass(frozen=True)
class Script:
    """How a text is written in simplified, and in every usual traditional form."""

    simplified: Callable[[str], str] = str
    traditional: tuple[Callable[[str], str], ...] = ()


def opencc_script() -> Script:
    """The standard, Taiwan and Hong Kong forms that the package OpenCC knows."""
    from opencc import OpenCC  # type: ignore[import-not-found,unused-ignore]

    forms = [OpenCC(name).convert for name in ("s2t", "s2tw", "s2hk")]
    return Script(OpenCC("t2s").convert, tuple(forms))


def frequent_words(dictionary: dict[str, int], limit: int) -> list[str]:
    """The most frequent words of two to LONGEST_WORD characters; ties in code point order."""
    words = [w for w in dictionary if 2 <= len(w) <= LONGEST_WORD and is_cjk(w)]
    return sorted(words, key=lambda w: (-dictionary[w], w))[:limit]


def build_vocabulary(
    dictionary: dict[str, int], word_limit: int, script: Script, characters: set[str] | None = None
) -> Vocabulary:
    """Rows and pieces; `characters` are those that deserve a row of their own."""
    own = sorted(common_characters() if characters is None else characters)
    simple = {word: count for word, count in dictionary.items() if script.simplified(word) == word}
    words = frequent_words(simple, word_limit)
    texts = [*words, *own, *ALPHANUMERIC]
    rows = [SILENT, *texts, *(f"<rare-{i}>" for i in range(RARE_BUCKETS))]
    counts = [0, *(dictionary.get(text, 1) for text in texts), *[1] * RARE_BUCKETS]
    row_of = {row: i for i, row in enumerate(rows)}
    pieces = dict(_marks_and_letters(row_of))
    pieces |= _characters(row_of, script)
    for word in words:
        forms = [word, *(rewrite(word) for rewrite in script.traditional)]
        pieces |= dict.fromkeys(forms, row_of[word])
    log_total = math.log(sum(dictionary.values()) or 1)
    scores = (math.log(max(counts[row], 1)) - log_total for row in pieces.values())
    scored = [(piece, round(score, 2)) for piece, score in zip(pieces, scores, strict=True)]
    return Vocabulary(rows, counts, scored, list(pieces.values()))


def _marks_and_letters(row_of: dict[str, int]) -> Iterator[tuple[str, int]]:
    """<unk> comes first: the Unigram model must have it, though no text reaches it."""
    yield UNKNOWN, row_of[SILENT]
    for byte in range(256):
        yield f"<0x{byte:02X}>", row_of[f"<rare-{byte % RARE_BUCKETS}>"]
    marks = {*SILENT_MARKS, *(chr(c) for c in range(0x20, 0x7F) if not chr(c).isalnum())}
    for mark in sorted(marks):
        yield mark, row_of[SILENT]
    for letter in ALPHANUMERIC:
        for form in sorted({letter, letter.upper()}):
            yield form, row_of[letter]
            yield chr(ord(form) + 0xFEE0), row_of[letter]


def _characters(row_of: dict[str, int], script: Script) -> dict[str, int]:
    """Every character's own row, its simplified form's, or its bucket's."""
    every = [chr(code) for low, high in CJK_BLOCKS for code in range(low, high + 1)]
    bucket = {c: row_of[f"<rare-{ord(c) % RARE_BUCKETS}>"] for c in every}
    return {c: row_of.get(c, row_of.get(script.simplified(c), bucket[c])) for c in every}
