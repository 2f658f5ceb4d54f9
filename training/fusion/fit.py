"""A listwise linear model: the right candidates should have the largest share of a softmax.

The loss of a query is −log of the share of its right candidates together (multi-positive
ListNet; Z. Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007)
and every book counts by its queries. Convex up to the positives' own sum; L-BFGS from zero
gives the same weights on every machine to the digits that are kept.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import logsumexp, softmax  # type: ignore[import-untyped]

from retrieval.counts import Floats
from retrieval.evaluate import MISSED
from training.fusion.samples import Sample

RIDGE = {"passages": 0.1, "chapters": 0.03}
"""Times the squared weights, by head, against a mean loss of about one; chosen on books left
out, among 0.01, 0.03, 0.1, 0.3 and 1."""
_FAR = -1e9
Doubles = NDArray[np.float64]


def fit(samples: Sequence[Sample], ridge: float) -> Floats:
    """Weights, [features]. What has no right candidate teaches nothing. Raises ValueError
    where that leaves nothing."""
    useful = [sample for sample in samples if sample.right.any() and not sample.right.all()]
    if not useful:
        raise ValueError("no query has a right and a wrong candidate")
    widest = max(len(sample.right) for sample in useful)
    features = np.zeros((len(useful), widest, useful[0].features.shape[1]))
    there, right = np.zeros((2, len(useful), widest), dtype=bool)
    for row, sample in enumerate(useful):
        size = len(sample.right)
        features[row, :size], right[row, :size] = sample.features, sample.right
        there[row, :size] = True

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        scores = np.where(there, features @ weights, _FAR)
        rights = np.where(right, scores, _FAR)
        value = (logsumexp(scores, axis=1) - logsumexp(rights, axis=1)).mean()
        pull = (softmax(scores, axis=1) - softmax(rights, axis=1)) / len(useful)
        gradient = np.einsum("qc,qcf->f", pull, features, optimize=True)
        return float(value + ridge * weights @ weights), gradient + 2 * ridge * weights

    found = minimize(loss, np.zeros(features.shape[2]), jac=True, method="L-BFGS-B")
    weights: Floats = found.x.astype(np.float32)
    return weights


def ranks(samples: Sequence[Sample], weights: Floats) -> Doubles:
    """The rank of each query's first right candidate; ties count against it."""
    return np.array([_rank(sample, weights) for sample in samples])


def _rank(sample: Sample, weights: Floats) -> float:
    if not sample.right.any():
        return MISSED
    scores = sample.features @ weights
    best = scores[sample.right].max()
    return 1.0 + float((scores[~sample.right] >= best).sum())
