from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import segment
from retrieval.embed import Vectors
from retrieval.errors import WrongDimension
from retrieval.snapshot import ChapterMark, Maker, Snapshot
from retrieval.types import Passage, StoryPosition
from retrieval.vector_index import Aim, Kind

DIMENSION = 8
MAKER = Maker("一个模型", "sha256:1", DIMENSION)


def story(lengths: list[int], vectors: Vectors, aim: Aim | None = None) -> Snapshot:
    """Passages of the given lengths, three to a chapter, in one segment."""
    passages, marks, start = [], [], 0
    for row, length in enumerate(lengths):
        start = 0 if row % 3 == 0 else start
        passages.append(Passage(f"c{row // 3}", row // 3, "", start, start + length, "字" * length))
        start += length
    for first in range(0, len(lengths), 3):
        count = min(3, len(lengths) - first)
        marks.append(ChapterMark(f"c{first // 3}", first // 3, "", "", "s", first, count))
    with TemporaryDirectory() as folder:  # what is mapped stays, whatever becomes of the files
        made = segment.write(Path(folder), "s", passages)
        made = segment.add_vectors(Path(folder), made, vectors, aim or Aim())
        return Snapshot(marks, {"s": made}, MAKER)


def random_vectors(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=20),
    st.builds(StoryPosition, st.integers(0, 8), st.integers(0, 100)),
    st.integers(1, 25),
    st.sets(st.integers(-2, 25)),
    st.integers(0, 10_000),
)
def test_the_nearest_of_what_is_visible_come_back_and_nothing_else(
    lengths: list[int], before: StoryPosition, k: int, exclude: set[int], seed: int
) -> None:
    vectors = random_vectors(len(lengths), seed)
    snapshot = story(lengths, vectors)
    query = random_vectors(1, seed + 1)[0]
    cosines = vectors @ query
    allowed = [
        row
        for row, passage in enumerate(snapshot.passages)
        if passage.ends <= before and row not in exclude
    ]
    expected = sorted(allowed, key=lambda row: -cosines[row])[:k]

    found = snapshot.nearest(query * 3, k, before, exclude)

    assert [passage for passage, _ in found] == [snapshot.passages[row] for row in expected]
    np.testing.assert_allclose([score for _, score in found], cosines[expected], atol=1e-5)


def test_a_full_page_is_found_under_a_narrow_cut() -> None:
    """Filtering after the search would find one of these ten among a thousand nearer ones."""
    vectors = random_vectors(1010, 3)
    vectors[10:] = vectors[0]
    snapshot = story([10] * 1010, vectors)

    assert len(snapshot.nearest(vectors[0], 10, StoryPosition(3, 10))) == 10


@pytest.mark.parametrize("kind", ["lists", "graph", "half"])
def test_a_full_page_of_the_best_is_found_where_few_are_visible(kind: Kind) -> None:
    """Two in a hundred rows, the query far from most of them, on every kind of index."""
    vectors = random_vectors(3000, 5)
    aim = Aim(exact_rows=0, recall=0.9, queries=50, kinds=() if kind == "half" else (kind,))
    snapshot = story([10] * 3000, vectors, aim)
    index = snapshot.segments["s"].vectors
    assert index is not None
    assert index.choice.kind == kind
    before = StoryPosition(20, 0)
    found = snapshot.nearest(vectors[2500], 10, before)

    expected = np.argsort(-(vectors[:60] @ vectors[2500]))[:10]
    assert len(found) == 10
    assert all(passage.ends <= before for passage, _ in found)
    rows = [passage.chapter * 3 + passage.start // 10 for passage, _ in found]
    assert len({*rows} & {*expected.tolist()}) >= 9


def test_cosines_of_chosen_rows() -> None:
    vectors = random_vectors(9, 1)
    (found,) = story([5] * 9, vectors).cosines(vectors[3:4] * 2, np.array([7, 3, 0]))

    np.testing.assert_allclose(found, vectors[[7, 3, 0]] @ vectors[3], atol=1e-6)


def test_passages_are_a_sequence() -> None:
    passages = story([5] * 7, random_vectors(7, 1)).passages

    assert [passages[row] for row in range(7)] == list(passages) == passages[:]
    assert passages[-1] == passages[6]
    assert passages[5:2:-1] == list(passages)[5:2:-1]
    with pytest.raises(IndexError):
        passages[7]


def test_a_predicate_excludes_before_the_best_are_chosen() -> None:
    snapshot = story([5] * 9, random_vectors(9, 1))
    found = snapshot.nearest(snapshot.vectors[4], 3, exclude=lambda passage: passage.chapter == 1)

    assert len(found) == 3
    assert all(passage.chapter != 1 for passage, _ in found)


@pytest.mark.parametrize("width", [0, 7, 9, 16])
def test_a_query_of_another_dimension_is_refused(width: int) -> None:
    snapshot = story([5] * 3, random_vectors(3, 1))

    with pytest.raises(WrongDimension, match=f"{width} 维.*{DIMENSION} 维"):
        snapshot.nearest(np.ones(width, dtype=np.float32), 1)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_query_without_a_direction_finds_nothing(value: float) -> None:
    snapshot = story([5] * 3, random_vectors(3, 1))

    assert snapshot.nearest(np.full(DIMENSION, value, dtype=np.float32), 2) == []


def test_an_empty_snapshot_finds_nothing() -> None:
    assert Snapshot().nearest(random_vectors(1, 0)[0], 5) == []
    assert Snapshot(maker=MAKER).nearest(random_vectors(1, 0)[0], 5) == []
    assert Snapshot(maker=MAKER).vectors.shape == (0, DIMENSION)


@pytest.mark.parametrize("k", [0, -1])
def test_nothing_asked_is_nothing_found(k: int) -> None:
    snapshot = story([5] * 3, random_vectors(3, 1))

    assert snapshot.nearest(snapshot.vectors[0], k) == []
