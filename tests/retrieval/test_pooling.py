from itertools import combinations_with_replacement

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.pooling import Chapters, standardised

sizes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def grouped(sizes: list[int], x: int, seed: int) -> tuple[Chapters, np.ndarray, list[np.ndarray]]:
    scores = np.random.default_rng(seed).normal(size=(x, sum(sizes))).astype(np.float32)
    chapter = np.repeat(np.arange(len(sizes)) * 3, sizes)
    return Chapters(chapter), scores, np.split(scores, np.cumsum(sizes)[:-1], axis=1)


@settings(deadline=None, max_examples=60)
@given(sizes, st.integers(1, 3), st.integers(0, 99))
def test_pools_are_those_of_each_chapter_alone(sizes: list[int], x: int, seed: int) -> None:
    groups, scores, parts = grouped(sizes, x, seed)

    np.testing.assert_allclose(
        groups.sum(scores[0]), [p[0].sum() for p in parts], rtol=1e-4, atol=1e-5
    )
    np.testing.assert_array_equal(groups.highest(scores), np.stack([p.max(1) for p in parts], 1))
    for part, best in zip(parts, groups.best(scores, 3).T, strict=True):
        padded = np.sort(np.pad(part, ((0, 0), (0, 3)), mode="minimum"), axis=1)[:, ::-1]
        np.testing.assert_allclose(best, padded[:, :3].sum(1), rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(sizes, st.integers(1, 3), st.integers(0, 99))
def test_turns_never_go_back(sizes: list[int], x: int, seed: int) -> None:
    groups, scores, parts = grouped(sizes, x, seed)

    best = [
        max(
            sum(part[n, at] for n, at in enumerate(places))
            for places in combinations_with_replacement(range(part.shape[1]), x)
        )
        for part in parts
    ]

    np.testing.assert_allclose(groups.in_turn(scores), best, rtol=1e-4, atol=1e-5)


def test_neighbours_are_of_the_same_chapter() -> None:
    groups = Chapters(np.array([0, 0, 0, 1, 1]))
    scores = np.array([[1, 2, 4, 8, 16]], dtype=np.float32)

    assert groups.beside(scores).tolist() == [[2, 4, 2, 16, 8]]
    assert groups.with_neighbours(scores, 0.5).tolist() == [[2, 4.5, 5, 16, 20]]


def test_what_is_told_first_is_looked_for_first() -> None:
    """Two chapters of the same scores, told in the query's order and against it."""
    groups = Chapters(np.repeat([0, 1], 6))
    early, late = [5, 5, 5, 0, 0, 0], [0, 0, 0, 5, 5, 5]
    scores = np.array([early + late, late + early], dtype=np.float32)

    forward, backward = groups.in_order(scores, 2.0)

    assert forward > 30 > backward
    assert groups.in_order(scores, 0.0).tolist() == [30, 30]


def test_standardising_leaves_what_is_equal_at_zero() -> None:
    made = standardised(np.array([[3.0, 3.0], [1.0, 3.0]]))

    assert made.tolist() == [[0, 0], [-1, 1]]
