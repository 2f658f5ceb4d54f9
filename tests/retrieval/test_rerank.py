from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from retrieval.rerank import Reranker, RerankerUnavailable
from retrieval.types import Found, Passage

LETTERS = "沈砚在雨夜里磨墨老猫睡窗台上问答"


def save_model(folder: Path, labels: int = 1) -> Path:
    """A cross-encoder of a few thousand weights that reads LETTERS."""
    folder.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64, num_labels=labels, initializer_range=0.4,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "tiny-reranker")


def found(*texts: str) -> list[Found]:
    return [
        Found(Passage("c0", 0, "", 100 * n, 100 * n + len(text), text), 1 - n / 10, {"lexical": n + 1})
        for n, text in enumerate(texts)
    ]  # fmt: skip


TEXTS = ("沈砚磨墨", "老猫睡在窗台上", "雨夜", "问答")


def test_the_model_orders_and_its_scores_stand(folder: Path) -> None:
    passages = found(*TEXTS)
    said = CrossEncoder(str(folder), device="cpu").predict([("老猫在上", text) for text in TEXTS])
    expected = sorted(zip(said.tolist(), TEXTS, strict=True), reverse=True)

    ordered = Reranker(folder, "cpu").rerank("老猫在上", passages)

    assert [one.passage.text for one in ordered] == [text for _, text in expected]
    assert [one.score for one in ordered] == pytest.approx([score for score, _ in expected])
    assert [one.ranks["rerank"] for one in ordered] == [1, 2, 3, 4]
    assert {one.passage.text: one.ranks["lexical"] for one in ordered} == {
        text: n for n, text in enumerate(TEXTS, 1)
    }
    assert len({round(score, 6) for score, _ in expected}) == 4


def test_what_comes_after_the_first_keeps_its_order_below_them(folder: Path) -> None:
    passages = found(*TEXTS)

    ordered = Reranker(folder, "cpu", top=2).rerank("老猫", passages)

    assert {one.passage.text for one in ordered[:2]} == set(TEXTS[:2])
    assert [one.passage.text for one in ordered[2:]] == [*TEXTS[2:]]
    assert all("rerank" not in one.ranks for one in ordered[2:])
    assert [one.score for one in ordered] == sorted((o.score for o in ordered), reverse=True)


def test_nothing_to_ask_loads_nothing(tmp_path: Path) -> None:
    passages = found(*TEXTS)

    assert Reranker(tmp_path / "none").rerank("老猫", []) == []
    assert Reranker(tmp_path / "none").rerank(" \n", passages) == passages


def test_weights_that_only_a_pickle_holds_are_refused(tmp_path: Path) -> None:
    model = save_model(tmp_path / "pickled")
    (model / "model.safetensors").rename(model / "pytorch_model.bin")

    with pytest.raises(RerankerUnavailable, match="safetensors"):
        Reranker(model, "cpu").rerank("老猫", found(*TEXTS))


def test_broken_files_are_said_to_be(tmp_path: Path) -> None:
    model = save_model(tmp_path / "broken")
    (model / "model.safetensors").write_bytes(b"cut short")

    with pytest.raises(RerankerUnavailable, match="读取出错"):
        Reranker(model, "cpu").rerank("老猫", found(*TEXTS))


def test_a_model_of_several_answers_is_no_reranker(tmp_path: Path) -> None:
    model = save_model(tmp_path / "classes", labels=3)

    with pytest.raises(RerankerUnavailable, match="不是一个分数"):
        Reranker(model, "cpu").rerank("老猫", found(*TEXTS))


def test_neither_a_directory_nor_a_model_id() -> None:
    with pytest.raises(RerankerUnavailable, match="没有这个目录"):
        Reranker("/no such/place/at all").rerank("老猫", found(*TEXTS))
