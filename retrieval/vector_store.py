"""LangChain's `VectorStore`, as far as it suits a story: searched by texts, filled by chapters.

As a LangChain vector store an index is read-only: what it holds follows from the chapters.
Its documents carry `chapter_id, chapter, title, start, end` as metadata.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from langchain_core.documents import Document
from langchain_core.vectorstores import VectorStore
from typing_extensions import override

from retrieval.embed import PassageEmbeddings, Vectors
from retrieval.errors import EmbedderUnavailable, IndexFailure
from retrieval.snapshot import Maker
from retrieval.types import ChapterText, Passage
from retrieval.visibility import Exclude, When


def chapters_of(
    texts: Sequence[str],
    metadatas: Sequence[dict[str, Any]] | None,
    ids: Sequence[str] | None,
) -> list[ChapterText]:
    """LangChain's texts as chapters in this order; `ids` are theirs, of the metadata only
    `title` is kept."""
    titles = [str(metadata.get("title", "")) for metadata in metadatas or [{}] * len(texts)]
    names = ids or [str(order) for order in range(len(texts))]
    rows = enumerate(zip(names, titles, texts, strict=True))
    return [ChapterText(name, order, title, text) for order, (name, title, text) in rows]


def behind(model: PassageEmbeddings, maker: Maker | None, without_vectors: int) -> str | None:
    """Why an index that is whole still wants a `sync` with `model`, for people."""
    try:
        current = model.fingerprint
    except EmbedderUnavailable as error:
        return error.message
    if maker is not None and maker.fingerprint != current:
        return (
            f"索引是用另一个嵌入模型（{maker.name}）建的；"
            f"用「{model.name}」重建好以前，仍用原来的。"
        )
    if without_vectors:
        return f"还有 {without_vectors} 段没有算出向量，暂时只能按字词找到。"
    return None


class StoryVectorStore(VectorStore):
    """What a store of passages has to answer; LangChain's methods follow from it."""

    @abstractmethod
    def query_vector(self, text: str) -> Vectors | None:
        """None where no model can make one that fits the index."""

    @abstractmethod
    def nearest(
        self,
        vector: Sequence[float] | Vectors,
        k: int,
        before: When = None,
        exclude: Exclude = (),
    ) -> list[tuple[Passage, float]]:
        """The nearest passages that may be seen, with their cosine, best first."""

    @override
    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """`before=StoryPosition(…)` or a `View`, and `exclude=…`, as in `nearest`."""
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    @override
    def similarity_search_with_score(
        self, query: str, k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Documents with their cosine, best first; none where no model can be had."""
        vector = self.query_vector(query)
        if vector is None:
            return []
        return [(_document(one), score) for one, score in self.nearest(vector, k, **kwargs)]

    @override
    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, **kwargs: Any
    ) -> list[Document]:
        return [_document(passage) for passage, _ in self.nearest(embedding, k, **kwargs)]

    @override
    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Always IndexFailure: a text without a place in the story has no time."""
        _read_only()

    @override
    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Always IndexFailure: delete chapters and `sync`, or `remove` the whole index."""
        _read_only()

    @override
    def _select_relevance_score_fn(self) -> Any:
        return lambda cosine: min(max(cosine, 0.0), 1.0)


def _read_only() -> NoReturn:
    raise IndexFailure("索引由章节生成，不能单独增删；请修改章节，再同步索引。")


def _document(passage: Passage) -> Document:
    place = {"chapter_id": passage.chapter_id, "chapter": passage.chapter, "title": passage.title}
    return Document(
        id=f"{passage.chapter_id}:{passage.start}",
        page_content=passage.text,
        metadata=place | {"start": passage.start, "end": passage.end},
    )
