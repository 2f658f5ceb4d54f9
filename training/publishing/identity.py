"""Are the prompts that training made the very tokens that the served engine makes of them?

vLLM is asked through `/tokenize`; a desk tells its jobs where its engine is (YANCHI_SERVED_…),
anybody else by URL. Conversations with everything that templates trip over are compared, and
whatever the caller adds.
"""

import os
from collections.abc import Mapping, Sequence

import httpx

from training.errors import EngineUnreachable
from training.findings import Finding
from training.served.client import Endpoint
from training.tuning.template import Message, ServedTemplate

SECONDS = 30.0


def _talk(*turns: str, system: str | None = None) -> tuple[Message, ...]:
    roles = ("user", "assistant")
    said = [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)]
    return (*([{"role": "system", "content": system}] if system is not None else ()), *said)


CONVERSATIONS: tuple[tuple[Message, ...], ...] = (
    _talk("你是谁？"),
    _talk("接着写。", system="你是嬛嬛。"),
    _talk("接着写。", system=""),
    _talk("雨停了吗？", "停了。", "那就走罢。", system="你是老周头。\n说话要短。"),
    _talk("  前后的空白\n\n也算数。\n", "\n好。 ", "再来"),
    _talk("𠮷野家のé与é，👩‍👩‍👧 \u2028 <think> </think> <|im_end|>"),
    _talk("　　第二回　风雪夜\r\n" * 40),
)


class Tokenizing:
    """vLLM's `/tokenize`; `http` has the server's root as its base, without `/v1`. The engine's
    own model is asked where none is named."""

    def __init__(self, http: httpx.Client, model: str = "") -> None:
        self._http, self._model = http, {"model": model} if model else {}

    @classmethod
    def at(cls, endpoint: Endpoint) -> "Tokenizing":
        return cls(
            httpx.Client(
                base_url=endpoint.url.removesuffix("/v1"),
                headers={"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {},
                transport=httpx.HTTPTransport(uds=endpoint.socket) if endpoint.socket else None,
                timeout=SECONDS,
                trust_env=not endpoint.is_local,
            ),
            endpoint.model,
        )

    @classmethod
    def known(cls, url: str = "", told: Mapping[str, str] = os.environ) -> "Tokenizing | None":
        """The engine at `url`, else that of the desk which started this process; None for none."""
        if not url and not told.get("YANCHI_SERVED_URL"):
            return None
        return cls.at(Endpoint.told(url, environment=told))

    def tokens(self, messages: Sequence[Message]) -> list[int] | None:
        """None where the engine has no `/tokenize`. Raises EngineUnreachable."""
        question = self._model | {
            "messages": [dict(each) for each in messages],
            "add_generation_prompt": True,
            # As the desk asks; templates without the switch ignore it.
            "chat_template_kwargs": {"enable_thinking": False},
        }
        try:
            answer = self._http.post("/tokenize", json=question)
            if answer.status_code in (404, 405):
                return None
            return [int(token) for token in answer.raise_for_status().json()["tokens"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EngineUnreachable(f"引擎没有回答词元（{error}），请确认它正开着。") from error


def compare(
    template: ServedTemplate, engine: Tokenizing, more: Sequence[Sequence[Message]] = ()
) -> Finding:
    """Raises EngineUnreachable."""
    conversations = [*CONVERSATIONS, *more]
    for number, messages in enumerate(conversations, 1):
        served, ours = engine.tokens(messages), template.prompt(messages)
        if served is None:
            return Finding("prompts", "note", "这个引擎没有 /tokenize，没能核对提示的词元。")
        if served != ours:
            place = next(
                (n for n, (a, b) in enumerate(zip(served, ours, strict=False)) if a != b),
                min(len(served), len(ours)),
            )
            around = template.tokenizer.decode(ours[max(0, place - 8) : place + 8])
            return Finding(
                "prompts", "stop",
                f"训练与服务的提示不一样：第 {number} 段对话从第 {place + 1} 个词元起不同"
                f"（“{around}”附近），底座或对话模板不是同一个。", number,
            )  # fmt: skip
    total = len(conversations)
    return Finding("prompts", "ok", f"{total} 段对话的提示，训练与服务逐词元相同。", total)
