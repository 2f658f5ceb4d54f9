"""LangChain's usual pipeline: its recursive splitter and its FAISS store, with our embedder."""

from collections.abc import Sequence

from bench.peers.base import Searcher, cut
from bench.peers.packages import importing
from bench.peers.parts import shipped_model
from retrieval.types import ChapterText, Character, Passage

SIZE = 400
OVERLAP = 40


class LangChain(Searcher):
    def __init__(self, chapters: Sequence[ChapterText]) -> None:
        with importing("langchain-community"):
            from langchain_community.vectorstores import FAISS
            from langchain_text_splitters import RecursiveCharacterTextSplitter
        self._chapters = {c.order: c for c in chapters}
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=SIZE, chunk_overlap=OVERLAP, add_start_index=True
        )
        pieces = splitter.create_documents(
            [c.text for c in chapters], [{"chapter": c.order} for c in chapters]
        )
        self._store = FAISS.from_documents(pieces, shipped_model())

    def passages(self, query: str, k: int) -> list[Passage]:
        found = self._store.similarity_search(query, k=k)
        return [self._passage(d.metadata, len(d.page_content)) for d in found]

    def _passage(self, told: dict[str, int], length: int) -> Passage:
        start = told["start_index"]
        return cut(self._chapters[told["chapter"]], start, start + length)


def langchain(chapters: Sequence[ChapterText], _cast: Sequence[Character]) -> Searcher:
    return LangChain(chapters)
