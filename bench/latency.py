"""How long a query takes, and how long after a save the new words are found."""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from bench import retrieval_sets as sets
from bench.desk import serving
from bench.peers.parts import shipped_model
from bench.report import Report
from bench.retrieval_quality import tell
from bench.texts import long_novel
from retrieval.chunk import chunk_chapter
from retrieval.library import Library
from retrieval.readers import read_book
from retrieval.stores import FileStore
from retrieval.types import ChapterText, StoryPosition

PASSAGES = 1_500
QUERIES = 1_000
TAIL = 300
"""Characters before the caret that a continuation asks with."""
VERBATIM = 1_500
"""Characters before the caret that stand in the prompt, and are not to be found again."""
EDITS = 20
BEAT = "她停下来，想起了从前的事。"


@dataclass(frozen=True)
class Asked:
    """One recall; without `before` it is a question about the whole book."""

    query: str
    before: StoryPosition | None = None
    tail: str = ""


def query(report: Report) -> None:
    """Library.recall at 1,500 passages, every query for the first time."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        chapters = of_passages(_long(home), PASSAGES)
        library = Library(FileStore(home / "index"), shipped_model())
        library.sync("bench", chapters)
        library.warm()
        different = _different(chapters, random.Random(1))
        for asked in _tails(chapters, 20, random.Random(2)):
            library.recall("bench", asked.query)
        times = [_time(library, asked) for asked in different]
    count = sum(len(chunk_chapter(c)) for c in chapters)
    questions = sum(asked.before is None for asked in different)
    note = f"{count} passages; {len(times)} queries: {questions} questions, the rest {TAIL}-character tails"
    report.add("query_p50_ms", float(np.percentile(times, 50)), "ms", note)
    report.add("query_p99_ms", float(np.percentile(times, 99)), "ms", "none asked before")


def of_passages(chapters: Sequence[ChapterText], wanted: int) -> list[ChapterText]:
    """The beginning of a book, as much as makes so many passages; the last chapter is cut."""
    kept: list[ChapterText] = []
    for chapter in chapters:
        passages = chunk_chapter(chapter)
        if len(passages) > wanted:
            text = chapter.text[: passages[wanted - 1].end] if wanted else ""
            return [*kept, ChapterText(chapter.id, chapter.order, chapter.title, text)]
        kept.append(chapter)
        wanted -= len(passages)
    return kept


def _different(chapters: Sequence[ChapterText], chance: random.Random) -> list[Asked]:
    """Our questions and, to make up the number, what continuations of this book ask."""
    texts = [q.text for task in sets.questions() for q in task.queries]
    asked = [Asked(text) for text in dict.fromkeys(texts)][:QUERIES]
    asked += _tails(chapters, QUERIES - len(asked), chance)
    chance.shuffle(asked)
    return asked


def _tails(chapters: Sequence[ChapterText], count: int, chance: random.Random) -> list[Asked]:
    long = [c for c in chapters if len(c.text) > TAIL]
    found: dict[str, Asked] = {}
    while len(found) < count:
        chapter = chance.choice(long)
        end = chance.randrange(TAIL, len(chapter.text))
        text = f"{chapter.text[end - TAIL : end]}\n{BEAT}"
        tail = chapter.text[max(0, end - VERBATIM) : end]
        found[text] = Asked(text, StoryPosition(chapter.order, end), tail)
    return list(found.values())


def _time(library: Library, asked: Asked) -> float:
    start = time.perf_counter()
    library.recall("bench", asked.query, 10, asked.before, asked.tail)
    return 1000 * (time.perf_counter() - start)


def edit(report: Report) -> None:
    """One chapter of a long novel saved over HTTP → its new words found over HTTP."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        novel = long_novel(home)
        work = _import(novel, home / "data")
        with serving(home / "data", home / "desk.log", "--engine", "scripted") as desk:
            client = httpx.Client(base_url=desk.address, timeout=60, trust_env=False)
            times = _edits(client, f"/api/works/{work}")
    note = f"{novel.name}: PUT of a chapter until GET search gives its new words; {EDITS} edits"
    report.add("edit_ms", statistics.median(times), "ms", note)
    report.add("edit_max_ms", max(times), "ms", "the slowest of them")


def _import(novel: Path, data: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "yanchi", "import", str(novel), "--json"],
        env={**os.environ, "YANCHI_DATA_DIR": str(data), "HF_HUB_OFFLINE": "1"},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return str(json.loads(done.stdout)["work"])


def _edits(client: httpx.Client, root: str) -> list[float]:
    chapters = client.get(f"{root}/chapters").raise_for_status().json()
    client.get(f"{root}/search", params={"q": BEAT}).raise_for_status()
    chance = random.Random(3)
    times = []
    for number in range(EDITS):
        chapter = f"{root}/chapters/{chance.choice(chapters)['id']}"
        text = client.get(chapter).raise_for_status().json()["text"]
        middle = text.find("\n", len(text) // 2) + 1
        new = f"那只青釉茶盏里刻着第{number * 7919 + 104_729}号暗记。"
        start = time.perf_counter()
        client.put(
            chapter, json={"text": f"{text[:middle]}{new}\n{text[middle:]}"}
        ).raise_for_status()
        while not _found(client, root, new):
            if time.perf_counter() - start > 60:
                raise RuntimeError("the saved words were not found in a minute")
        times.append(1000 * (time.perf_counter() - start))
        tell(f"edit {number + 1} of {EDITS}: {times[-1]:.0f} ms")
    return times


def _found(client: httpx.Client, root: str, words: str) -> bool:
    answer = client.get(f"{root}/search", params={"q": words, "top": 10}).raise_for_status().json()
    return any(words in passage["text"] for passage in answer["passages"])


def _long(home: Path) -> Sequence[ChapterText]:
    path = long_novel(home)
    read = read_book(path.read_bytes(), path.name).chapters
    return [ChapterText(str(n), n, c.title, c.text) for n, c in enumerate(read)]
