"""Kills writers at random moments and reads what they leave; run by test_generation.py.

A process of its own because it forks: one in which FAISS or torch have started threads
could not do so safely. Prints one JSON object: kills, writes that were cut short, distinct
generations that readers met.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from retrieval.index import WorkIndex
from retrieval.types import ChapterText
from tests.retrieval.fakes import BigramEmbeddings, book, split_sentences

OLD = book(*(f"沈砚第{number}次磨墨。老猫没有醒。" * 20 for number in range(5)))
NEW = book(*(f"船夫第{number}次撑船。江面起了雾。" * 30 for number in range(7)))


def write_for_ever(folder: Path) -> None:
    index = WorkIndex.open(folder, BigramEmbeddings())
    while True:
        for chapters in (NEW, OLD):
            index.sync(chapters, split=split_sentences)


def texts_of(chapters: list[ChapterText]) -> list[str]:
    return [passage.text for chapter in chapters for passage in split_sentences(chapter)]


def check_whole(folder: Path) -> None:
    """The old book or the new, with its vectors; nothing between."""
    model = BigramEmbeddings()
    index = WorkIndex.open(folder, model)
    assert index.stale_reason is None, index.stale_reason
    texts = [passage.text for passage in index.snapshot.passages]
    assert texts in (texts_of(OLD), texts_of(NEW)), texts
    np.testing.assert_array_equal(index.snapshot.vectors, model.embed_array(texts))


def kill_one(folder: Path, seconds: float) -> None:
    child = os.fork()
    if child == 0:
        write_for_ever(folder)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(folder: Path, kills: int) -> None:
    moments = random.Random(7)
    WorkIndex.open(folder, BigramEmbeddings()).sync(OLD, split=split_sentences)
    cut_short, met = 0, set()
    for _ in range(kills):
        kill_one(folder, moments.uniform(0.01, 0.05))
        check_whole(folder)
        met.add(json.loads((folder / "manifest.json").read_text())["state"])
        cut_short += len(list(folder.iterdir())) > 2
    WorkIndex.open(folder, BigramEmbeddings()).sync(book("终。"), split=split_sentences)
    left = sorted(path.name for path in folder.iterdir())
    print(json.dumps({"kills": kills, "cut_short": cut_short, "met": len(met), "left": left}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
