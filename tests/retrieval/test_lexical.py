import time
import unicodedata
from itertools import pairwise

import bm25s
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval import bm25, postings
from retrieval.lexical import LexicalIndex
from retrieval.types import ChapterText, Passage, StoryPosition
from tests.retrieval.fakes import book, split_sentences


def told(*texts: str) -> list[Passage]:
    return [passage for chapter in book(*texts) for passage in split_sentences(chapter)]


def folded(char: str) -> str:
    wide = unicodedata.normalize("NFKC", char).lower()
    return wide if len(wide) == 1 else char


def tokens(text: str) -> list[str]:
    """Characters, and pairs that no punctuation parts."""
    chars = [folded(char) for char in text]
    pairs = [a + b for a, b in pairwise(chars) if a.isalnum() and b.isalnum()]
    return [char for char in chars if char.isalnum()] + pairs


letters = st.text(alphabet="沈砚老猫船江雾。，Ａa1 ", min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(st.lists(letters, min_size=1, max_size=8), letters)
@example(["1", " "], "1")
def test_scores_are_those_of_bm25s(texts: list[str], query: str) -> None:
    passages = [Passage("c", 0, "", 0, len(text), text) for text in texts]
    asked = [token for token in tokens(query) if any(token in tokens(text) for text in texts)]
    ours = LexicalIndex(passages).scores(query)
    if not asked:
        assert not ours.any()
        return
    reference = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    reference.index([tokens(text) for text in texts], show_progress=False)

    np.testing.assert_allclose(ours, reference.get_scores(asked), rtol=1e-4, atol=1e-5)


def test_the_best_passage_comes_first_with_its_score(chapters: list[ChapterText]) -> None:
    passages = [passage for chapter in chapters for passage in split_sentences(chapter)]
    found = LexicalIndex(passages).search("船夫不肯收钱", 3)

    assert found[0][0].text == "渡口的船夫不肯收钱。"
    assert [score for _, score in found] == sorted([s for _, s in found], reverse=True)
    assert all(score > 0 for _, score in found)


def test_the_future_is_cut_before_the_best_are_chosen() -> None:
    passages = told("老猫来了。", *["老猫老猫老猫。"] * 50)
    found = LexicalIndex(passages).search("老猫", 5, StoryPosition(1, 0))

    assert [passage.text for passage, _ in found] == ["老猫来了。"]


def test_excluded_rows_do_not_take_a_place() -> None:
    passages = told("老猫一。老猫二。老猫三。")
    found = LexicalIndex(passages).search("老猫", 2, exclude={0, 2})

    assert [passage.text for passage, _ in found] == ["老猫二。"]


def test_width_and_case_do_not_matter() -> None:
    passages = told("他住进了ＨＯＴＥＬ四零二。", "她回家了。")

    assert LexicalIndex(passages).search("hotel", 1)[0][0] == passages[0]


def test_pairs_do_not_cross_punctuation() -> None:
    apart, together = told("沈，砚。", "沈砚。")
    found = LexicalIndex([apart, together]).search("沈砚", 2)

    assert [passage for passage, _ in found] == [together, apart]


@pytest.mark.parametrize("query", ["", "。，！", "qqq", "\ud800"])
def test_a_query_without_known_words_finds_nothing(query: str) -> None:
    assert LexicalIndex(told("老猫来了。")).search(query, 5) == []


def test_an_empty_book_finds_nothing() -> None:
    assert LexicalIndex([]).search("老猫", 5) == []
    assert LexicalIndex(told("。。。")).search("老猫", 5) == []


def test_a_lone_surrogate_does_not_stop_the_index() -> None:
    assert LexicalIndex(told("老猫\ud800来了。")).search("老猫", 1)


def test_a_whole_novel_is_indexed_in_two_seconds() -> None:
    seed = np.random.default_rng(7)
    codes = seed.integers(0x4E00, 0x5600, size=850_000)
    text = "".join(map(chr, codes))
    passages = [
        Passage("c", 0, "", start, start + 400, text[start : start + 400])
        for start in range(0, len(text), 400)
    ]
    started = time.process_time()
    index = LexicalIndex(passages)
    built = time.process_time() - started

    assert index.search(passages[1000].text, 1)[0][0] == passages[1000]
    assert built < 2


class TestLarge:
    """A work with more postings than a query may read, cut down as a large one's are."""

    @pytest.fixture
    def passages(self) -> list[Passage]:
        dice = np.random.default_rng(3)
        # Frequencies as in prose: few characters are very common.
        shares = 1 / np.arange(1, 801)
        codes = dice.choice(np.arange(0x4E00, 0x4E00 + 800), (3000, 60), p=shares / shares.sum())
        texts = ["".join(map(chr, row)) for row in codes]
        return [
            Passage(f"c{n // 10}", n // 10, "", 0, n % 10 * 60 + 60, t) for n, t in enumerate(texts)
        ]

    @pytest.fixture
    def large(self, monkeypatch: pytest.MonkeyPatch, passages: list[Passage]) -> LexicalIndex:
        monkeypatch.setattr(postings, "LARGE", 1000)
        monkeypatch.setattr(bm25, "LARGE", 1000)
        monkeypatch.setattr(postings, "BEST", 50)
        monkeypatch.setattr(bm25, "POSTINGS_READ", 20_000)
        return LexicalIndex(passages)

    def test_it_finds_what_exact_search_finds(
        self, large: LexicalIndex, passages: list[Passage]
    ) -> None:
        reference = bm25_of(passages)
        hits = 0
        for place in range(0, 3000, 100):
            scores = reference.get_scores(tokens(passages[place].text[:30]))
            found = large.search(passages[place].text[:30], 10)
            floor = np.sort(scores)[-10]
            hits += sum(score >= floor - 1e-4 for _, score in found)
            assert found[0][0] == passages[place]
            assert found[0][1] == pytest.approx(scores[place], rel=1e-4)
        assert hits >= 0.95 * 300

    def test_scores_of_chosen_rows_are_exact(
        self, large: LexicalIndex, passages: list[Passage]
    ) -> None:
        scores = bm25_of(passages).get_scores(tokens(passages[7].text))

        np.testing.assert_allclose(
            large.scores_of(passages[7].text, [9, 7, 2999]), scores[[9, 7, 2999]], rtol=1e-4
        )

    def test_common_characters_alone_find_something(self, large: LexicalIndex) -> None:
        assert len(large.search("一丁", 20)) == 20

    def test_the_story_is_cut_there_too(self, large: LexicalIndex, passages: list[Passage]) -> None:
        found = large.search(passages[2000].text, 50, StoryPosition(20, 0))

        assert len(found) == 50
        assert all(passage.chapter < 20 for passage, _ in found)


def bm25_of(passages: list[Passage]) -> bm25s.BM25:
    reference = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    reference.index([tokens(passage.text) for passage in passages], show_progress=False)
    return reference
