from pathlib import Path

import numpy as np
import pytest

from retrieval import gpu
from retrieval.embed import Vectors
from retrieval.vector_index import Aim, Kind, VectorIndex

COUNT, DIMENSION = 4000, 16


def vectors(spread: float = 0.5) -> Vectors:
    """Around 200 centres, unit length."""
    dice = np.random.default_rng(1)
    centres = dice.normal(size=(200, DIMENSION))
    rows = centres[dice.integers(0, 200, COUNT)] + spread * dice.normal(size=(COUNT, DIMENSION))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


ROWS = vectors()
EVERY = np.ones(COUNT, dtype=bool)


def aim(*kinds: Kind, recall: float = 0.95) -> Aim:
    return Aim(exact_rows=1000, recall=recall, queries=50, kinds=kinds)


@pytest.mark.parametrize("kind", ["lists", "graph"])
def test_an_approximate_kind_is_chosen_by_what_it_finds(kind: Kind) -> None:
    made = VectorIndex.build(ROWS, aim(kind))

    assert made.choice.kind == kind
    assert made.choice.recall >= 0.95
    asked = np.arange(0, COUNT, 97)
    exact = np.argsort(-(ROWS[asked] @ ROWS.T), axis=1)[:, :10]
    found = [made.search(ROWS[[row]], 10, EVERY)[0].tolist() for row in asked]
    hits = sum(len({*one} & {*two.tolist()}) for one, two in zip(found, exact, strict=True))
    assert hits / exact.size >= 0.9


def test_where_nothing_reaches_the_aim_search_stays_exact() -> None:
    made = VectorIndex.build(ROWS, aim("lists", "graph", recall=1.01))

    assert made.choice.kind == "half"
    assert made.search(ROWS[[5]], 1, EVERY)[0].tolist() == [5]


def test_few_are_searched_exactly() -> None:
    made = VectorIndex.build(ROWS[:1000], aim("lists"))

    assert (made.choice.kind, made.choice.recall) == ("flat", 1.0)


@pytest.mark.parametrize("kinds", [("lists",), ("graph",), ()])
def test_what_was_written_is_searched_from_the_disk(
    kinds: tuple[Kind, ...], tmp_path: Path
) -> None:
    made = VectorIndex.build(ROWS, aim(*kinds))
    made.write(tmp_path / "v.faiss")
    mapped = VectorIndex.open(tmp_path / "v.faiss", made.choice)

    assert (len(mapped), mapped.dimension) == (COUNT, DIMENSION)
    for one, other in zip(*(v.search(ROWS[[7]], 5, EVERY) for v in (mapped, made)), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(mapped.vectors([3, 9, 3]), ROWS[[3, 9, 3]], atol=0.02)


@pytest.mark.parametrize("kinds", [("lists",), ("graph",), ()])
@pytest.mark.parametrize("visible", [1, 3, 80, 2000, COUNT])
def test_all_that_is_let_through_can_be_found_and_nothing_else(
    kinds: tuple[Kind, ...], visible: int
) -> None:
    made = VectorIndex.build(ROWS, aim(*kinds))
    mask = np.zeros(COUNT, dtype=bool)
    mask[np.random.default_rng(2).permutation(COUNT)[:visible]] = True
    rows, scores = made.search(ROWS[[11]], 50, mask)

    assert len(rows) == len(set(rows.tolist())) == len(scores) == min(50, visible)
    assert mask[rows].all()
    assert (np.diff(scores) <= 0).all()


def test_a_search_leaves_the_thread_its_helpers_for_building() -> None:
    import faiss

    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        VectorIndex.build(ROWS[:100]).search(ROWS[[1]], 5, EVERY[:100])
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.faiss").write_bytes(b"no index")

    with pytest.raises(RuntimeError):
        VectorIndex.open(tmp_path / "v.faiss", VectorIndex.build(ROWS[:5]).choice)


def test_without_a_gpu_an_index_stays_where_it_is() -> None:
    if gpu.present():
        pytest.skip("there is a GPU here")
    index = object()

    assert gpu.on_gpu(index) is index


@pytest.mark.skipif(not gpu.present(), reason="faiss-gpu with a GPU is not here")
def test_a_gpu_finds_what_the_cpu_finds() -> None:
    import faiss

    index = faiss.IndexFlatIP(DIMENSION)
    index.add(ROWS)
    _, expected = index.search(ROWS[:20], 1)
    _, found = gpu.on_gpu(index).search(ROWS[:20], 1)

    assert (found == expected).all()
