"""How sure one may be of a mean over answers that belong together."""

from collections.abc import Iterable

import numpy as np

from retrieval.evaluate import Interval

ROUNDS = 2000


def by_group(values: Iterable[tuple[str, float]], seed: int = 0) -> tuple[Interval, int] | None:
    """(the mean of the values with its 95 % interval, how many groups), of (group, value).

    Groups are drawn with replacement, each with all its values: lines of one scene are not
    independent of each other (A. Davison, D. Hinkley, "Bootstrap Methods and their Application",
    1997, ch. 3.8). None for no value.
    """
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for group, value in values:
        sums[group] = sums.get(group, 0.0) + value
        counts[group] = counts.get(group, 0) + 1
    if not sums:
        return None
    total, times = np.array(list(sums.values())), np.array(list(counts.values()), np.float64)
    drawn = np.random.default_rng(seed).multinomial(len(sums), [1 / len(sums)] * len(sums), ROUNDS)
    means = (drawn @ total) / (drawn @ times)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(total.sum() / times.sum()), float(low), float(high)), len(sums)
