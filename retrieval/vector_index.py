"""The vectors of one segment, and the kind of FAISS index that finds the nearest of them.

Few vectors are searched exactly. For many an approximate kind is chosen by measuring: some
of the vectors themselves are the queries, exact search gives the truth, and the cheapest
setting whose recall reaches the aim is taken; where none reaches it, search stays exact.
Approximate kinds keep one byte a component. Knows nothing of stories: rows are numbered
from 0, and a search is told which may be returned.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from retrieval import gpu
from retrieval.embed import Vectors
from retrieval.product import product
from retrieval.tokens import Ints
from retrieval.visibility import Mask

faiss: Any = _faiss
"""SWIG makes what FAISS's own stubs do not know."""

Scores = NDArray[np.float32]
Kind = Literal["flat", "half", "lists", "graph"]


@dataclass(frozen=True, slots=True)
class Aim:
    """When a search may be approximate, and how good it must be then."""

    exact_rows: int = 20_000
    """Up to so many vectors search is exact: 5 ms on one core at 384 dimensions."""
    recall: float = 0.98
    """Of the 10 nearest, the share that must be found."""
    queries: int = 200
    """Vectors that are held against exact search."""
    kinds: Sequence[Kind] = ("lists", "graph")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and on what evidence; written to the manifest."""

    kind: Kind
    effort: int = 0
    """Lists visited (IVF's nprobe), or the graph's beam (HNSW's efSearch)."""
    recall: float = 1.0
    """Measured, at 10."""


_NEIGHBOURS = 10
_FEW_LISTS, _MANY_LISTS = 1 / 8, 1 / 2
_FEW = 0.3
"""Below this share of visible rows a graph is left for the exact scan behind it."""


class VectorIndex:
    """Immutable; any number of threads may search it."""

    def __init__(self, index: Any, choice: Choice) -> None:
        self._index = index
        self.choice = choice
        self._mapping = threading.Lock()
        self._mapped = choice.kind != "lists"

    @classmethod
    def build(cls, vectors: Vectors, aim: Aim | None = None) -> "VectorIndex":
        """Over unit vectors (or zeros), float32 [n, d]."""
        aim = aim or Aim()
        if len(vectors) <= aim.exact_rows:
            return cls(_flat(vectors), Choice("flat"))
        asked, truth = _truth(vectors, aim.queries)
        built: dict[Kind, Any] = {}
        for kind, worthwhile in _tries(aim.kinds):
            if kind not in built:
                built[kind] = _BUILD[kind](vectors)
            index = built[kind]
            for effort in _efforts(kind, index, worthwhile):
                recall = _recall(cls(index, Choice(kind, effort)), vectors, asked, truth)
                if recall >= aim.recall:
                    return cls(index, Choice(kind, effort, round(recall, 4)))
        return cls(_half(vectors), Choice("half"))

    @classmethod
    def open(cls, path: Path, choice: Choice) -> "VectorIndex":
        """Memory-mapped. Raises RuntimeError, as FAISS does, for what is no index."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), choice)

    def write(self, path: Path) -> None:
        """Raises RuntimeError where the disk refuses."""
        faiss.write_index(self._index, str(path))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    def search(self, query: Vectors, k: int, mask: Mask) -> tuple[Ints, Scores]:
        """The k nearest rows that the mask lets through, best first, and their inner products.

        `query` is [1, d]. Fewer than k only where fewer are let through.
        """
        allowed = int(np.count_nonzero(mask))
        k = min(k, allowed)
        if k <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        rows, scores = self._search(query, k, mask, allowed)
        if len(rows) < k:
            return self._search(query, k, mask, allowed, exact=True)
        return rows, scores

    def _search(
        self, query: Vectors, k: int, mask: Mask, allowed: int, *, exact: bool = False
    ) -> tuple[Ints, Scores]:
        # FAISS keeps a pointer into the bits: they must outlive the search.
        bits = np.packbits(mask, bitorder="little")
        # With a selector a flat search of one query takes 1.6 ms for 17,000 rows, without 8.
        all_of_them = allowed == len(mask) and self.choice.kind != "flat"
        selector = None if all_of_them else faiss.IDSelectorBitmap(bits)
        index, parameters = self._plan(k, allowed, selector, exact)
        with _one_thread():
            scores, rows = index.search(query, k, params=parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def _plan(self, k: int, allowed: int, selector: Any, exact: bool) -> tuple[Any, Any]:
        """What to search, and how hard: the fewer rows are allowed, the harder."""
        share = allowed / max(len(self), 1)
        effort = max(self.choice.effort, k)
        chosen = {} if selector is None else {"sel": selector}
        if self.choice.kind == "lists":
            lists = int(self._index.nlist)
            visited = lists if exact else min(lists, int(np.ceil(self.choice.effort / share)))
            return self._index, faiss.SearchParametersIVF(nprobe=visited, **chosen)
        if self.choice.kind == "graph" and not exact and share >= _FEW:
            beam = int(np.ceil(effort / share))
            return self._index, faiss.SearchParametersHNSW(efSearch=beam, **chosen)
        stored = self._index
        if self.choice.kind == "graph":
            stored = faiss.downcast_index(self._index.storage)
        return stored, faiss.SearchParameters(**chosen)

    def vectors(self, rows: Sequence[int] | np.ndarray[Any, Any] | None = None) -> Vectors:
        """The vectors in these rows, or all, as they are kept, [m, d]."""
        self._make_searchable_by_row()
        wanted = np.arange(len(self)) if rows is None else np.asarray(rows)
        if not len(wanted):
            return np.empty((0, self.dimension), dtype=np.float32)
        found: Vectors = self._index.reconstruct_batch(wanted.astype(np.int64))
        return found

    def cosines(self, queries: Vectors, rows: Ints) -> Vectors:
        """Inner products of these rows, [r], with queries [x, d]: [x, r]."""
        if not isinstance(self._index, faiss.IndexFlat):
            return product(queries, self.vectors(rows))
        size = len(self) * self.dimension
        kept = faiss.rev_swig_ptr(self._index.get_xb(), size).reshape(-1, self.dimension)
        # Where most rows are wanted, gathering them costs more than the product of all.
        if 3 * len(rows) > len(kept):
            return product(queries, kept)[:, rows]
        return product(queries, kept[rows])

    def _make_searchable_by_row(self) -> None:
        if self._mapped:
            return
        with self._mapping:
            if not self._mapped:
                self._index.make_direct_map()
                self._mapped = True

    def described(self) -> dict[str, Any]:
        return asdict(self.choice)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One query is one thread's work: FAISS would wait for others that have nothing to do."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _flat(vectors: Vectors) -> Any:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def _quantised(vectors: Vectors, bits: int) -> Any:
    index = faiss.IndexScalarQuantizer(vectors.shape[1], bits, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    return index


def _half(vectors: Vectors) -> Any:
    return _quantised(vectors, faiss.ScalarQuantizer.QT_fp16)


def _lists(vectors: Vectors) -> Any:
    """IVF (Sivic & Zisserman 2003): about two root n lists, one byte a component."""
    count, dimension = vectors.shape
    lists = max(1, min(2 ** round(np.log2(2 * np.sqrt(count))), count // 8))
    index = faiss.index_factory(dimension, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    clustering = faiss.extract_index_ivf(index).cp
    clustering.niter, clustering.max_points_per_centroid = 10, 64
    if gpu.present():
        index.clustering_index = gpu.on_gpu(faiss.IndexFlatIP(dimension))
    index.train(vectors)
    index.add(vectors)
    return index


def _graph(vectors: Vectors) -> Any:
    """HNSW (Malkov & Yashunin 2018) over one byte a component."""
    bits = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexHNSWSQ(vectors.shape[1], bits, 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    index.train(vectors)
    index.add(vectors)
    return index


_BUILD: dict[Kind, Callable[[Vectors], Any]] = {
    "flat": _flat, "half": _half, "lists": _lists, "graph": _graph,
}  # fmt: skip


def _tries(kinds: Sequence[Kind]) -> list[tuple[Kind, float]]:
    """Kinds, and the share of lists that may be visited, in the order they are tried.

    Lists are built twenty times as fast as a graph, which is ten times as fast to search
    where lists have to be visited by the quarter: so few lists, else a graph, else many.
    """
    first = [(kind, _FEW_LISTS) for kind in kinds]
    return first + ([("lists", _MANY_LISTS)] if "lists" in kinds else [])


def _efforts(kind: Kind, index: Any, worthwhile: float) -> list[int]:
    """From cheap to dear."""
    if kind == "graph":
        return [32, 64, 128, 256, 512]
    lists = int(index.nlist)
    shares = [
        share for share in (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2) if share <= worthwhile
    ]
    return [int(lists * share) for share in shares if lists * share >= 1]


def _truth(vectors: Vectors, queries: int) -> tuple[np.ndarray[Any, Any], list[set[int]]]:
    """Rows that serve as queries, and each one's nearest others by exact search."""
    asked = np.random.default_rng(0).choice(len(vectors), min(queries, len(vectors)), False)
    exact = gpu.on_gpu(_flat(vectors))
    _, rows = exact.search(np.ascontiguousarray(vectors[asked]), _NEIGHBOURS + 1)
    return asked, [_others(row, found) for row, found in zip(asked, rows, strict=True)]


def _others(row: int, found: Sequence[int] | Ints) -> set[int]:
    """The query itself is always its own nearest and proves nothing."""
    return set([int(one) for one in found if one != row][:_NEIGHBOURS])


def _recall(
    made: VectorIndex, vectors: Vectors, asked: np.ndarray[Any, Any], truth: list[set[int]]
) -> float:
    everything = np.ones(len(vectors), dtype=bool)
    hits = total = 0
    for row, expected in zip(asked, truth, strict=True):
        found, _ = made.search(vectors[row : row + 1], _NEIGHBOURS + 1, everything)
        hits += len(_others(row, found) & expected)
        total += len(expected)
    return hits / max(total, 1)
