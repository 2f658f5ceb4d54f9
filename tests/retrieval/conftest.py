"""A model and a book that are small enough to see through."""

import pytest

from retrieval.types import ChapterText
from tests.retrieval.fakes import BigramEmbeddings, book


@pytest.fixture
def embeddings() -> BigramEmbeddings:
    return BigramEmbeddings()


@pytest.fixture
def chapters() -> list[ChapterText]:
    return book(
        "沈砚在雨夜里磨墨。老猫睡在窗台上。灯花爆了一声。",
        "渡口的船夫不肯收钱。沈砚把砚台押给了他。江面起雾。",
        "雾散以后船夫不见了。砚台却还在舱板上。老猫跳上了船。",
    )
