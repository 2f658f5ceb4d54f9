"""Counted piece by piece, a text has the tokens that it has as a whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from server.engines.pieces import CUTS, counts_by_pieces, pieces
from server.engines.tokens import LocalTokenCounter
from server.settings import SAMPLE

NOVEL = (SAMPLE / "novel.md").read_text(encoding="utf-8")
PARTS = [
    "\n", "\n\n", "\r\n", "\r", " ", "　", "\t", "\x85", "\u2028", "\x1c", "。", "！", "？", "，",
    "”", "“", "他", "他说", "走了", "龥", "鿿", "〇", "a", "Bc", "12", "²", "é", "\u0301", "'s",
    "_", "👍", "\u200b", "—", "<|end|>",
]  # fmt: skip


def trained(cut: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(cut), "isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    # Tokens over a sentence's edge are there to be made, wherever the cut lets them.
    words = [*NOVEL.split("\n"), "他。\n\n　他说\r\n\n \n" * 9, "走了。”他！？" * 9]
    tokenizer.train_from_iterator(
        words, trainers.BpeTrainer(vocab_size=3000, initial_alphabet=alphabet, show_progress=False)
    )
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True, normalized=False)])
    return tokenizer


@pytest.fixture(scope="module", params=sorted(CUTS), ids=["few", "one"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return trained(request.param)


def size(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


@given(parts=st.lists(st.sampled_from(PARTS), max_size=24))
@settings(max_examples=2000, deadline=None)
def test_the_pieces_have_the_tokens_of_the_whole(tokenizer: Tokenizer, parts: list[str]) -> None:
    text = "".join(parts)
    assert "".join(pieces(text)) == text
    assert sum(size(tokenizer, piece) for piece in pieces(text)) == size(tokenizer, text)


@given(start=st.integers(0, len(NOVEL)), length=st.integers(0, 900))
@settings(max_examples=200, deadline=None)
def test_so_it_is_in_a_novel(tokenizer: Tokenizer, start: int, length: int) -> None:
    text = NOVEL[start : start + length]
    assert sum(size(tokenizer, piece) for piece in pieces(text)) == size(tokenizer, text)


def test_a_novel_falls_into_sentences() -> None:
    assert max(map(len, pieces(NOVEL))) < 200


def told(change: Callable[[dict[str, Any]], Any]) -> str:
    rules = json.loads(trained(min(CUTS)).to_str())
    change(rules)
    return json.dumps(rules)


def test_only_tokenizers_that_are_known_to_cut_so_are_counted_so() -> None:
    assert counts_by_pieces(told(lambda _: None))
    split = "pre_tokenizer", "pretokenizers"
    other_ways: list[Callable[[dict[str, Any]], Any]] = [
        lambda r: r.update(normalizer={"type": "NFKC"}),
        lambda r: r.update(pre_tokenizer=None),
        lambda r: r.update(pre_tokenizer={"type": "ByteLevel"}),
        lambda r: r[split[0]][split[1]].pop(),
        lambda r: r[split[0]][split[1]][0].update(pattern={"Regex": r"\s+"}),
        lambda r: r[split[0]][split[1]][0].update(behavior="Removed"),
        lambda r: r[split[0]][split[1]][1].update(use_regex=True),
        lambda r: r[split[0]][split[1]][1].update(add_prefix_space=True),
        lambda r: r["added_tokens"][0].update(lstrip=True),
        lambda r: r["added_tokens"][0].update(content="。\n"),
    ]
    assert not any(counts_by_pieces(told(change)) for change in other_ways)


def test_what_is_remembered_changes_no_count(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    fast.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    fast.save_pretrained(tmp_path)
    counter = LocalTokenCounter(tmp_path)
    growing = [NOVEL[:end] for end in range(100, 1500, 37)]
    assert counter.count(growing) == [size(tokenizer, text) for text in growing]
    assert counter.count(growing) == counter.count(growing)
