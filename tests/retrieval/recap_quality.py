"""How much of a chapter's gist an extractive recap holds, beside two simple baselines.

`python -m tests.retrieval.recap_quality` prints the table. The gist is what people wrote of
the chapter: our sample's outline, or an old novel's couplet of a heading. Recall of its pairs
of characters (ROUGE-2 recall on characters; C.-Y. Lin 2004), each recap at most 180 characters.
"""

import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from retrieval.chunk import sentences
from retrieval.memory.extract import extract, limit_of
from retrieval.memory.plan import Level
from retrieval.readers import read_book

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("YANCHI_SHARED_DATA", ROOT.parent / "shared" / "data"))
COUPLETS = ("红楼梦", "西游记", "三国演义", "三侠五义", "老残游记")
LIMIT = limit_of(Level.CHAPTER)

Pair = tuple[str, str]
"""A chapter's text, its gist."""


def ours(text: str) -> str:
    return extract(Level.CHAPTER, [text])


def lead(text: str) -> str:
    """The first sentences that fit."""
    told = ""
    for start, end in sentences(text):
        if len(told) + end - start > LIMIT:
            break
        told += text[start:end]
    return told or text[:LIMIT]


def at_random(text: str) -> str:
    """Sentences drawn until nothing fits, in order."""
    spans = sentences(text)
    order = random.Random(len(text)).sample(range(len(spans)), len(spans))
    room, chosen = LIMIT, []
    for n in order:
        size = spans[n][1] - spans[n][0]
        if size <= room:
            room -= size
            chosen.append(n)
    return "".join(text[spans[n][0] : spans[n][1]] for n in sorted(chosen))


METHODS: dict[str, Callable[[str], str]] = {"ours": ours, "lead": lead, "random": at_random}


def recall(gist: str, told: str) -> float:
    wanted, has = _pairs(gist), _pairs(told)
    return sum((wanted & has).values()) / max(1, wanted.total())


def _pairs(text: str) -> Counter[str]:
    return Counter(a + b for a, b in pairwise(text) if a.isalnum() and b.isalnum())


def sample_pairs() -> list[Pair]:
    folder = ROOT / "data" / "sample"
    story = json.loads((folder / "story.json").read_text(encoding="utf-8"))
    gist = {
        _name(node["title"]): node["summary"]
        for volume in story["outline"]
        for node in volume.get("children", [])
    }
    book = read_book((folder / "novel.md").read_bytes(), "novel.md")
    return [(c.text, gist[_name(c.title)]) for c in book.chapters]


def couplet_pairs(name: str) -> list[Pair]:
    """Chapters whose heading tells what happens in them."""
    book = read_book((SHARED / "novels" / f"{name}.txt").read_bytes(), f"{name}.txt")
    titled = ((c.text, re.split(r"[ 　]+", c.title, maxsplit=1)) for c in book.chapters)
    return [(text, parts[1]) for text, parts in titled if len(parts) == 2 and len(parts[1]) >= 10]


def score(pairs: list[Pair], method: Callable[[str], str]) -> float:
    return sum(recall(gist, method(text)) for text, gist in pairs) / len(pairs)


def _name(title: str) -> str:
    return title.replace("　", " ").split(" ")[-1]


def main() -> None:
    sets = {"sample": sample_pairs()}
    if SHARED.is_dir():
        sets |= {name: couplet_pairs(name) for name in COUPLETS}
    for name, pairs in sets.items():
        begun = time.perf_counter()
        told = "  ".join(f"{m} {score(pairs, method):.3f}" for m, method in METHODS.items())
        print(f"{name}: {len(pairs)} chapters  {told}  {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
