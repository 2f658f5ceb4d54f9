"""Token counters: by the served model's own tokenizer, by vLLM's /tokenize, by upper bound."""

import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from retrieval.loading import LOADING
from retrieval.types import Message, continues
from server.engines.pieces import counts_by_pieces, pieces
from server.errors import EngineFailed, EngineLost

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REMEMBERED_CHARACTERS = 2_000_000


class _Remembered:
    """The least recently used counts, bounded by the characters of their texts. Thread-safe."""

    def __init__(self, characters: int = REMEMBERED_CHARACTERS) -> None:
        self._most = characters
        self._held = 0
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def _known(self, texts: Iterable[str]) -> dict[str, int]:
        known: dict[str, int] = {}
        with self._lock:
            for text in texts:
                count = self._counts.get(text)
                if count is not None:
                    self._counts.move_to_end(text)
                    known[text] = count
        return known

    def _keep(self, counts: Mapping[str, int]) -> None:
        with self._lock:
            for text, count in counts.items():
                if text not in self._counts:
                    self._held += len(text)
                self._counts[text] = count
            while self._held > self._most:
                oldest, _ = self._counts.popitem(last=False)
                self._held -= len(oldest)

    def counts(self, texts: Sequence[str], compute: Callable[[list[str]], list[int]]) -> list[int]:
        """The count of each text; `compute` is asked once for each that is not remembered."""
        known = self._known(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            fresh = dict(zip(missing, compute(missing), strict=True))
            self._keep(fresh)
            known |= fresh
        return [known[text] for text in texts]


def _as_dicts(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


class LocalTokenCounter:
    """Counts with the tokenizer and the chat template in the served model's directory.

    `chat_template_kwargs` are what a request must send for the counts to hold: thinking is
    switched off where the template knows the switch (Qwen3). Raises EngineFailed when the
    directory holds no tokenizer or no chat template.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._tokenizer = _load(path)
            template = self._tokenizer.get_chat_template()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EngineFailed(
                f"模型目录 {path} 里没有可用的分词器或对话模板，请换一个 Instruct 模型。"
            ) from error
        self.chat_template_kwargs: dict[str, Any] = (
            {"enable_thinking": False} if "enable_thinking" in template else {}
        )
        self._cut = pieces if self._by_pieces() else _whole
        self._remembered = _Remembered()
        self._pieces = _Remembered()
        self._lock = threading.Lock()

    def _by_pieces(self) -> bool:
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        return backend is not None and counts_by_pieces(backend.to_str())

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._remembered.counts(texts, self._pieced)

    def _pieced(self, texts: list[str]) -> list[int]:
        cuts = [self._cut(text) for text in texts]
        sizes = iter(self._pieces.counts([p for cut in cuts for p in cut], self._encode))
        return [sum(islice(sizes, len(cut))) for cut in cuts]

    def _encode(self, texts: list[str]) -> list[int]:
        # The lock: a Rust tokenizer refuses to be reconfigured while another thread encodes.
        with self._lock:
            rows = self._tokenizer(
                texts, add_special_tokens=False, return_attention_mask=False, verbose=False
            )["input_ids"]
        return [len(row) for row in rows]

    def count_messages(self, messages: Sequence[Message]) -> int:
        rendered = self._tokenizer.apply_chat_template(
            _as_dicts(messages),
            add_generation_prompt=not continues(messages),
            continue_final_message=continues(messages),
            tokenize=False,
            **self.chat_template_kwargs,
        )
        return self.count([str(rendered)])[0]


def _whole(text: str) -> list[str]:
    return [text]


def _load(path: Path) -> "PreTrainedTokenizerBase":
    with LOADING:
        # Seconds to import: only those who serve a model of their own pay for it.
        from transformers import AutoTokenizer

        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            path, local_files_only=True
        )
        return tokenizer


class RemoteTokenCounter:
    """Counts by asking vLLM's `/tokenize`; blocks, so call it from a thread.

    `url` is the server's root, without `/v1`. Raises EngineLost when it does not answer.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        model: str | None = None,
        chat_template_kwargs: Mapping[str, Any] | None = None,
        transport: httpx.BaseTransport | None = None,
        seconds: float = 30.0,
    ) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=seconds,
            transport=transport,
        )
        self._model = {"model": model} if model else {}
        self._kwargs = dict(chat_template_kwargs or {})
        self._remembered = _Remembered()

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._remembered.counts(
            texts,
            lambda missing: [
                self._ask({"prompt": text, "add_special_tokens": False}) for text in missing
            ],
        )

    def count_messages(self, messages: Sequence[Message]) -> int:
        return self._ask(
            {
                "messages": _as_dicts(messages),
                "add_generation_prompt": not continues(messages),
                "continue_final_message": continues(messages),
                "chat_template_kwargs": self._kwargs,
            }
        )

    def _ask(self, question: dict[str, Any]) -> int:
        try:
            answer = self._client.post("/tokenize", json=self._model | question)
            return int(answer.raise_for_status().json()["count"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EngineLost("引擎没有回答词元计数，请稍候再试。") from error

    def close(self) -> None:
        self._client.close()


class UpperBoundCounter:
    """Never less than the truth, for endpoints whose tokenizer cannot be asked.

    A byte-level BPE (GPT, Qwen, Llama 3) spends at most one token on a byte of its normalised
    text; SentencePiece with byte fallback adds one for its leading space. The overheads are
    generous for every published chat template, a default system prompt included. Chinese
    takes about three times fewer tokens than this says.
    """

    MESSAGE_OVERHEAD = 16
    CONVERSATION_OVERHEAD = 64

    def count(self, texts: Sequence[str]) -> list[int]:
        return [_most_bytes(text) + 1 if text else 0 for text in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        texts = self.count([message.content for message in messages])
        return sum(texts) + len(texts) * self.MESSAGE_OVERHEAD + self.CONVERSATION_OVERHEAD


def _most_bytes(text: str) -> int:
    """UTF-8 bytes of the text, as it is or after the normalisation a tokenizer may apply."""
    forms = (text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFKC", text))
    return max(len(form.encode("utf-8", "surrogatepass")) for form in forms)
