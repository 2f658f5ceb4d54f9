"""The default embedding model as it is shipped, and the recipe's vocabulary stage."""

import os
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from training.embedder.corpus import passages_of, read_novel
from training.embedder.export import LIMIT_BYTES, export, quantized
from training.embedder.vocabulary import (
    RARE_BUCKETS,
    Script,
    Vocabulary,
    build_vocabulary,
    frequent_words,
    read_dictionary,
)

os.environ.setdefault("HF_HUB_OFFLINE", "1")
MODEL = Path(__file__).parents[2] / "data" / "models" / "yanchi-embed-zh"
DIMENSION = 384
TOY = read_dictionary(
    ["砚池 9 n\n", "砚 4 n\n", "池 3 n\n", "写字 5 v\n", "龙门 2 n\n", "X光 2 n\n"]
)
TOY_SCRIPT = Script(lambda text: text.replace("龍", "龙"), (lambda text: text.replace("龙", "龍"),))


@pytest.fixture(scope="module")
def model():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(MODEL), device="cpu")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(MODEL / "tokenizer.json"))


@pytest.fixture(scope="module")
def toy() -> Vocabulary:
    return build_vocabulary(TOY, 3, TOY_SCRIPT, {"砚", "池", "写", "字", "龙", "门"})


def rows_of(vocabulary: Vocabulary, text: str) -> list[str]:
    ids = vocabulary.tokenizer().encode(text).ids
    return [vocabulary.rows[vocabulary.row_of_piece[i]] for i in ids]


def test_vectors_have_the_stated_dimension_and_unit_length(model):
    vectors = model.encode(["她把灯吹灭，屋里只剩下雨声。", "剑", "Hello 2026", "𠀀"])
    assert vectors.shape == (4, DIMENSION)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_text_without_a_word_has_the_zero_vector(model):
    assert not model.encode("……，。").any()


def test_encoding_is_deterministic_and_independent_of_the_batch(model):
    texts = ["雪落了一夜。", "他勒住马，回头望去。", "茶已经凉了。"]
    together = model.encode(texts)
    np.testing.assert_array_equal(together, model.encode(texts))
    alone = np.stack([model.encode(text) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("text", ["龘靐齉爩", "㐀䶵", "𠀀𪚥", "彧翀嬛訢", "\ue000", "🙂"])
def test_no_character_is_unknown(tokenizer, text):
    assert "<unk>" not in tokenizer.encode(text).tokens


def test_unknown_words_fall_back_to_single_characters(tokenizer):
    assert tokenizer.encode("龘彧爩").tokens == ["龘", "彧", "爩"]


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("两人在雨中告别", "她撑着伞站在雨里，看着他转身离开", "将军下令全军渡河攻城"),
        ("皇帝大怒，要杀了他", "天子震怒，命武士推出斩首", "小姑娘在院子里放风筝"),
        ("他身受重伤，鲜血直流", "刀砍在他肩上，血染红了衣衫", "掌柜端上一壶好酒和两碟小菜"),
        ("母亲病重，儿子赶回家乡", "听说娘病了，他连夜往家里赶", "战船在江面上排成一列"),
        ("吾将重汝", "我一定会重重地酬谢你", "山上的桃花都开了"),
        ("月色如水，四下无声", "夜深人静，月光洒在院中", "商人们在集市上讨价还价"),
    ],
)
def test_what_is_alike_lies_nearer_than_what_is_not(model, query, near, far):
    asked, alike, unlike = model.encode([query, near, far])
    assert asked @ alike > asked @ unlike


def test_traditional_and_simplified_text_lie_together(model):
    simplified, traditional = model.encode(["龙门客栈里的头发", "龍門客棧裡的頭髮"])
    assert simplified @ traditional > 0.95


def test_the_folder_holds_no_code_and_stays_under_its_limit():
    files = [file for file in MODEL.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} <= {".json", ".safetensors", ".md"}
    assert sum(file.stat().st_size for file in files) <= LIMIT_BYTES


def test_vocabulary_takes_the_most_frequent_words():
    assert frequent_words(TOY, 2) == ["砚池", "写字"]


def test_a_piece_takes_its_word_or_character_or_bucket(toy):
    assert rows_of(toy, "砚池") == ["砚池"]
    assert rows_of(toy, "池砚") == ["池", "砚"]
    assert rows_of(toy, "龘") == [f"<rare-{ord('龘') % RARE_BUCKETS}>"]
    assert rows_of(toy, "。Ａa") == ["<silent>", "a", "a"]


def test_traditional_forms_share_the_simplified_row(toy):
    assert rows_of(toy, "龍門") == ["龙", "<rare-{}>".format(ord("門") % RARE_BUCKETS)]
    assert rows_of(toy, "龍门") == ["龙门"]


def test_vocabulary_survives_being_written(toy):
    assert Vocabulary.from_json(toy.to_json()) == toy


def test_eight_bits_keep_a_row_within_half_a_step(toy):
    table = np.random.default_rng(0).normal(size=(len(toy.rows), 8)).astype(np.float32)
    stored = quantized(table, toy.row_of_piece)
    restored = stored["embeddings"][stored["mapping"]] * stored["weights"][:, None]
    error = np.abs(restored - table[toy.row_of_piece])
    assert (error <= stored["weights"][:, None] * 0.501).all()


def test_an_exported_toy_model_loads(toy, tmp_path):
    from sentence_transformers import SentenceTransformer

    table = np.random.default_rng(0).normal(size=(len(toy.rows), 8)).astype(np.float32)
    export(toy, table, tmp_path)
    loaded = SentenceTransformer(str(tmp_path), device="cpu")
    expected = table[toy.rows.index("砚池")] / np.linalg.norm(table[toy.rows.index("砚池")])
    np.testing.assert_allclose(loaded.encode("砚池"), expected, atol=0.02)


def test_passages_lose_nothing():
    text = "".join(chr(0x4E00 + i % 500) for i in range(1_234))
    assert "".join(passages_of(text)) == text


def test_a_novel_is_read_by_its_headings(tmp_path):
    (tmp_path / "书.txt").write_text(
        "第一回　起 落\n\n话说。\n第二回　承\n且说。\n", encoding="utf-8"
    )
    first, second = read_novel(tmp_path / "书.txt")
    assert (first.number, first.title, first.passages) == ("第一回", "起 落", ("话说。",))
    assert second.passages == ("且说。",)
