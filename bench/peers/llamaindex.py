"""LlamaIndex's usual pipeline: its sentence splitter and its own vector store, our embedder."""

from collections.abc import Sequence
from typing import Any

from bench.peers.base import Searcher, cut
from bench.peers.packages import importing
from bench.peers.parts import shipped_model
from retrieval.types import ChapterText, Character, Passage

SIZE = 400
OVERLAP = 40


class LlamaIndex(Searcher):
    def __init__(self, chapters: Sequence[ChapterText]) -> None:
        with importing("llama-index-core"):
            from llama_index.core import Document, VectorStoreIndex
            from llama_index.core.node_parser import SentenceSplitter
        self._chapters = {c.order: c for c in chapters}
        # `list` makes a character a token: its own default counts an English model's.
        splitter = SentenceSplitter(chunk_size=SIZE, chunk_overlap=OVERLAP, tokenizer=list)
        hidden = ["chapter"]
        documents = [
            Document(
                text=c.text,
                metadata={"chapter": c.order},
                excluded_embed_metadata_keys=hidden,
                excluded_llm_metadata_keys=hidden,
            )
            for c in chapters
        ]
        self._index = VectorStoreIndex.from_documents(
            documents, transformations=[splitter], embed_model=_embedding()
        )

    def passages(self, query: str, k: int) -> list[Passage]:
        found = self._index.as_retriever(similarity_top_k=k).retrieve(query)
        return [self._passage(one.node) for one in found]

    def _passage(self, node: Any) -> Passage:
        chapter = self._chapters[node.metadata["chapter"]]
        return cut(chapter, node.start_char_idx, node.end_char_idx)


def _embedding() -> Any:
    with importing("llama-index-core"):
        from llama_index.core.embeddings import BaseEmbedding

    class Shipped(BaseEmbedding):  # type: ignore[misc]
        """Our embedder, as LlamaIndex wants to be given one."""

        def _get_text_embedding(self, text: str) -> list[float]:
            return shipped_model().embed_documents([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return shipped_model().embed_documents(texts)

        def _get_query_embedding(self, query: str) -> list[float]:
            return shipped_model().embed_query(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    return Shipped(model_name="yanchi-embed-zh", embed_batch_size=256)


def llamaindex(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return LlamaIndex(chapters)
