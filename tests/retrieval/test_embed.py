import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel

from retrieval.embed import QUERY_CHARACTERS, SentenceTransformerEmbeddings
from retrieval.errors import EmbedderUnavailable

DIMENSION = 16
LETTERS = "沈砚在雨夜里磨墨老猫睡窗台上问答"


def save_model(folder: Path, prompts: dict[str, str] | None = None, seed: int = 0) -> Path:
    """A static model that knows LETTERS, one random vector a character."""
    vocabulary = {letter: number for number, letter in enumerate(["?", *LETTERS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    weights = torch.randn(len(vocabulary), DIMENSION, generator=torch.manual_seed(seed))
    weights[0] = 0
    module = StaticEmbedding(tokenizer, embedding_weights=weights)
    SentenceTransformer(modules=[module], prompts=prompts, device="cpu").save(str(folder))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model") / "tiny-zh")


def test_vectors_are_unit_float32_rows(folder: Path) -> None:
    model = SentenceTransformerEmbeddings(folder)
    rows = model.embed_array(["沈砚磨墨", "老猫睡在窗台上"])

    assert rows.shape == (2, DIMENSION) == (2, model.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert model.name == "tiny-zh"


def test_no_texts_are_no_rows(folder: Path) -> None:
    assert SentenceTransformerEmbeddings(folder).embed_array([]).shape == (0, DIMENSION)


def test_a_text_without_a_known_token_has_no_direction(folder: Path) -> None:
    rows = SentenceTransformerEmbeddings(folder).embed_array(["", "xyz"])

    assert not rows.any()


def test_langchains_lists_are_the_same_vectors(folder: Path) -> None:
    model = SentenceTransformerEmbeddings(folder)

    assert model.embed_documents(["老猫"]) == model.embed_array(["老猫"]).tolist()
    assert model.embed_query("老猫") == model.embed_query_array("老猫").tolist()


def test_prompts_tell_queries_from_passages(tmp_path: Path) -> None:
    prompts = {"query": "问", "document": "答"}
    model = SentenceTransformerEmbeddings(save_model(tmp_path / "prompted", prompts))
    plain = SentenceTransformerEmbeddings(save_model(tmp_path / "plain"))

    np.testing.assert_allclose(
        model.embed_query_array("老猫"), plain.embed_query_array("问老猫"), atol=1e-6
    )
    np.testing.assert_allclose(
        model.embed_array(["老猫"]), plain.embed_array(["答老猫"]), atol=1e-6
    )


def test_a_query_is_its_last_characters(folder: Path) -> None:
    model = SentenceTransformerEmbeddings(folder)
    tail = "墨" * QUERY_CHARACTERS

    assert (model.embed_query_array("猫" * 100_000 + tail) == model.embed_query_array(tail)).all()


def test_a_repeated_query_is_not_computed_again(folder: Path) -> None:
    model = SentenceTransformerEmbeddings(folder)
    first = model.embed_query_array("沈砚")

    assert model.embed_query_array("沈砚") is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_the_fingerprint_is_that_of_the_contents(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    other = save_model(tmp_path / "other", seed=1)
    original = SentenceTransformerEmbeddings(folder).fingerprint
    (copy / "README.md").write_text("another model card")

    assert SentenceTransformerEmbeddings(copy).fingerprint == original
    assert SentenceTransformerEmbeddings(other).fingerprint != original
    (copy / "config_sentence_transformers.json").write_text("{}")
    assert SentenceTransformerEmbeddings(copy).fingerprint != original


def test_threads_share_one_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = SentenceTransformer.__init__

    def counted(self: SentenceTransformer, *args: object, **kwargs: object) -> None:
        loads.append(1)
        load(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(SentenceTransformer, "__init__", counted)
    model = SentenceTransformerEmbeddings(folder)
    rows: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: rows.append(model.embed_array(["沈砚磨墨"])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(loads) == 1
    assert len(rows) == 8
    assert all((row == rows[0]).all() for row in rows)


@pytest.mark.parametrize("missing", ["没有/目录", "没有/这个/目录", "/nowhere/at/all", "./nothing"])
def test_a_missing_directory_is_named(missing: str) -> None:
    with pytest.raises(EmbedderUnavailable, match=re.escape(missing)):
        SentenceTransformerEmbeddings(missing).embed_query("沈砚")


def test_a_hub_that_does_not_answer_is_said_so() -> None:
    with pytest.raises(EmbedderUnavailable, match=r"yanchi/no-such-model.*网络"):
        SentenceTransformerEmbeddings("yanchi/no-such-model").embed_query("沈砚")


COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def hub_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which the hub's client has put yanchi/tiny-zh; returns its files' folder."""
    place = tmp_path / "hub" / "models--yanchi--tiny-zh"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return shutil.copytree(folder, place / "snapshots" / COMMIT)


@pytest.mark.usefixtures("hub_cache")
def test_a_cached_hub_model_needs_no_hub(folder: Path) -> None:
    model = SentenceTransformerEmbeddings("yanchi/tiny-zh")

    assert model.name == "yanchi/tiny-zh"
    assert model.fingerprint == f"yanchi/tiny-zh@{COMMIT}"
    local = SentenceTransformerEmbeddings(folder).embed_query("沈砚")
    assert model.embed_query("沈砚") == local


def test_a_download_that_broke_off_is_not_taken_for_a_model(hub_cache: Path) -> None:
    next(hub_cache.rglob("*.safetensors")).unlink()

    with pytest.raises(EmbedderUnavailable, match="没有下载完整"):
        SentenceTransformerEmbeddings("yanchi/tiny-zh").embed_query("沈砚")


def test_pickled_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "pickled")
    next(copy.rglob("*.safetensors")).unlink()
    torch.save({}, copy / "pytorch_model.bin")

    with pytest.raises(EmbedderUnavailable, match="safetensors"):
        SentenceTransformerEmbeddings(copy).embed_query("沈砚")


def test_code_that_a_model_brings_is_not_run(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "coded")
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Module: ...\n")
    (copy / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}]'
    )

    with pytest.raises(EmbedderUnavailable):
        SentenceTransformerEmbeddings(copy).embed_query("沈砚")
    assert not (tmp_path / "ran").exists()


def test_damaged_weights_are_said_so(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "damaged")
    next(copy.rglob("*.safetensors")).write_bytes(b"not weights")

    with pytest.raises(EmbedderUnavailable, match="读取出错"):
        SentenceTransformerEmbeddings(copy).embed_query("沈砚")
