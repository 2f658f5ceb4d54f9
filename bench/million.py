"""A work of a million passages: what it takes to build, to hold, and to ask.

`python -m bench.million build FOLDER N` and `… ask FOLDER QUERIES` are the two halves, each
a process of its own, so that what building left in memory does not count as holding.

The passages are about 400 characters, put together from runs of clauses of real novels, so
that characters and pairs are as frequent as in prose; the vectors are mixtures of what the
shipped model says of real passages, with noise. Nothing of it is a book: speed, memory and
agreement with exact search are what it can tell.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.report import Report
from bench.texts import SHARED
from retrieval import generation, segment
from retrieval.embed import PassageEmbeddings, SentenceTransformerEmbeddings, Vectors
from retrieval.library import Library
from retrieval.snapshot import ChapterMark, Maker, Snapshot
from retrieval.stores import FileStore
from retrieval.sync import SEGMENT_ROWS
from retrieval.types import Passage, StoryPosition
from retrieval.vector_index import Aim
from server.settings import SAMPLE, SHIPPED_EMBEDDER

WORK = "million"
CHAPTER = 20
"""Passages in a chapter."""
_RUN = 5
"""Clauses that stay together."""
_WARMING = 100
"""Queries before the clock counts: they map the pages that every query reads."""
_EXACT_WORDS = 8
"""Queries whose words are counted in every passage: each takes seconds."""


def run(report: Report) -> None:
    """Everything; YANCHI_BENCH_PASSAGES says how many passages, a million by default."""
    count = int(os.environ.get("YANCHI_BENCH_PASSAGES", 1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        built = _child("build", folder, str(count))
        asked = _child("ask", folder, "1000")
    figures = built | asked
    per_million = 1_000_000 / count
    report.fact("million", f"{count:,} passages, {figures['characters']:,} characters")
    report.fact("million vectors", figures["kinds"])
    report.add("million_build_s", figures["build_s"], "s", "text, postings and vector indexes")
    report.add("million_open_s", figures["open_s"], "s", "every file's digest checked")
    report.add("million_p50_ms", figures["p50_ms"], "ms", "Library.recall, 1,000 queries after 100")
    report.add("million_p99_ms", figures["p99_ms"], "ms", "the same; half of them under a cut")
    report.add("million_cpu_ms", figures["cpu_ms"], "ms", "processor time of the median query")
    report.add("million_dense_r10", figures["dense_r10"], "", "against exact search")
    report.add("million_words_r10", figures["words_r10"], "", "against exact BM25")
    report.add("million_mib", figures["mib"] * per_million, "MiB", "resident after the queries")
    report.add("million_heap_mib", figures["heap_mib"] * per_million, "MiB", "of which not mapped")
    report.add("million_disk_mib", figures["disk_mib"] * per_million, "MiB", "files")


def _child(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.million", *arguments]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    answer: dict[str, Any] = json.loads(told.splitlines()[-1])
    return answer


def build(folder: Path, count: int) -> dict[str, Any]:
    """Write the index of `count` passages and, beside it, their vectors as they were made."""
    started = time.perf_counter()
    base, made_texts = _base_vectors(), _Texts()
    prepared = time.perf_counter() - started
    maker = Maker("synthetic", "synthetic", base.shape[1])
    place = folder / WORK
    place.mkdir(parents=True)
    originals = np.lib.format.open_memmap(
        folder / "vectors.npy", "w+", np.float16, (count, base.shape[1])
    )
    marks: list[ChapterMark] = []
    segments, seconds, characters = {}, 0.0, 0
    for begin in range(0, count, SEGMENT_ROWS):
        rows = min(SEGMENT_ROWS, count - begin)
        passages = list(made_texts.passages(begin, rows))
        vectors = _mixed(base, rows, begin)
        originals[begin : begin + rows] = vectors
        characters += sum(len(passage.text) for passage in passages)
        watch = time.perf_counter()
        name = generation.new_segment_name(place)
        made = segment.write(place, name, passages)
        segments[name] = segment.add_vectors(place, made, vectors, Aim())
        marks += _marks(passages, name)
        seconds += time.perf_counter() - watch
        print(f"{begin + rows:,} passages, {seconds:.0f} s", file=sys.stderr)
    watch = time.perf_counter()
    snapshot = Snapshot(marks, segments, maker)
    generation.publish(place, snapshot)
    seconds += time.perf_counter() - watch
    kinds = [s.vectors.choice for s in segments.values() if s.vectors]
    return {
        "build_s": seconds,
        "prepared_s": prepared,
        "characters": characters,
        "disk_mib": sum(p.stat().st_size for p in place.rglob("*") if p.is_file()) / 2**20,
        "kinds": "; ".join(sorted({f"{k.kind} effort {k.effort}" for k in kinds}))
        + f"; recall@10 at the build {min(k.recall for k in kinds):.3f}"
        f"–{max(k.recall for k in kinds):.3f}",
    }


def ask(folder: Path, queries: int) -> dict[str, Any]:
    """Time `Library.recall` and hold both searches against exact ones."""
    originals = np.load(folder / "vectors.npy", mmap_mode="r")
    model = _Given(originals.shape[1])
    library = Library(FileStore(folder), model, memory=2**40)
    process = psutil.Process()
    before = process.memory_full_info()
    watch = time.perf_counter()
    library.recall(WORK, "雪", 1)
    opened = time.perf_counter() - watch
    snapshot = library._work(WORK).index.snapshot  # the same state that recall searches
    dice = np.random.default_rng(5)
    chosen = dice.integers(0, len(snapshot.passages), queries + _WARMING)
    asked = [_query(snapshot, int(row), dice) for row in chosen]
    model.vectors = dict(zip(asked, _near(originals, chosen, dice), strict=True))
    milliseconds: list[float] = []
    processor: list[float] = []
    for number, text in enumerate(asked):
        last = snapshot.passages[-1].chapter
        cut = StoryPosition(int(dice.integers(last // 10, last + 1))) if number % 2 else None
        watch, busy = time.perf_counter(), time.process_time()
        library.recall(WORK, text, 10, cut)
        milliseconds.append((time.perf_counter() - watch) * 1e3)
        processor.append((time.process_time() - busy) * 1e3)
    milliseconds, processor = milliseconds[_WARMING:], processor[_WARMING:]
    after = process.memory_full_info()
    return {
        "open_s": opened,
        "p50_ms": float(np.percentile(milliseconds, 50)),
        "p99_ms": float(np.percentile(milliseconds, 99)),
        "cpu_ms": float(np.percentile(processor, 50)),
        "mib": (after.rss - before.rss) / 2**20,
        "heap_mib": ((after.rss - after.shared) - (before.rss - before.shared)) / 2**20,
        "dense_r10": _dense_agreement(snapshot, model, asked[:100], originals),
        "words_r10": _word_agreement(snapshot, asked[:_EXACT_WORDS]),
    }


class _Given(PassageEmbeddings):
    """A model that knows its queries: what embedding costs is measured elsewhere."""

    name = "synthetic"  # type: ignore[assignment]
    fingerprint = "synthetic"  # type: ignore[assignment]
    dimension = 0  # type: ignore[assignment]

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.vectors: dict[str, Vectors] = {}

    def embed_array(self, texts: Any) -> Vectors:
        raise NotImplementedError("nothing is embedded here")

    def embed_query_array(self, text: str) -> Vectors:
        other = np.ones(self.dimension, dtype=np.float32)
        return self.vectors.get(text, other)


def _real_texts() -> list[str]:
    files = sorted(p for p in (SHARED / "novels").glob("*.txt") if p.stem != "SOURCE") or [
        SAMPLE / "novel.md"
    ]
    return [path.read_text(encoding="utf-8", errors="ignore") for path in files]


def _base_vectors() -> Vectors:
    """What the shipped model says of the real passages, [n, d]."""
    texts = [t[at : at + 400] for t in _real_texts() for at in range(0, len(t), 400)][:8000]
    return SentenceTransformerEmbeddings(SHIPPED_EMBEDDER).embed_array(texts)


def _mixed(base: Vectors, rows: int, seed: int) -> Vectors:
    dice = np.random.default_rng(seed)
    first, second = dice.integers(0, len(base), (2, rows))
    share = dice.uniform(0.5, 1.0, (rows, 1)).astype(np.float32)
    noise = dice.normal(0, 0.4 / np.sqrt(base.shape[1]), (rows, base.shape[1]))
    mixed = share * base[first] + (1 - share) * base[second] + noise.astype(np.float32)
    unit: Vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return unit


class _Texts:
    """Passages of runs of clauses."""

    def __init__(self) -> None:
        clauses = [
            c for text in _real_texts() for c in re.findall(r"[^，。！？；\n]+[，。！？；]", text)
        ]
        self._runs = ["".join(clauses[at : at + _RUN]) for at in range(0, len(clauses), _RUN)]
        self._count = max(1, round(400 / (sum(map(len, self._runs)) / len(self._runs))))

    def passages(self, begin: int, rows: int) -> Iterator[Passage]:
        """Rows `begin` … of the work, CHAPTER to a chapter."""
        dice = np.random.default_rng(begin + 1)
        start = 0
        for row, places in enumerate(dice.integers(0, len(self._runs), (rows, self._count)), begin):
            text = "".join(self._runs[place] for place in places)
            if row % CHAPTER == 0 or row == begin:
                start = 0
            # A segment that begins inside a chapter begins a chapter of its own.
            chapter = (row // CHAPTER) * 2 + (
                begin % CHAPTER > 0 and row // CHAPTER == begin // CHAPTER
            )
            yield Passage(f"c{chapter}", chapter, f"第{chapter}章", start, start + len(text), text)
            start += len(text)


def _marks(passages: list[Passage], name: str) -> list[ChapterMark]:
    firsts = [row for row, passage in enumerate(passages) if passage.start == 0]
    ends = [*firsts[1:], len(passages)]
    return [
        ChapterMark(p.chapter_id, p.chapter, p.title, "0" * 64, name, first, end - first)
        for first, end in zip(firsts, ends, strict=True)
        for p in [passages[first]]
    ]


def _query(snapshot: Snapshot, row: int, dice: np.random.Generator) -> str:
    """Words of a passage as a beat and a tail would give them: 10 to 320 characters."""
    text = snapshot.passages[row].text
    length = int(dice.integers(10, 321))
    at = int(dice.integers(0, max(1, len(text) - length)))
    return text[at : at + length]


def _near(originals: Any, rows: Any, dice: np.random.Generator) -> Vectors:
    """Queries as near to their passage as a paraphrase is, cosine about 0.8."""
    vectors = originals[np.sort(rows)][np.argsort(np.argsort(rows))].astype(np.float32)
    noise = dice.normal(0, 0.75 / np.sqrt(vectors.shape[1]), vectors.shape).astype(np.float32)
    near: Vectors = vectors + noise
    return near / np.linalg.norm(near, axis=1, keepdims=True)


def _dense_agreement(snapshot: Snapshot, model: _Given, asked: list[str], originals: Any) -> float:
    """Share of the exact ten nearest, by the vectors as they were made, that search finds."""
    queries = np.stack([model.vectors[text] for text in asked])
    scores = np.full((len(asked), 10), -2.0, dtype=np.float32)
    rows = np.zeros((len(asked), 10), dtype=np.int64)
    for begin in range(0, len(originals), SEGMENT_ROWS):
        block = queries @ originals[begin : begin + SEGMENT_ROWS].astype(np.float32).T
        both = np.hstack([scores, block])
        numbers = np.hstack(
            [rows, np.tile(np.arange(begin, begin + block.shape[1]), (len(asked), 1))]
        )
        best = np.argpartition(-both, 10, axis=1)[:, :10]
        scores = np.take_along_axis(both, best, 1)
        rows = np.take_along_axis(numbers, best, 1)
    hits = 0
    for query, expected in zip(queries, rows, strict=True):
        places = {snapshot.passages[int(row)].begins for row in expected}
        hits += sum(found.begins in places for found, _ in snapshot.nearest(query, 10))
    return hits / (10 * len(asked))


def _word_agreement(snapshot: Snapshot, asked: list[str]) -> float:
    """Share of the exact ten best, counted in every passage's text, that search finds."""
    index = snapshot.lexical
    hits = 0
    for query in asked:
        scores = np.concatenate(
            [
                index.scores_of(query, range(begin, min(begin + 4096, len(snapshot.passages))))
                for begin in range(0, len(snapshot.passages), 4096)
            ]
        )
        floor = np.sort(scores)[-10]
        found = index.search(query, 10)
        hits += sum(score >= floor - 1e-6 for _, score in found)
    return hits / (10 * len(asked))


if __name__ == "__main__":
    verb, where, number = sys.argv[1:]
    print(json.dumps({"build": build, "ask": ask}[verb](Path(where), int(number))))
