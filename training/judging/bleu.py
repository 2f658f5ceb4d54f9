"""BLEU: the n-grams of an answer that a reference has, short answers fined (K. Papineni et al.,
"BLEU: a method for automatic evaluation of machine translation", 2002).

In 0..100, orders 1 to 4, one reference an answer. An order without a match counts as half a
match, then a quarter … ("exp", NIST's mteval; B. Chen, C. Cherry, "A systematic comparison of
smoothing techniques for sentence-level BLEU", 2014, method 3), and a single answer too short
for an order goes without it: sacrebleu's defaults, by which the tests hold it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.judging.rouge import ngrams
from training.judging.words import Variant, tokens

ORDERS = 4


@dataclass(frozen=True, slots=True)
class Matches:
    """What BLEU is made of: n-grams right and given by order, and both texts' tokens."""

    right: tuple[int, ...] = (0,) * ORDERS
    given: tuple[int, ...] = (0,) * ORDERS
    answer: int = 0
    reference: int = 0

    def __add__(self, other: "Matches") -> "Matches":
        return Matches(
            tuple(a + b for a, b in zip(self.right, other.right, strict=True)),
            tuple(a + b for a, b in zip(self.given, other.given, strict=True)),
            self.answer + other.answer,
            self.reference + other.reference,
        )


def corpus_bleu(pairs: Iterable[tuple[str, str]], variant: Variant) -> float:
    """Of (answer, reference) pairs together, as the paper means it; 0 for none."""
    counted = (count(tokens(a, variant), tokens(b, variant)) for a, b in pairs)
    return bleu(sum(counted, start=Matches()))


def sentence_bleu(answer: str, reference: str, variant: Variant) -> float:
    return bleu(count(tokens(answer, variant), tokens(reference, variant)), orders_met_only=True)


def count(answer: Sequence[str], reference: Sequence[str]) -> Matches:
    given = [ngrams(answer, n) for n in range(1, ORDERS + 1)]
    wanted = [ngrams(reference, n) for n in range(1, ORDERS + 1)]
    return Matches(
        tuple((a & b).total() for a, b in zip(given, wanted, strict=True)),
        tuple(each.total() for each in given),
        len(answer),
        len(reference),
    )


def bleu(matches: Matches, *, orders_met_only: bool = False) -> float:
    """`orders_met_only` leaves out orders for which the answers have too few tokens."""
    if not any(matches.right):
        return 0.0
    orders = [n for n in range(ORDERS) if matches.given[n]]
    if len(orders) < ORDERS and not orders_met_only:
        return 0.0
    missed, logs = 0, 0.0
    for n in orders:
        missed += not matches.right[n]
        right = matches.right[n] or 0.5**missed
        logs += math.log(right / matches.given[n])
    fine = min(0.0, 1 - matches.reference / matches.answer)
    return 100 * math.exp(fine + logs / len(orders))
