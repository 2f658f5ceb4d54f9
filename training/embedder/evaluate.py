"""Measures an embedding model on held-out books, beside character-bigram BM25 in the same run.

Three tasks: a chapter's couplet → the chapter (scored by its best passage), a modern sentence →
the classical sentence it translates, a sentence → the passage it was taken out of.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import bm25s
import numpy as np
from numpy.typing import NDArray

from training.embedder.corpus import HELD_OUT, read_novel, sentences_of

Scores = NDArray[np.float32]
Scorer = Callable[[Sequence[str], Sequence[str]], Scores]
Encode = Callable[[Sequence[str]], Scores]
DEPTH = 10


@dataclass(frozen=True)
class Task:
    """Queries against documents; documents of one group are scored by the best of them."""

    name: str
    queries: list[str]
    documents: list[str]
    groups: list[int]
    gold: list[int]


def couplet_task(book: Path, questions: Path) -> Task:
    """The chapter couplets asked of one book."""
    chapters = read_novel(book)
    place = {chapter.number: i for i, chapter in enumerate(chapters)}
    asked = [q for q in _json_lines(questions) if q["book"] == book.stem]
    documents = [p for chapter in chapters for p in chapter.passages]
    groups = [i for i, chapter in enumerate(chapters) for _ in chapter.passages]
    gold = [place[q["gold_chapter"]] for q in asked]
    return Task("couplet → chapter", [q["query"] for q in asked], documents, groups, gold)


def translation_task(name: str, folder: Path) -> Task:
    """Modern sentences asked of one classical book."""
    corpus = _json_lines(folder / f"{name}.corpus.jsonl")
    place = {line["pid"]: i for i, line in enumerate(corpus)}
    asked = _json_lines(folder / f"{name}.queries.jsonl")
    gold = [place[q["gold_pid"]] for q in asked]
    documents = [line["text"] for line in corpus]
    title = f"modern → classical, {name}"
    return Task(title, [q["query"] for q in asked], documents, list(range(len(documents))), gold)


def cloze_task(book: Path) -> Task:
    """The middle sentence of every passage, asked of the passages without it."""
    queries: list[str] = []
    documents: list[str] = []
    gold: list[int] = []
    for passage in (p for chapter in read_novel(book) for p in chapter.passages):
        sentences = [s for s in sentences_of(passage) if 12 <= len(s) <= 60]
        if sentences:
            query = sentences[len(sentences) // 2]
            gold.append(len(documents))
            queries.append(query)
            passage = passage.replace(query, "")
        documents.append(passage)
    name = f"sentence → its passage, {book.stem}"
    return Task(name, queries, documents, list(range(len(documents))), gold)


def _json_lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def dense_scorer(encode: Encode) -> Scorer:
    """Cosine, the vectors being of unit length."""
    return lambda queries, documents: encode(queries) @ encode(documents).T


def bigram_scores(queries: Sequence[str], documents: Sequence[str]) -> Scores:
    """BM25 over pairs of neighbouring characters."""
    index = bm25s.BM25()
    index.index([_bigrams(text) for text in documents], show_progress=False)
    known = index.vocab_dict
    asked = ([gram for gram in _bigrams(query) if gram in known] for query in queries)
    rows = [index.get_scores(grams) if grams else np.zeros(len(documents)) for grams in asked]
    return np.asarray(rows, dtype=np.float32)


def _bigrams(text: str) -> list[str]:
    letters = [c for c in text if c.isalnum()]
    return [a + b for a, b in pairwise(letters)] or letters


def ranks(task: Task, score: Scorer) -> NDArray[np.int64]:
    """The place of each query's gold group, 0 being the best; ties count against it."""
    scores = score(task.queries, task.documents)
    groups = np.asarray(task.groups)
    best = np.full((len(task.queries), int(groups.max()) + 1), -np.inf, dtype=np.float32)
    np.maximum.at(best.T, groups, scores.T)
    gold = best[np.arange(len(task.gold)), task.gold]
    places: NDArray[np.int64] = (best >= gold[:, None]).sum(axis=1) - 1
    return places


def recall_and_mrr(places: NDArray[np.int64]) -> tuple[float, float]:
    """R@10 and MRR@10."""
    found = places < DEPTH
    return float(found.mean()), float(np.where(found, 1 / (places + 1.0), 0.0).mean())


def measured_texts(data: Path) -> set[str]:
    """Every text of the translation tasks, which training must not meet."""
    files = sorted((data / "retrieval").glob("*.corpus.jsonl"))
    files += sorted((data / "retrieval").glob("*.queries.jsonl"))
    lines = [line for file in files for line in _json_lines(file)]
    fields = ("text", "query", "gold_text")
    return {line[name].strip() for line in lines for name in fields if name in line}


def load_encoder(model: Path) -> Encode:
    """A sentence-transformers folder, run on one thread of the processor."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    loaded = SentenceTransformer(str(model), device="cpu")
    return lambda texts: np.asarray(loaded.encode(list(texts), batch_size=256), dtype=np.float32)


def held_out_tasks(data: Path) -> list[Task]:
    """Every task on every held-out book that `data` has."""
    retrieval, novels = data / "retrieval", sorted((data / "novels").glob("*.txt"))
    novels = [book for book in novels if book.stem in HELD_OUT]
    couplets = [couplet_task(book, retrieval / "chapter_title_retrieval.jsonl") for book in novels]
    translations = [translation_task(name, retrieval) for name in ("搜神记", "笑林广记")]
    return [*(t for t in couplets if t.queries), *translations, *map(cloze_task, novels)]


def compare(tasks: list[Task], scorers: dict[str, Scorer]) -> dict[str, dict[str, list[float]]]:
    """{task: {scorer: [R@10, MRR@10]}}; books that share a task's name are pooled."""
    table: dict[str, dict[str, list[float]]] = {}
    for name in dict.fromkeys(task.name for task in tasks):
        mine = [task for task in tasks if task.name == name]
        table[name] = {
            label: [*recall_and_mrr(np.concatenate([ranks(t, scorer) for t in mine]))]
            for label, scorer in scorers.items()
        }
    return table


def passages_per_second(encode: Encode, passages: Sequence[str]) -> float:
    """Wall-clock speed of one call over all the passages, after a short warm-up."""
    encode(passages[:32])
    start = time.perf_counter()
    encode(passages)
    return len(passages) / (time.perf_counter() - start)
