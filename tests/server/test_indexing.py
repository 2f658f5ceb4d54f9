"""The background indexer: slices, saves in between, failures that are told, repair."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from retrieval.embed import Vectors
from retrieval.errors import EmbedderUnavailable
from retrieval.library import Library
from retrieval.stores import FileStore
from server import manuscript
from server.db import Database
from server.indexing import Indexer
from server.models import Work
from tests.retrieval.fakes import BigramEmbeddings


class Gated(BigramEmbeddings):
    """Embeds when it is allowed to, or breaks."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False

    def embed_array(self, texts: Sequence[str]) -> Vectors:
        if self.broken:
            raise EmbedderUnavailable("嵌入模型用不了。")
        self.gate.wait(30)
        return super().embed_array(texts)


@pytest.fixture
def model() -> Gated:
    return Gated()


@pytest.fixture
def indexer(tmp_path: Path, model: Gated) -> Iterator[Indexer]:
    database = Database(f"sqlite:///{tmp_path / 'y.db'}")
    database.migrate()
    made = Indexer(database, Library(FileStore(tmp_path / "index"), model))
    made.start()
    yield made
    model.gate.set()
    made.stop()


def add_work(indexer: Indexer, *texts: str) -> str:
    with indexer._database.session() as session:
        work = Work(title="砚")
        session.add(work)
        session.flush()
        for number, text in enumerate(texts, 1):
            manuscript.add_chapter(session, work, f"第{number}章", text=text)
        return work.id


def long_text(word: str, passages: int = 300) -> str:
    return "".join(f"{word}第{n}次" + "船夫撑船，江面起雾。" * 40 + "\n" for n in range(passages))


def wait_for(condition: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def test_a_work_becomes_ready(indexer: Indexer) -> None:
    work = add_work(indexer, "沈砚磨墨。")
    indexer.request(work)

    assert indexer.fresh(work, 20)
    assert indexer.library.recall(work, "磨墨")
    wait_for(lambda: indexer.state(work).phase == "ready")
    assert indexer.state(work).reason is None
    assert indexer.pending == 0


def test_a_long_embedding_shows_how_far_it_is_and_words_find_the_text(
    indexer: Indexer, model: Gated
) -> None:
    work = add_work(indexer, long_text("沈砚"))
    model.gate.clear()
    indexer.request(work)
    wait_for(lambda: indexer.library.recall(work, "沈砚第7次"))

    assert indexer.state(work).phase == "working"
    model.gate.set()
    wait_for(lambda: indexer.state(work).phase == "ready")
    assert indexer.library.stale_reason(work) is None


def test_a_save_during_a_long_embedding_is_found_before_it_ends(
    indexer: Indexer, model: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = add_work(indexer, long_text("沈砚"))
    steps: list[int] = []
    note = indexer._note

    def saving(work_id: str, done: int, total: int) -> None:
        steps.append(done)
        if len(steps) == 1:
            with indexer._database.session() as session:
                row = manuscript.get_work(session, work)
                manuscript.add_chapter(session, row, "新章", text="忽然来了骆驼。")
            indexer.request(work)
        note(work_id, done, total)

    monkeypatch.setattr(indexer, "_note", saving)
    indexer.request(work)
    wait_for(lambda: steps)

    assert indexer.fresh(work, 20)
    assert indexer.library.recall(work, "骆驼", 1)[0].passage.text == "忽然来了骆驼。"
    wait_for(lambda: indexer.state(work).phase == "ready")
    assert indexer.library.stale_reason(work) is None
    assert len(model.embedded) == len(set(model.embedded)), "a text was embedded twice"


def test_a_model_that_fails_is_told_and_the_next_save_tries_again(
    indexer: Indexer, model: Gated
) -> None:
    model.broken = True
    work = add_work(indexer, "沈砚磨墨。")
    indexer.request(work)
    assert indexer.fresh(work, 20)

    wait_for(lambda: indexer.state(work).phase == "failed")
    assert indexer.state(work).reason == "嵌入模型用不了。"
    assert indexer.library.recall(work, "磨墨")
    model.broken = False
    indexer.request(work)
    wait_for(lambda: indexer.state(work).phase == "ready")


def test_a_damaged_index_is_made_again_by_itself(
    indexer: Indexer, model: Gated, tmp_path: Path
) -> None:
    work = add_work(indexer, "沈砚磨墨。")
    indexer.request(work)
    assert indexer.fresh(work, 20)
    blob = next((tmp_path / "index" / work).glob("*/text.utf8"))
    blob.write_bytes(b"")

    indexer.library = Library(FileStore(tmp_path / "index"), model, on_damage=indexer.request)
    assert indexer.library.recall(work, "磨墨") == []
    assert indexer.fresh(work, 20)
    assert indexer.library.recall(work, "磨墨")


def test_closing_in_the_middle_keeps_what_is_embedded(
    indexer: Indexer, model: Gated, tmp_path: Path
) -> None:
    work = add_work(indexer, long_text("沈砚", 600))
    indexer.request(work)
    wait_for(lambda: model.embedded)
    indexer.stop()
    done = len(model.embedded)

    report = Indexer(
        indexer._database, Library(FileStore(tmp_path / "index"), BigramEmbeddings())
    ).sync(work)
    assert report.embedded + done >= report.passages_total
    assert report.embedded <= report.passages_total - done or report.embedded == 0
    assert report.waiting == 0
