"""An OpenAI-compatible endpoint: one question at a time, asked again while it is busy.

Thread-safe: a batch asks from several threads. Knows nothing of what is asked.
"""

import ipaddress
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from retrieval.types import Message, continues
from training.errors import EngineUnreachable, PromptRefused

TRIES = 6
PAUSE = 1.0
"""Seconds before the second try; each further pause is twice as long."""
LONGEST_PAUSE = 60.0
SECONDS = 600.0
"""For one answer: a busy engine on a CPU takes minutes."""
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Statuses after which asking again may help."""
NOBODY = frozenset({401, 403, 404, 405})
"""Statuses that every other question would get too."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` is what OpenAI's clients call the base URL, up to `/v1`. With `socket`, the way
    there is a unix socket, and the URL's host is only a name."""

    url: str
    model: str = ""
    """Empty: the first that the endpoint lists."""
    key: str = ""
    socket: str = ""

    @classmethod
    def told(
        cls, url: str = "", model: str = "", environment: Mapping[str, str] = os.environ
    ) -> "Endpoint":
        """What the options say, and else the desk that started this process.

        The socket, the model and the key belong to the desk's own URL. A key is never an option.
        Raises EngineUnreachable where neither names an endpoint.
        """
        served = environment.get("YANCHI_SERVED_URL", "")
        key = environment.get("YANCHI_SERVED_KEY", "")
        if url and url.rstrip("/") != served.rstrip("/"):
            return cls(url.rstrip("/"), model, "" if served else key)
        if not served:
            raise EngineUnreachable(
                "不知道模型在哪里：请用 --url 给出兼容 OpenAI 的地址（到 /v1 为止），"
                "或在书桌里运行。"
            )
        model = model or environment.get("YANCHI_SERVED_MODEL", "")
        socket = environment.get("YANCHI_SERVED_SOCKET", "")
        return cls(served.rstrip("/"), model, key, socket)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no proxy for the world outside would find it."""
        host = urlsplit(self.url).hostname or ""
        try:
            return bool(self.socket) or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@dataclass(frozen=True, slots=True)
class Sampling:
    """At most `tokens` of an answer; temperature 0 takes the likeliest."""

    tokens: int = 512
    temperature: float = 0.7
    top_p: float = 0.9
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Schema:
    """What an answer has to be, as JSON Schema."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    is_cut: bool
    """Whether it ended because it may not be longer."""


class Client:
    """Nothing is asked before the first question. A context manager: it closes connections."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        tries: int = TRIES,
        pause: float = PAUSE,
        seconds: float = SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._tries, self._pause = tries, pause
        self._stopped = threading.Event()
        self._listing = threading.Lock()
        self._holds_schemas = True
        if transport is None and endpoint.socket:
            transport = httpx.HTTPTransport(uds=endpoint.socket, limits=_NO_LIMITS)
        self._http = httpx.Client(
            base_url=endpoint.url,
            headers={"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {},
            timeout=httpx.Timeout(seconds, connect=10.0),
            limits=_NO_LIMITS,
            transport=transport,
            trust_env=not endpoint.is_local,
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def stop(self) -> None:
        """Nobody asks again: whoever waits for another try gives up."""
        self._stopped.set()

    @property
    def model(self) -> str:
        """Raises EngineUnreachable where the endpoint has to be asked for it, and is silent."""
        if self.endpoint.model:
            return self.endpoint.model
        with self._listing:
            return self._first_model

    def ask(
        self, messages: Sequence[Message], sampling: Sampling, schema: Schema | None = None
    ) -> Answer:
        """The answer to these messages, or what goes on from an assistant's own last one.

        A service that cannot hold answers to a schema is asked without: whoever asks checks.
        Raises PromptRefused for this prompt alone, EngineUnreachable for all of them.
        """
        body = self._body(messages, sampling)
        if schema is not None and self._holds_schemas:
            try:
                return self._answer(body | {"response_format": _format(schema)})
            except PromptRefused as error:
                if "response_format" not in str(error):
                    raise
                self._holds_schemas = False
        return self._answer(body)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that comes back. Raises as `ask`."""
        return self._send("POST", path, json=body)

    def _answer(self, body: Mapping[str, Any]) -> Answer:
        told = self.post("/chat/completions", body)
        try:
            choice = told["choices"][0]
            text = str(choice["message"]["content"] or "")
            return Answer(text, choice.get("finish_reason") == "length")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise PromptRefused("回答不合 OpenAI 的格式") from error

    def _body(self, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": each.role, "content": each.content} for each in messages],
            "max_tokens": sampling.tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        }
        if self.is_vllm:
            body["chat_template_kwargs"] = {"enable_thinking": False}
            if continues(messages):
                body |= {"add_generation_prompt": False, "continue_final_message": True}
        return body

    @cached_property
    def is_vllm(self) -> bool:
        """vLLM takes fields that other services refuse; `/version` is its own."""
        root = self.endpoint.url.removesuffix("/v1")
        try:
            return "version" in self._http.get(f"{root}/version").raise_for_status().json()
        except (httpx.HTTPError, ValueError, TypeError):
            return False

    @cached_property
    def _first_model(self) -> str:
        told = self._send("GET", "/models")
        try:
            return str(told["data"][0]["id"])
        except (KeyError, IndexError, TypeError) as error:
            raise EngineUnreachable(
                f"{self.endpoint.url} 没有说它有哪些模型，请用 --model 说明。"
            ) from error

    def _send(self, method: str, path: str, **how: Any) -> Any:
        for number in range(self._tries):
            last = number == self._tries - 1
            wait = self._pause * 2**number
            try:
                answer = self._http.request(method, path, **how)
            except httpx.TransportError as error:
                if last or self._stopped.is_set():
                    raise self._silent(type(error).__name__) from error
            else:
                if answer.is_success:
                    return _json(answer)
                if answer.status_code not in BUSY or last or self._stopped.is_set():
                    raise self._refusal(answer)
                wait = _told_to_wait(answer, wait)
            self._stopped.wait(min(wait, LONGEST_PAUSE))
        raise AssertionError("the last try returns or raises")

    def _refusal(self, answer: httpx.Response) -> EngineUnreachable | PromptRefused:
        reason = f"HTTP {answer.status_code}：{' '.join(answer.text.split())[:300]}"
        if answer.status_code in NOBODY:
            return EngineUnreachable(
                f"{self.endpoint.url} 不接受请求（{reason}）。"
                "请检查地址（到 /v1 为止）、模型的名字和环境变量 YANCHI_SERVED_KEY。"
            )
        if answer.status_code in BUSY - {500}:
            return self._silent(reason)
        return PromptRefused(f"模型不接受这一条（{reason}）")

    def _silent(self, why: str) -> EngineUnreachable:
        return EngineUnreachable(
            f"{self.endpoint.url} 没有回答（{why}），请等它就绪后再运行一次；已有的结果都留着。"
        )


_NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)
"""How many ask at once is the batch's matter."""


def _format(schema: Schema) -> dict[str, Any]:
    form = {"name": schema.name, "schema": schema.schema, "strict": True}
    return {"type": "json_schema", "json_schema": form}


def _told_to_wait(answer: httpx.Response, otherwise: float) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdecimal() else otherwise


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise PromptRefused("回答不是合格的 JSON") from error
