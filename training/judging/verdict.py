"""From votes to who is better, and how sure one may be of it.

A case's two votes on a pair of sides, one in each order, count together: the mean of 1 for a
win, ½ for a tie, 0 for a loss, so a judge who always likes what comes first says nothing. Where
one of the two was dropped, neither counts. Intervals are percentiles over cases drawn with
replacement (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993): what a judge
says of one text is not independent of what it says of it again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retrieval.evaluate import Interval
from training.judging.votes import CRITERIA, Criterion, Dropped, Vote, Winner

ROUNDS = 2000
_STEPS = 400
_ENOUGH = 1e-9


@dataclass(frozen=True, slots=True)
class Ballot:
    """Both votes on one case and criterion: `there` with `one` first, `back` with `other`."""

    case: str
    criterion: Criterion
    one: str
    other: str
    there: Vote
    back: Vote

    @property
    def score(self) -> float | None:
        """Of `one` against `other`, 0..1; None where a vote was dropped."""
        if self.there.winner is None or self.back.winner is None:
            return None
        return (_WORTH[self.there.winner] + 1 - _WORTH[self.back.winner]) / 2


_WORTH: Mapping[Winner, float] = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True)
class Pairing:
    """How `one` fares against `other`: the mean score, with its interval, over `cases`."""

    one: str
    other: str
    cases: int
    score: Interval


@dataclass(frozen=True, slots=True)
class Standing:
    """`strength` is what Bradley–Terry gives: the chance of beating an average side."""

    side: str
    strength: Interval


@dataclass(frozen=True, slots=True)
class Verdict:
    """`agreement` is the share of ballots whose votes name the same side in both orders, of
    those where neither was dropped; `first_liked` how often the draft that came first won, of
    the votes that named one."""

    pairings: Mapping[Criterion, Sequence[Pairing]]
    standings: Mapping[Criterion, Sequence[Standing]]
    votes: int
    dropped: Mapping[Dropped, int] = field(default_factory=dict)
    agreement: float = 0.0
    first_liked: float = 0.0


def verdict(ballots: Sequence[Ballot], sides: Sequence[str], seed: int = 0) -> Verdict:
    votes = [vote for ballot in ballots for vote in (ballot.there, ballot.back)]
    named = [vote.winner for vote in votes if vote.winner in ("first", "second")]
    counted = [ballot for ballot in ballots if ballot.score is not None]
    agreed = [b for b in counted if _WORTH_OTHER[b.there.winner] == b.back.winner]
    by_criterion = {
        criterion: _Scores([b for b in counted if b.criterion == criterion], sides, seed)
        for criterion in CRITERIA
    }
    return Verdict(
        pairings={criterion: scores.pairings() for criterion, scores in by_criterion.items()},
        standings={criterion: scores.standings() for criterion, scores in by_criterion.items()},
        votes=len(votes),
        dropped=dict(Counter(vote.dropped for vote in votes if vote.dropped)),
        agreement=len(agreed) / len(counted) if counted else 0.0,
        first_liked=named.count("first") / len(named) if named else 0.0,
    )


_WORTH_OTHER: Mapping[Winner | None, Winner] = {"first": "second", "second": "first", "tie": "tie"}
"""What a vote is called when the drafts change places."""


class _Scores:
    """Ballots of one criterion as arrays over cases: `won[c, i, j]` is the score of side i
    against side j in case c, `met[c, i, j]` 1 where they were compared."""

    def __init__(self, ballots: Sequence[Ballot], sides: Sequence[str], seed: int) -> None:
        self._sides = list(sides)
        cases = {case: n for n, case in enumerate(sorted({b.case for b in ballots}))}
        shape = (len(cases), len(sides), len(sides))
        self._won, self._met = np.zeros(shape), np.zeros(shape)
        for ballot in ballots:
            case, score = cases[ballot.case], ballot.score
            i, j = self._sides.index(ballot.one), self._sides.index(ballot.other)
            assert score is not None
            self._won[case, i, j], self._won[case, j, i] = score, 1 - score
            self._met[case, i, j] = self._met[case, j, i] = 1
        n = len(cases)
        chance = np.random.default_rng(seed)
        # How often each case is drawn in each round, [rounds, cases].
        drawn = chance.multinomial(n, [1 / n] * n, size=ROUNDS) if n else np.zeros((1, 0))
        self._drawn = drawn.astype(np.float64)

    def pairings(self) -> list[Pairing]:
        return [
            Pairing(self._sides[i], self._sides[j], int(self._met[:, i, j].sum()),
                    self._mean(i, j))
            for i in range(len(self._sides))
            for j in range(i + 1, len(self._sides))
            if self._met[:, i, j].any()
        ]  # fmt: skip

    def _mean(self, i: int, j: int) -> Interval:
        won, met = self._won[:, i, j], self._met[:, i, j]
        times = self._drawn @ met
        means = (self._drawn @ won)[times > 0] / times[times > 0]
        return _interval(float(won.sum() / met.sum()), means)

    def standings(self) -> list[Standing]:
        """Best first; none where nothing was compared."""
        if not self._met.any():
            return []
        whole = np.ones((1, len(self._won)))
        here = _strengths(self._totals(whole, self._won), self._totals(whole, self._met))[0]
        drawn = _strengths(
            self._totals(self._drawn, self._won), self._totals(self._drawn, self._met)
        )
        order = np.argsort(-here, kind="stable")
        return [Standing(self._sides[i], _interval(float(here[i]), drawn[:, i])) for i in order]

    def _totals(self, drawn: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = drawn @ of.reshape(len(of), -1)
        return np.asarray(flat.reshape(len(drawn), *of.shape[1:]), np.float64)


def _strengths(won: NDArray[np.float64], met: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bradley–Terry for many tables at once, [rounds, sides, sides] -> [rounds, sides].

    R. A. Bradley, M. E. Terry, 1952, by the minorization of D. R. Hunter, "MM algorithms for
    generalized Bradley–Terry models", 2004. One tie between every two sides is taken as met
    before, so that who has lost everything has a strength at all. What is returned is p / (p +
    q) for a side's p and the sides' geometric mean q.
    """
    sides = won.shape[-1]
    others = 1 - np.eye(sides)
    won, met = won + others / 2, met + others
    p = np.ones(won.shape[:-1])
    for _ in range(_STEPS):
        pairs = met / (p[..., :, None] + p[..., None, :])
        new = won.sum(axis=-1) / pairs.sum(axis=-1)
        new /= np.exp(np.log(new).mean(axis=-1, keepdims=True))
        moved = float(np.abs(new - p).max())
        p = new
        if moved < _ENOUGH:
            break
    return np.asarray(p / (p + 1), np.float64)


def _interval(mean: float, drawn: NDArray[np.float64]) -> Interval:
    if not drawn.size:
        return Interval(mean, mean, mean)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(mean, float(low), float(high))
