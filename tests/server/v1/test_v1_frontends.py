"""What SillyTavern's and Open WebUI's servers send, as their sources tell it (docs/clients.md)."""

import json
from typing import Any

import pytest

from tests.server.v1.conftest import Served

SYSTEM = {"role": "system", "content": "Write 阿檀's next reply in a fictional chat."}
TALK = [
    {"role": "assistant", "content": "夜里谁在敲门？"},
    {"role": "user", "content": "是我，开门。"},
]
SILLY_TAVERN = {
    "messages": [SYSTEM, {"role": "system", "content": "[Start a new Chat]"}, *TALK],
    "temperature": 1, "max_tokens": 30, "stream": True, "presence_penalty": 0,
    "frequency_penalty": 0, "top_p": 1, "top_k": 0, "stop": [], "logit_bias": {},
    "logprobs": True, "top_logprobs": 5, "yanchi": {"user": "小顾"},
}  # fmt: skip
OPEN_WEBUI = {
    "messages": [SYSTEM, *TALK], "stream": True, "stream_options": {"include_usage": True},
    "max_tokens": 30, "temperature": 0.8, "seed": 7, "stop": ["###"],
}  # fmt: skip
TITLE = {"messages": [TALK[-1]], "stream": False, "max_completion_tokens": 1000}


@pytest.mark.parametrize("model", ["scripted", "persona/atan"])
@pytest.mark.parametrize("body", [SILLY_TAVERN, OPEN_WEBUI], ids=["SillyTavern", "Open WebUI"])
def test_a_talk_is_streamed(served: Served, model: str, body: dict[str, Any]) -> None:
    served.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan", "description": "老人"})
    assert model in [one["id"] for one in served.ok("GET", "/v1/models")["data"]]
    answer = served.http.post("/v1/chat/completions", json={"model": model, **body})
    assert answer.status_code == 200, answer.text
    *events, end = [x[6:] for x in answer.text.split("\n\n") if x.startswith("data: ")]
    assert end == "[DONE]"
    chunks = [json.loads(event) for event in events]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert len(text) == 30


def test_a_title_is_asked_for_aside(served: Served) -> None:
    answer = served.ok("POST", "/v1/chat/completions", json={"model": "scripted", **TITLE})
    assert answer["choices"][0]["message"]["content"]
