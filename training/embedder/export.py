"""Writes the model folder: eight-bit rows, tokenizer and module list, nothing that executes.

The rows are stored in the layout sentence-transformers 6.2 and later reads for quantized
vocabularies: `embeddings` in eight bits, `mapping` from piece to row, `weights` as the scale.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from training.embedder.vocabulary import Vocabulary

MODULES = [
    (
        "0",
        "",
        "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding",
    ),
    ("1", "1_Normalize", "sentence_transformers.base.modules.normalize.Normalize"),
]
LIMIT_BYTES = 12_000_000


def export(vocabulary: Vocabulary, table: NDArray[np.float32], folder: Path) -> int:
    """Writes the folder (a README.md already there stays) and returns its size in bytes."""
    (folder / "1_Normalize").mkdir(parents=True, exist_ok=True)
    _write_json(folder / "1_Normalize" / "config.json", {})
    modules = [
        {"idx": int(name), "name": name, "path": path, "type": kind} for name, path, kind in MODULES
    ]
    _write_json(folder / "modules.json", modules)
    config: dict[str, object] = {
        "prompts": {},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    _write_json(folder / "config_sentence_transformers.json", config)
    _write_json(folder / "tokenizer.json", json.loads(vocabulary.tokenizer().to_str()), None)
    save_file(quantized(table, vocabulary.row_of_piece), folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if size > LIMIT_BYTES:
        raise ValueError(f"the model folder has {size:,} bytes, over {LIMIT_BYTES:,}")
    return size


def quantized(
    table: NDArray[np.float32], row_of_piece: list[int]
) -> dict[str, NDArray[np.generic]]:
    """Each row in eight bits, its own scale given to every piece that takes it."""
    scale = np.maximum(np.abs(table).max(axis=1), 1e-12) / 127
    mapping = np.asarray(row_of_piece, np.int32)
    return {
        "embeddings": np.rint(table / scale[:, None]).astype(np.int8),
        "mapping": mapping,
        "weights": scale[mapping].astype(np.float32),
    }


def _write_json(path: Path, content: object, indent: int | None = 2) -> None:
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(content, ensure_ascii=False, indent=indent, separators=separators)
    path.write_text(text + "\n", encoding="utf-8")
