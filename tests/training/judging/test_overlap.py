"""ROUGE and BLEU against the packages that the field quotes, on texts short enough for them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_chinese import Rouge as RougeChinese
from sacrebleu.metrics.bleu import BLEU

from training.judging.bleu import corpus_bleu, sentence_bleu
from training.judging.rouge import lcs_length, rouge, rouge_l, rouge_n
from training.judging.words import VARIANTS, tokens

TEXT = st.text(alphabet="天地玄黄，。 \n的了a", max_size=40)
FILLED = TEXT.filter(lambda text: bool(text.strip()))
PAIRS = st.lists(st.tuples(TEXT, FILLED), min_size=1, max_size=5)


def naive_lcs(one: str, other: str) -> int:
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
            )
    return table[-1][-1]


@given(st.text(alphabet="abc", max_size=40), st.text(alphabet="abcd", max_size=40))
def test_lcs_is_the_tables(one: str, other: str) -> None:
    assert lcs_length(one, other) == naive_lcs(one, other)


@settings(max_examples=5)
@given(st.integers(0, 10**6))
def test_lcs_of_long_texts_is_the_tables(seed: int) -> None:
    """Columns of many machine words: carries must run through them."""
    chance = random.Random(seed)
    one, other = ("".join(chance.choices("天地玄黄", k=400)) for _ in range(2))
    assert lcs_length(one, other) == naive_lcs(one, other)


@given(FILLED, FILLED)
@pytest.mark.parametrize("variant", VARIANTS)
def test_rouge_is_rouge_chineses(variant, answer: str, reference: str) -> None:
    given_, wanted = tokens(answer, variant), tokens(reference, variant)
    theirs = RougeChinese(exclusive=False).get_scores(" ".join(given_), " ".join(wanted))[0]
    ours = rouge(answer, reference, variant)
    for name, score in ours.items():
        # Its F1 has 1e-8 in the denominator.
        assert score.f1 == pytest.approx(theirs[name]["f"], abs=1e-7)
        assert score.precision == pytest.approx(theirs[name]["p"])
        assert score.recall == pytest.approx(theirs[name]["r"])


def test_counts_are_clipped() -> None:
    """The package's default takes sets of words, by which any two long texts are alike."""
    score = rouge_n("的的的的", "的书", 1)
    assert (score.precision, score.recall) == (0.25, 0.5)
    assert rouge_l("", "书").f1 == rouge_n("书", "", 1).f1 == rouge_n("书", "书", 2).f1 == 0


def test_variants_cut_differently() -> None:
    assert tokens("我 来到\n北京。", "char") == list("我来到北京。")
    assert tokens("我 来到\n北京。", "jieba") == ["我", "来到", "北京", "。"]


@given(PAIRS)
def test_corpus_bleu_is_sacrebleus_by_characters(pairs: list[tuple[str, str]]) -> None:
    answers, references = zip(*pairs, strict=True)
    theirs = BLEU(tokenize="char").corpus_score(list(answers), [list(references)])
    assert corpus_bleu(pairs, "char") == pytest.approx(theirs.score, abs=1e-9)


@given(PAIRS)
def test_corpus_bleu_is_sacrebleus_by_words(pairs: list[tuple[str, str]]) -> None:
    cut = [tuple(" ".join(tokens(text, "jieba")) for text in pair) for pair in pairs]
    answers, references = zip(*cut, strict=True)
    theirs = BLEU(tokenize="none", force=True).corpus_score(list(answers), [list(references)])
    assert corpus_bleu(pairs, "jieba") == pytest.approx(theirs.score, abs=1e-9)


@given(TEXT, FILLED)
def test_sentence_bleu_is_sacrebleus(answer: str, reference: str) -> None:
    theirs = BLEU(tokenize="char", effective_order=True).sentence_score(answer, [reference])
    assert sentence_bleu(answer, reference, "char") == pytest.approx(theirs.score, abs=1e-9)


def test_nothing_scores_nothing() -> None:
    assert corpus_bleu([], "char") == corpus_bleu([("", "书")], "char") == 0
    assert sentence_bleu("书", "书", "char") == pytest.approx(100)
