"""Static embedding models without sentence-transformers: a tokenizer, a table, a mean.

Importing sentence-transformers, and torch with it, takes more processor time than embedding
a whole novel with the shipped model. A `StaticEmbedding` followed by `Normalize` is a mean
of table rows, which numpy does as well: the same files give the same vectors (a test holds
the two together), and every other model goes the ordinary way.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from typing_extensions import override

from retrieval.embed import SentenceTransformerEmbeddings, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_MODULES = ["StaticEmbedding", "Normalize"]
_NORM_AT_LEAST = 1e-12


class LightEmbeddings(SentenceTransformerEmbeddings):
    """As `SentenceTransformerEmbeddings`, and of the same fingerprint; a static model is read
    without importing sentence-transformers."""

    @override
    def _load(self, folder: Path) -> "SentenceTransformer":
        if not is_static(folder):
            return super()._load(folder)
        try:
            # It has what the base class asks of a model, and nothing else.
            return cast("SentenceTransformer", StaticModel(folder))
        except Exception as error:  # anything may be wrong with files that others made
            raise self._unusable(f"读取出错：{' '.join(str(error).split())[:120]}") from error


def is_static(folder: Path) -> bool:
    """Whether it is a table of token vectors, normalised, without prompts and nothing else."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
        settings = folder / "config_sentence_transformers.json"
        told = json.loads(settings.read_text(encoding="utf-8")) if settings.is_file() else {}
        prompts = any((told.get("prompts") or {}).values())
        return kinds == _MODULES and not modules[0]["path"] and not prompts
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return False


class StaticModel:
    """A table in model2vec's layout (`embeddings` with optional `mapping` and `weights`) or
    sentence-transformers' own (`embedding.weight`). Raises what the readers raise."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        tensors = load_file(folder / "model.safetensors")
        table = tensors.get("embedding.weight", tensors.get("embeddings"))
        if table is None or table.ndim != 2:
            raise ValueError("there is no table of embeddings in it")
        self._table = table
        folded = "embedding.weight" not in tensors
        self._mapping = tensors.get("mapping") if folded else None
        self._weights = tensors.get("weights") if folded else None

    def get_embedding_dimension(self) -> int:
        return int(self._table.shape[1])

    def encode_document(self, texts: Sequence[str], **_: Any) -> Vectors:
        """[n, d]; length 1, or 0 for a text without a known token."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        rows = [self._mean(np.array(encoding.ids, dtype=np.int64)) for encoding in encodings]
        return np.stack(rows)

    def encode_query(self, text: str, **_: Any) -> Vectors:
        """[d]."""
        vector: Vectors = self.encode_document([text])[0]
        return vector

    def _mean(self, ids: "np.ndarray[Any, np.dtype[np.int64]]") -> Vectors:
        if not len(ids):
            return np.zeros(self.get_embedding_dimension(), dtype=np.float32)
        rows = self._table[ids if self._mapping is None else self._mapping[ids]]
        shares = np.ones(len(ids)) if self._weights is None else self._weights[ids]
        mean = (shares.astype(np.float32) @ rows.astype(np.float32)) / len(ids)
        unit: Vectors = mean / max(float(np.linalg.norm(mean)), _NORM_AT_LEAST)
        return unit
