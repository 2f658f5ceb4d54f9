import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval.embed import SentenceTransformerEmbeddings
from retrieval.errors import EmbedderUnavailable
from retrieval.static_model import LightEmbeddings, is_static

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "data" / "models" / "yanchi-embed-zh"
TEXTS = [
    "沈砚在雨夜里磨墨，老猫睡在窗台上。" * 20,
    "船夫",
    "Ｈotel 404",
    "",
    "\u3000\n",
    "𠮷😀",
    "孤立的\ud7ff",
]


def test_vectors_are_those_of_sentence_transformers() -> None:
    light, plain = LightEmbeddings(SHIPPED), SentenceTransformerEmbeddings(SHIPPED)

    assert (light.name, light.fingerprint) == (plain.name, plain.fingerprint)
    assert light.dimension == plain.dimension
    np.testing.assert_allclose(light.embed_array(TEXTS), plain.embed_array(TEXTS), atol=2e-6)
    for text in TEXTS:
        np.testing.assert_allclose(
            light.embed_query_array(text), plain.embed_query_array(text), atol=2e-6
        )


def test_it_needs_neither_torch_nor_sentence_transformers() -> None:
    code = (
        "import sys; from retrieval.static_model import LightEmbeddings;"
        f"assert LightEmbeddings({str(SHIPPED)!r}).embed_array(['砚']).any();"
        "assert not {'torch', 'sentence_transformers'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("modules.json", [{"type": "x.Transformer", "path": ""}]),
        ("modules.json", None),
        ("config_sentence_transformers.json", {"prompts": {"query": "问："}}),
    ],
)
def test_other_models_go_the_ordinary_way(tmp_path: Path, file: str, change: object) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    (folder / file).write_text(json.dumps(change))

    assert is_static(SHIPPED)
    assert not is_static(folder)
    assert not is_static(tmp_path)


def test_a_table_cut_short_is_said_so(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])

    with pytest.raises(EmbedderUnavailable, match="读取出错"):
        LightEmbeddings(folder).embed_array(["砚"])
