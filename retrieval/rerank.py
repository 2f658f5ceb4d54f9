"""A cross-encoder's second look at the best passages: any sentence-transformers `CrossEncoder`.

It reads the query and a passage together, so it is better than any sum of scores and costs a
pass of the model for each of them: off unless a model is set, and on the GPU where there is
one. Weights are read as safetensors alone and no code that a model brings along is run.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import RetrievalError
from retrieval.loading import LOADING
from retrieval.types import Found

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

TOP = 30
"""Passages that are looked at a second time; what comes after them keeps its order."""
_FILES = ["*.safetensors", "*.json", "*.txt", "*.model"]


class RerankerUnavailable(RetrievalError):
    """The reranking model cannot be loaded or run."""

    code = "reranker_unavailable"


class Reranker:
    """Loaded when it is first needed. Thread-safe: one passage list at a time."""

    def __init__(
        self, model: str | Path, device: str | None = None, *, top: int = TOP, batch_size: int = 8
    ) -> None:
        """`model` is a directory or a Hugging Face id; `device` as in torch, None chooses."""
        self._source = str(model)
        self._device = device
        self.top = top
        self._batch_size = batch_size
        self._lock = threading.Lock()

    def rerank(self, query: str, found: Sequence[Found]) -> list[Found]:
        """The same passages, the first `top` in the model's order, with its scores.

        `ranks` says under `rerank` which place the model gave. Scores lie in 0..1 where the
        model has an activation of that range, as rerankers do by default; passages beyond
        the first `top` keep theirs, lowered under the last reranked one where they are
        above it. Raises RerankerUnavailable.
        """
        first, rest = found[: self.top], found[self.top :]
        if not first or not query.strip():
            return list(found)
        scores = self._scores(query, [one.passage.text for one in first])
        order = sorted(range(len(first)), key=lambda at: (-scores[at], at))
        ordered = [
            replace(first[at], score=scores[at], ranks={**first[at].ranks, "rerank": place})
            for place, at in enumerate(order, start=1)
        ]
        floor = ordered[-1].score
        return [*ordered, *(replace(one, score=min(one.score, floor)) for one in rest)]

    def _scores(self, query: str, texts: Sequence[str]) -> list[float]:
        pairs = [(query, text) for text in texts]
        with self._lock:
            model = self._model
            try:
                scores = model.predict(pairs, batch_size=self._batch_size, show_progress_bar=False)
            except RuntimeError as error:  # torch's, running out of memory among them
                raise self._unusable(f"计算时出错：{_brief(error)}") from error
        if getattr(scores, "ndim", 1) != 1:
            raise self._unusable("它给每个段落的不是一个分数")
        return [float(score) for score in scores]

    @cached_property
    def _model(self) -> "CrossEncoder":
        folder = self._folder()
        if not any(folder.rglob("*.safetensors")):
            raise self._unusable("它没有 safetensors 格式的权重，或没有下载完整")
        with LOADING:
            from sentence_transformers import CrossEncoder

            try:
                loaded: CrossEncoder = CrossEncoder(
                    str(folder),
                    device=self._device,
                    trust_remote_code=False,
                    local_files_only=True,
                    model_kwargs={"use_safetensors": True},
                )
            except Exception as error:  # anything may be wrong with files that others made
                raise self._unusable(f"读取出错：{_brief(error)}") from error
        return loaded

    def _folder(self) -> Path:
        """Where the model's files lie; a hub model is fetched only where it is not yet here."""
        folder = Path(self._source)
        if folder.is_dir():
            return folder
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            return Path(
                snapshot_download(self._source, allow_patterns=_FILES, local_files_only=True)
            )
        except HFValidationError:
            raise self._unusable("没有这个目录，它也不是模型的编号") from None
        except LocalEntryNotFoundError:
            pass  # never fetched: the hub has to answer
        try:
            return Path(snapshot_download(self._source, allow_patterns=_FILES))
        except Exception as error:  # the hub's errors are of a dozen families
            raise self._unusable("模型站点上取不到它，请检查网络和编号") from error

    def _unusable(self, reason: str) -> RerankerUnavailable:
        return RerankerUnavailable(
            f"重排模型「{self._source}」用不了：{reason}；请换一个重排模型，或在设置里关掉重排。"
        )


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
