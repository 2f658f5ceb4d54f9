"""What can be counted in one side's answers, beside the reference and the author's own words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.evaluate import Interval, paired_interval
from retrieval.measures import (
    LENGTHS,
    Copies,
    Difference,
    Fingerprint,
    Repetition,
    difference,
    fingerprint,
    repetition,
    repetition_at,
)
from training.judging.bleu import corpus_bleu
from training.judging.rouge import ROUGES, Rouge, rouge
from training.judging.words import VARIANTS

LOOP = 3
"""Times that a sentence stands in a text which has fallen into a loop."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """With the references, by variant of cutting: `rouge` are means over cases, `bleu` is the
    corpus's."""

    rouge: Mapping[str, Mapping[str, Rouge]]
    bleu: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Looping:
    """Means over `texts` texts, but `longest` and `times`, which are the worst; `loops` of them
    have a sentence LOOP times."""

    texts: int
    characters: float
    seq_rep_4: float
    distinct_2: float
    distinct_4: float
    longest: int
    times: int
    loops: int


@dataclass(frozen=True, slots=True)
class Recited:
    """What stands word for word in the training set: the worst text's longest span, and the
    share of all characters in spans of 20 or more."""

    longest: int
    words: str
    case: str
    share: float


@dataclass(frozen=True, slots=True)
class Measured:
    """`empty` answers are counted here and measured as they are. `style` is the distance of all
    answers together from the author; `overlap` and `recited` are None where there is nothing to
    compare with."""

    texts: int
    empty: int
    characters: float
    overlap: Overlap | None
    whole: Looping
    style: Difference
    fingerprint: Fingerprint
    recited: Recited | None


class Measures:
    """`author` are the texts that were learned: whose hand it should be, and what may be recited."""

    def __init__(self, author: Sequence[str]) -> None:
        self.author = fingerprint("\n".join(author))
        self._copies = Copies(author) if author else None

    def of(self, answers: Mapping[str, str], references: Mapping[str, str] | None) -> Measured:
        """Of answers by their cases' ids; without `references` they are the references."""
        texts = list(answers.values())
        print_ = fingerprint("\n".join(texts))
        return Measured(
            texts=len(texts),
            empty=sum(not text.strip() for text in texts),
            characters=_mean([len(text) for text in texts]),
            overlap=None if references is None else _overlap(answers, references),
            whole=_looping([repetition(text) for text in texts]),
            style=difference(print_, self.author),
            fingerprint=print_,
            recited=self.recited(answers),
        )

    def recited(self, answers: Mapping[str, str]) -> Recited | None:
        """None where nothing was learned that could be recited."""
        if self._copies is None:
            return None
        found = {case: self._copies.copied(text) for case, text in answers.items()}
        characters = sum(one.characters for one in found.values())
        copied = sum(one.share * one.characters for one in found.values())
        worst = max(found, key=lambda case: found[case].longest, default="")
        span = found[worst].longest_span if worst else None
        return Recited(
            longest=found[worst].longest if worst else 0,
            words=answers[worst][span.start : span.end] if span else "",
            case=worst,
            share=copied / characters if characters else 0.0,
        )


def _overlap(answers: Mapping[str, str], references: Mapping[str, str]) -> Overlap:
    pairs = [(text, references[case]) for case, text in answers.items()]
    scores = {v: [rouge(answer, wanted, v) for answer, wanted in pairs] for v in VARIANTS}
    return Overlap(
        rouge={
            v: {name: _mean_rouge([each[name] for each in scores[v]]) for name in ROUGES}
            for v in VARIANTS
        },
        bleu={v: corpus_bleu(pairs, v) for v in VARIANTS},
    )


def _mean_rouge(scores: Sequence[Rouge]) -> Rouge:
    return Rouge(
        _mean([each.f1 for each in scores]),
        _mean([each.precision for each in scores]),
        _mean([each.recall for each in scores]),
    )


def looping_at(texts: Iterable[str]) -> dict[int, Looping]:
    """Of the texts' beginnings, for every length that one of them reaches."""
    reached = [repetition_at(text) for text in texts]
    by_length = {n: [each[n] for each in reached if n in each] for n in LENGTHS}
    return {n: _looping(found) for n, found in by_length.items() if found}


def _looping(found: Sequence[Repetition]) -> Looping:
    return Looping(
        texts=len(found),
        characters=_mean([each.characters for each in found]),
        seq_rep_4=_mean([each.seq_rep_4 for each in found]),
        distinct_2=_mean([each.distinct_2 for each in found]),
        distinct_4=_mean([each.distinct_4 for each in found]),
        longest=max((each.longest for each in found), default=0),
        times=max((each.times for each in found), default=0),
        loops=sum(each.times >= LOOP for each in found),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def rouge_margin(
    ours: Mapping[str, str], theirs: Mapping[str, str], references: Mapping[str, str]
) -> Interval:
    """By how much our answers' ROUGE-L F1 by characters is better, case by case."""
    cases = [case for case in ours if case in theirs]
    scores = [
        [rouge(side[case], references[case], "char")["rouge-l"].f1 for case in cases]
        for side in (ours, theirs)
    ]
    return paired_interval(*scores)
