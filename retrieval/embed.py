"""Texts to vectors: sentence-transformers models behind LangChain's `Embeddings`.

Knows nothing of passages, indexes or stories. Weights are read as safetensors alone and no
code that a model brings along is ever run.
"""

import hashlib
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from retrieval.errors import EmbedderUnavailable
from retrieval.loading import LOADING

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

QUERY_CHARACTERS = 512
"""A query is its last so many characters: what was written last is what comes next.

About a passage's length, so that query and passages are alike, and few enough that a model
of 512 tokens, which would keep the beginning, cuts nothing off.
"""
_HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.model"]
_REMEMBERED_QUERIES = 256


class PassageEmbeddings(Embeddings):
    """What an index needs of a model beyond LangChain's interface. Implementations are
    thread-safe, and their vectors have length 1 (or 0, for a text without a known token).
    """

    batch_size: int = 32

    @property
    @abstractmethod
    def name(self) -> str:
        """What the model is called, for people."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Equal for two models only if they give equal vectors."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Length of every vector."""

    @abstractmethod
    def embed_array(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, float32 [n, dimension]."""

    @abstractmethod
    def embed_query_array(self, text: str) -> Vectors:
        """Vector of a query, float32 [dimension]; its last QUERY_CHARACTERS count."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self.embed_array(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        row: list[float] = self.embed_query_array(text).tolist()
        return row


class SentenceTransformerEmbeddings(PassageEmbeddings):
    """Any sentence-transformers model, loaded when it is first needed.

    `model` is a directory or a Hugging Face id; a hub model is taken from the local cache
    when it stands there, so that its revision changes only when somebody asks for it.
    Prompts that the model defines for queries and documents are used.
    Every member may raise EmbedderUnavailable.
    """

    def __init__(self, model: str | Path, device: str | None = None, batch_size: int = 32) -> None:
        self._source = str(model)
        self._device = device
        self.batch_size = batch_size
        self._loading = threading.RLock()
        # Tokenizers that truncate or pad keep state: one encoding at a time.
        self._encoding = threading.Lock()
        self._query = lru_cache(_REMEMBERED_QUERIES)(self._embed_query)

    @property
    def source(self) -> str:
        """The directory or hub id that it is loaded from."""
        return self._source

    @property
    def name(self) -> str:
        return Path(self._source).name if Path(self._source).is_dir() else self._source

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:…` of a directory's files, or `id@revision` of a hub model."""
        with self._loading:
            if Path(self._source).is_dir():
                return f"sha256:{_digest(self._folder)}"
            return f"{self._source}@{self._folder.name}"

    @property
    def dimension(self) -> int:
        size = self._model.get_embedding_dimension()
        if not size:
            raise self._unusable("它没有说明向量的维数")
        return size

    def embed_array(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        rows = self._encoded(self._model.encode_document, list(texts))
        return np.ascontiguousarray(rows, dtype=np.float32)

    def embed_query_array(self, text: str) -> Vectors:
        return self._query(text[-QUERY_CHARACTERS:])

    def _embed_query(self, text: str) -> Vectors:
        vector = np.array(self._encoded(self._model.encode_query, text), dtype=np.float32)
        vector.flags.writeable = False  # the cache hands the same array to everybody
        return vector

    def _encoded(self, encode: Callable[..., Any], texts: str | list[str]) -> Any:
        try:
            with self._encoding:
                return encode(
                    texts,
                    batch_size=self.batch_size,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
        except RuntimeError as error:  # torch's, running out of memory among them
            raise self._unusable(f"计算向量时出错：{_brief(error)}") from error

    @cached_property
    def _folder(self) -> Path:
        """Where the model's files lie on this machine."""
        folder = Path(self._source)
        if not folder.is_dir():
            folder = self._fetch()
        if not _only_safetensors(folder):
            raise self._unusable("它没有 safetensors 格式的权重，或没有下载完整")
        return folder

    def _fetch(self) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            cached = Path(
                snapshot_download(self._source, allow_patterns=_HUB_FILES, local_files_only=True)
            )
            if _only_safetensors(cached):
                return cached
        except HFValidationError:
            raise self._unusable("没有这个目录，它也不是模型的编号") from None
        except LocalEntryNotFoundError:
            pass  # never fetched: the hub has to answer
        try:
            return Path(snapshot_download(self._source, allow_patterns=_HUB_FILES))
        except Exception as error:  # the hub's errors are of a dozen families
            raise self._unusable("模型站点上取不到它，请检查网络和编号") from error

    @cached_property
    def _loaded(self) -> "SentenceTransformer":
        folder = self._folder
        with LOADING:
            return self._load(folder)

    def _load(self, folder: Path) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(
                str(folder),
                device=self._device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # anything may be wrong with files that others made
            raise self._unusable(f"读取出错：{_brief(error)}") from error

    @property
    def _model(self) -> "SentenceTransformer":
        with self._loading:
            return self._loaded

    def _unusable(self, reason: str) -> EmbedderUnavailable:
        return EmbedderUnavailable(
            f"嵌入模型「{self._source}」用不了：{reason}；请换一个 sentence-transformers 模型。"
        )


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _only_safetensors(folder: Path) -> bool:
    """Weights are there, and none that only a pickle holds."""
    pickles = (path.parent for path in folder.rglob("pytorch_model*.bin"))
    return any(folder.rglob("*.safetensors")) and all(
        any(place.glob("*.safetensors")) for place in pickles
    )


def _model_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix.lower() != ".md":
            yield path


def _digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's files, model cards left out."""
    whole = hashlib.sha256()
    for path in _model_files(folder):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()}\n{content}\n".encode())
    return whole.hexdigest()
