"""Answers from an engine: any OpenAI-compatible endpoint, several requests at once."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from retrieval.types import Message, continues
from training.errors import EngineUnreachable
from training.judging.generating import Sampling
from training.judging.prompting import as_dicts

AT_ONCE = 4
TRIES = 4
PAUSE = 1.0
"""Seconds before the second try; each further pause is twice as long."""
PATIENCE = 600.0
_LATER = {408, 409, 425, 429, 500, 502, 503, 504}


class EndpointWriter:
    """One model of an endpoint; `url` with or without `/v1`. Nothing is asked before `write`."""

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        *,
        at_once: int = AT_ONCE,
        pause: float = PAUSE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        root = url.rstrip("/").removesuffix("/v1")
        self.name = f"{urlsplit(root).netloc} 上的 {model}"
        self._model, self._at_once, self._pause = model, at_once, pause
        self._client = httpx.Client(
            base_url=root,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=PATIENCE,
            transport=transport,
        )

    def write(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[int, str]]:
        """As `Writer.write`. Raises EngineUnreachable when a request fails for good; answers
        that came before it have been given out."""
        pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="asking")
        try:
            asked = {
                pool.submit(self._answer, messages, sampling, schema): place
                for place, messages in enumerate(prompts)
            }
            for answered in as_completed(asked):
                yield asked[answered], answered.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _answer(
        self, messages: Sequence[Message], sampling: Sampling, schema: Mapping[str, Any] | None
    ) -> str:
        told = self._post(self._body(messages, sampling, schema))
        try:
            return str(told["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError) as error:
            raise EngineUnreachable(f"{self.name} 的回答不合 OpenAI 的格式。") from error

    def _body(
        self, messages: Sequence[Message], sampling: Sampling, schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": as_dicts(messages),
            "max_tokens": sampling.tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        }
        if schema is not None:
            form = {"name": "votes", "schema": schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if self._is_vllm:
            body["chat_template_kwargs"] = {"enable_thinking": False}
            if continues(messages):
                body |= {"add_generation_prompt": False, "continue_final_message": True}
        return body

    @cached_property
    def _is_vllm(self) -> bool:
        """vLLM takes fields that other services refuse; `/version` is its own."""
        try:
            return "version" in self._client.get("/version").raise_for_status().json()
        except (httpx.HTTPError, ValueError, TypeError):
            return False

    def _post(self, body: Mapping[str, Any]) -> Any:
        for tries in range(TRIES):
            last = tries == TRIES - 1
            try:
                answer = self._client.post("/v1/chat/completions", json=body)
                if answer.status_code not in _LATER or last:
                    return answer.raise_for_status().json()
            except httpx.HTTPStatusError as error:
                raise EngineUnreachable(_refused(self.name, error.response)) from error
            except (httpx.HTTPError, ValueError) as error:
                if last:
                    raise EngineUnreachable(
                        f"{self.name} 没有回答（{type(error).__name__}），"
                        "请检查地址，等它就绪后再运行；已有的结果都留着。"
                    ) from error
            time.sleep(self._pause * 2**tries)
        raise AssertionError("the last try returns or raises")


def _refused(name: str, answer: httpx.Response) -> str:
    return f"{name} 不接受请求（{answer.status_code}）：{' '.join(answer.text.split())[:200]}"
