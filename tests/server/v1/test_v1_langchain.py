"""LangChain's ChatOpenAI and OpenAIEmbeddings, unchanged."""

from typing import Any

import pytest

from tests.server.v1.conftest import Served

langchain_openai: Any = pytest.importorskip("langchain_openai")


def test_a_chat_invoked_and_streamed(served: Served) -> None:
    served.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan", "description": "老人"})
    for model in ("scripted", "persona/atan"):
        chat = langchain_openai.ChatOpenAI(
            model=model, base_url=f"{served.address}/v1", api_key="anything", max_tokens=20, seed=1
        )
        whole = chat.invoke("夜里谁在敲门？")
        assert whole.content
        assert whole.usage_metadata["output_tokens"] == 20
        assert "".join(c.content for c in chat.stream("夜里谁在敲门？")) == whole.content


def test_embeddings(served: Served) -> None:
    name = served.ok("GET", "/v1/models")["data"][-1]["id"]
    embeddings = langchain_openai.OpenAIEmbeddings(
        model=name, base_url=f"{served.address}/v1", api_key="anything",
        check_embedding_ctx_length=False,
    )  # fmt: skip
    assert len(embeddings.embed_query("雨")) == len(embeddings.embed_documents(["雨", "船"])[1])
