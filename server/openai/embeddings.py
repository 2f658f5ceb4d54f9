"""Vectors of the desk's own embedder, in the protocol: numbers, or base64 of float32."""

import base64
from typing import Any

import numpy as np

from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.errors import RetrievalError
from server.desk import Desk
from server.errors import EngineError, from_retrieval
from server.openai.errors import ApiError
from server.openai.models import embedding_name
from server.openai.schemas import EmbeddingsIn
from server.openai.usage import Use


def embed(desk: Desk, asked: EmbeddingsIn, use: Use) -> dict[str, Any]:
    """Raises ApiError, YanchiError."""
    name = embedding_name(desk)
    if asked.model != name:
        raise ApiError(
            f"The model '{asked.model}' makes no embeddings here; '{name}' does.",
            status=404, param="model", code="model_not_found",
        )  # fmt: skip
    texts = asked.texts
    try:
        vectors = _vectors(desk.library.embeddings, asked, texts)
    except RetrievalError as error:
        raise from_retrieval(error) from error
    use.prompt_tokens = _tokens(desk, texts)
    plain = asked.encoding_format != "base64"
    data = [
        {"object": "embedding", "index": n, "embedding": row.tolist() if plain else _base64(row)}
        for n, row in enumerate(vectors)
    ]
    usage = {"prompt_tokens": use.prompt_tokens, "total_tokens": use.prompt_tokens}
    return {"object": "list", "data": data, "model": name, "usage": usage}


def _vectors(embeddings: PassageEmbeddings, asked: EmbeddingsIn, texts: list[str]) -> Vectors:
    size = embeddings.dimension
    if asked.dimensions not in (None, size):
        told = f"Invalid value for 'dimensions': this model's vectors have {size}, and no others."
        raise ApiError(told, param="dimensions", code="invalid_value")
    return embeddings.embed_array(texts)


def _base64(row: Vectors) -> str:
    return base64.b64encode(np.asarray(row, dtype="<f4").tobytes()).decode()


def _tokens(desk: Desk, texts: list[str]) -> int:
    """As the engine counts them; an embedder has no tokens of its own to tell. Characters while
    there is no engine."""
    try:
        return sum(desk.engine.tokens.count(texts))
    except EngineError:
        return sum(map(len, texts))
