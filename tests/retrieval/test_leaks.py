"""Nothing of the future comes back, by words or by vectors, on any kind of index, after any
edits and re-orderings, with scenes or without."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.index import WorkIndex
from retrieval.library import Library
from retrieval.stores import FileStore
from retrieval.timeline import View
from retrieval.types import ChapterText, Passage, Scene, StoryPosition
from retrieval.vector_index import Aim
from tests.retrieval.fakes import BigramEmbeddings, split_sentences

AIMS = {
    "flat": Aim(),
    "half": Aim(exact_rows=0, kinds=()),
    "lists": Aim(exact_rows=0, recall=0.0, queries=2, kinds=("lists",)),
    "graph": Aim(exact_rows=0, recall=0.0, queries=2, kinds=("graph",)),
}

sentence = st.sampled_from(["老猫来了。", "船夫走了。", "砚台碎了。", "雾散了。"])
text = st.lists(sentence, min_size=0, max_size=6).map("".join)
edit = st.tuples(st.integers(0, 7), text, st.randoms(use_true_random=False))
scene = st.builds(
    Scene, st.integers(0, 7), st.integers(0, 15), st.integers(10, 30) | st.none(),
    st.none() | st.floats(-1, 9), st.just(0.0), st.booleans(),
)  # fmt: skip


def may_be_seen(passage: Passage, view: View) -> bool:
    """By the rule as it stands for one text, not by rows."""
    return view.sees(passage.ends, passage.begins)


def edited(chapters: list[ChapterText], place: int, new: str, order: object) -> list[ChapterText]:
    """One chapter's text replaced or a chapter added, and all of them shuffled."""
    texts = {chapter.id: chapter.text for chapter in chapters} | {f"c{place}": new}
    ids = sorted(texts)
    order.shuffle(ids)  # type: ignore[attr-defined]
    return [ChapterText(name, number, name, texts[name]) for number, name in enumerate(ids)]


@pytest.mark.parametrize("kind", AIMS)
@settings(deadline=None, max_examples=8)
@given(
    st.lists(edit, min_size=1, max_size=5),
    st.lists(scene, max_size=3),
    st.lists(st.builds(StoryPosition, st.integers(0, 8), st.integers(0, 35)), min_size=1),
    st.integers(1, 40),
)
def test_nothing_leaks(
    kind: str,
    edits: Sequence[tuple[int, str, object]],
    scenes: list[Scene],
    positions: list[StoryPosition],
    k: int,
) -> None:
    with TemporaryDirectory() as folder:
        index = WorkIndex(Path(folder) / "w", BigramEmbeddings(), aim=AIMS[kind])
        chapters: list[ChapterText] = []
        for number, (place, new, order) in enumerate(edits):
            chapters = edited(chapters, place, new, order)
            index.sync(chapters, split=split_sentences)
            if number % 2:
                index.tidy()
        snapshot = index.snapshot
        query = index.query_vector("老猫来了。船夫")
        assert query is not None
        for position in positions:
            view = View(position, scenes=tuple(scenes))
            allowed = [p for p in snapshot.passages if may_be_seen(p, view)]
            near = [p for p, _ in snapshot.nearest(query, k, view)]
            worded = [p for p, _ in snapshot.lexical.search("老猫来了。船夫", k, view)]
            assert all(p in allowed for p in near + worded)
            assert len(near) == min(k, len(allowed))


@settings(deadline=None, max_examples=8)
@given(
    st.lists(edit, min_size=1, max_size=4),
    st.lists(scene, max_size=3),
    st.builds(StoryPosition, st.integers(0, 8), st.integers(0, 35)),
)
def test_recall_does_not_leak_either(
    edits: Sequence[tuple[int, str, object]], scenes: list[Scene], position: StoryPosition
) -> None:
    with TemporaryDirectory() as folder:
        library = Library(FileStore(Path(folder)), BigramEmbeddings())
        chapters: list[ChapterText] = []
        for place, new, order in edits:
            chapters = edited(chapters, place, new, order)
            library.sync("w", chapters)
        view = View(position, scenes=tuple(scenes))
        for one in library.recall("w", "老猫来了，船夫走了", 50, view):
            assert may_be_seen(one.passage, view)
            assert chapters[one.passage.chapter].text[
                one.passage.start : one.passage.end
            ] == one.passage.text  # fmt: skip
