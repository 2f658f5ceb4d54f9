"""Small books that rank's tests look at, searched exactly."""

from collections.abc import Sequence

import numpy as np

from retrieval import rank
from retrieval.bm25 import Corpus, LexicalPart
from retrieval.postings import Postings
from retrieval.types import Passage


def passages_of(chapters: Sequence[Sequence[str]]) -> list[Passage]:
    made = []
    for number, texts in enumerate(chapters):
        start = 0
        for text in texts:
            made.append(Passage(f"c{number}", number, "", start, start + len(text), text))
            start += len(text)
    return made


def corpus_of(passages: Sequence[Passage], large: bool = False) -> Corpus:
    made = Postings.build([passage.text for passage in passages])
    corpus = Corpus(passages, [LexicalPart(made, np.arange(len(passages), dtype=np.int32))])
    corpus.large = large
    return corpus


def work_of(chapters: Sequence[Sequence[str]], large: bool = False) -> rank.Work:
    """A work whose vectors count 砚 and 猫."""
    passages = passages_of(chapters)
    vectors = np.array(
        [[p.text.count("砚"), p.text.count("猫")] for p in passages], dtype=np.float32
    )
    starts = np.cumsum([0, *(len(texts) for texts in chapters if texts)])
    return rank.Work(
        passages, corpus_of(passages, large), starts, lambda asked, rows: asked @ vectors[rows].T
    )
