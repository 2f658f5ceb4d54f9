import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.counts import count, heaviest
from retrieval.expand import Expander
from retrieval.recount import Recount
from retrieval.tokens import PAIR_SHIFT, query_tokens
from tests.retrieval.books import corpus_of, passages_of

LETTERS = st.text("砚猫睡墨，a ", max_size=12)


def as_text(token: int) -> str:
    high, low = token >> PAIR_SHIFT, token & ((1 << PAIR_SHIFT) - 1)
    return chr(high) * (high > 0) + chr(low)


@settings(deadline=None, max_examples=150)
@given(st.lists(LETTERS.filter(str.strip), min_size=1, max_size=6), LETTERS, st.data())
def test_postings_and_text_count_alike(texts: list[str], query: str, data: st.DataObject) -> None:
    passages = passages_of([texts])
    tokens, _ = query_tokens(query)
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(texts) - 1), min_size=1))))

    small = count(corpus_of(passages), tokens, rows)
    large = count(corpus_of(passages, large=True), tokens, rows)

    np.testing.assert_array_equal(small.counts, large.counts)
    np.testing.assert_array_equal(small.idf, large.idf)
    for row, line in zip(rows, small.counts, strict=True):
        found, often = query_tokens(texts[row])
        known = dict(zip(found.tolist(), often.tolist(), strict=True))
        assert line.tolist() == [known.get(token, 0) for token in tokens.tolist()]
    for token, weight in zip(tokens.tolist(), small.idf, strict=True):
        assert (weight > 0) == any(token in query_tokens(text)[0] for text in texts)


@settings(deadline=None, max_examples=100)
@given(st.lists(LETTERS, max_size=5), LETTERS)
def test_occurrences_are_where_they_are_said_to_be(texts: list[str], query: str) -> None:
    tokens, _ = query_tokens(query)
    met = Recount(tokens).find(texts)

    found = {
        (int(t), int(tokens[n]), int(o))
        for n, t, o in zip(met.token, met.text, met.offset, strict=True)
    }
    assert found == {
        (number, wanted, at)
        for number, one in enumerate(texts)
        for wanted in tokens.tolist()
        for at in range(len(one))
        if one.startswith(as_text(wanted), at)
    }


@settings(deadline=None, max_examples=100)
@given(st.lists(LETTERS.filter(str.strip), min_size=1, max_size=5), st.lists(LETTERS, min_size=2))
def test_what_was_looked_up_before_does_not_show(texts: list[str], queries: list[str]) -> None:
    passages = passages_of([texts])
    corpus = corpus_of(passages)
    for query in queries:
        tokens, _ = query_tokens(query)
        for some in (tokens, tokens[::2], tokens[1:]):
            kept, fresh = corpus.lookup(some), corpus_of(passages).lookup(some)
            np.testing.assert_array_equal(kept.tokens, some)
            np.testing.assert_array_equal(kept.df, fresh.df)
            np.testing.assert_array_equal(kept.places, fresh.places)


def test_the_rarest_stay_when_a_query_is_cut_down() -> None:
    corpus = corpus_of(passages_of([["砚墨", "墨水", "墨香", "墨色"]]))
    asked = Expander().asked("砚，墨")

    assert [as_text(token) for token in heaviest(corpus, asked, 1).tokens.tolist()] == ["砚"]
    assert heaviest(corpus, asked, 2) is asked
