"""Nothing of the future, whatever the book, its edits, its scenes and the way of searching."""

from collections.abc import Sequence
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.pgvector.database import VectorDatabase
from retrieval.pgvector.index import PgWorkIndex, remove_index
from retrieval.timeline import View
from retrieval.types import ChapterText, Passage, Scene, StoryPosition
from retrieval.vector_index import Aim
from tests.retrieval.fakes import BigramEmbeddings, split_sentences

ONLY_THE_GRAPH = Aim(exact_rows=0, recall=0.0, queries=3)
SENTENCES = ["雨停了。", "老猫睡在窗台上。", "船夫不肯收钱。", "灯花爆了一声。", "江面起雾。"]
_books = count()

chapters = st.lists(
    st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5).map("".join),
    min_size=1,
    max_size=4,
)
edits = st.lists(st.tuples(chapters, st.randoms(use_true_random=False)), min_size=1, max_size=3)
places = st.tuples(st.integers(0, 4), st.integers(0, 40))
sizes = st.sampled_from([1, 5, 30])


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    start = draw(st.integers(0, 20))
    end = draw(st.none() | st.integers(start + 1, 40))
    when = draw(st.none() | st.floats(-1, 6))
    return Scene(draw(st.integers(0, 4)), start, end, when, backstory=draw(st.booleans()))


def told(book: Sequence[str], order: Sequence[int]) -> list[ChapterText]:
    """The chapters of a book under lasting ids, told in another order."""
    return [
        ChapterText(f"c{number}", place, f"第{number}章", book[number])
        for place, number in enumerate(order)
    ]


@pytest.mark.parametrize("aim", [Aim(), ONLY_THE_GRAPH], ids=["exact", "graph"])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=edits, place=places, timed=st.lists(scenes(), max_size=3), k=sizes)
def test_exactly_what_may_be_seen_is_found(
    database: VectorDatabase,
    aim: Aim,
    edits: list[tuple[list[str], object]],
    place: tuple[int, int],
    timed: list[Scene],
    k: int,
) -> None:
    work = f"book-{next(_books)}"
    index = PgWorkIndex(database, work, BigramEmbeddings(16), aim=aim)
    for book, chance in edits:
        order = list(range(len(book)))
        chance.shuffle(order)  # type: ignore[attr-defined]
        index.sync(told(book, order), split=split_sentences)
        index.tidy()
    view = View(StoryPosition(*place), scenes=timed)
    query = index.embeddings.embed_query_array("船夫在窗台上看雾。")

    found = [passage for passage, _ in index.nearest(query, k, view)]
    seen = [p for p in index.snapshot.passages if view.sees(p.ends, p.begins)]
    assert all(passage in seen for passage in found)
    assert len(found) == len(set(found)) == min(k, len(seen))
    remove_index(database, work)


def test_two_in_a_hundred_may_be_seen_and_k_are_found(database: VectorDatabase, work: str) -> None:
    index = PgWorkIndex(database, work, BigramEmbeddings(16), aim=ONLY_THE_GRAPH)
    book = ["".join(f"第{n}夜第{m}更，雨下个不停。" for m in range(20)) for n in range(50)]
    index.sync(told(book, range(50)), split=split_sentences)
    assert index.tidy()
    assert index.snapshot.state.space is not None
    assert index.snapshot.state.space.beam is not None
    query = index.embeddings.embed_query_array("第49夜第19更，雨下个不停。")

    found = index.nearest(query, 10, StoryPosition(1, 0))
    assert {passage.chapter for passage, _ in found} == {0}
    assert len(found) == 10
    odd = index.nearest(query, 10, exclude=lambda passage: passage.chapter % 2 == 0)
    assert {passage.chapter % 2 for passage, _ in odd} == {1}
    assert len(odd) == 10


def test_a_state_does_not_see_what_others_write_meanwhile(
    index: PgWorkIndex, chapters: list[ChapterText]
) -> None:
    """The chapter that grew is another part: its rows are not those the old state asks for."""
    held = index.snapshot
    longer = [*chapters[:1], ChapterText("c1", 1, "第2章", chapters[1].text + "江面起雾了。")]
    index.sync([*longer, *chapters[2:]], split=split_sentences)
    query = index.embeddings.embed_query_array("江面起雾了。")

    for before, seen in ((StoryPosition(1, len(chapters[1].text)), 6), (StoryPosition(1, 12), 4)):
        found: list[Passage] = [passage for passage, _ in held.nearest(query, 99, before)]
        assert len(found) == seen
        assert np.all([passage.ends <= before for passage in found])
