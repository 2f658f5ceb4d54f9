"""The examples' prompts beside those of a real desk that has the same book."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from retrieval.readers import read_book
from server.app import create_app
from server.recaps.extracting import extract_all
from tests.server.conftest import Client, embeddings, make_desk
from training.context import Context, messages
from training.novels.chunks import chunks_of

NOVEL = Path(__file__).parents[3] / "data" / "sample" / "novel.md"
BEATS = {2: "他在渡口等到了那封信。"}


@pytest.mark.parametrize("recall", [True, False])
def test_the_desk_sends_the_same_words(tmp_path: Path, recall: bool) -> None:
    book = read_book(NOVEL.read_bytes(), NOVEL.name)
    book = replace(book, chapters=tuple(replace(one, volume=None) for one in book.chapters))
    context = Context(book, tmp_path / "index", embeddings())
    desk = make_desk(tmp_path / "desk", recaps="extractive")
    chunks = list(chunks_of(book))
    compared, recapped = {False: 0, True: 0}, 0
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        api = Client(http, desk)
        work = api.ok("POST", "/api/works", json={"title": book.title})["id"]
        titles = {chunk.chapter: chunk.title for chunk in chunks}
        ids = [
            api.ok("POST", f"/api/works/{work}/chapters",
                   json={"title": titles[n], "text": one.text})["id"]
            for n, one in enumerate(book.chapters)
        ]  # fmt: skip
        assert desk.indexer.fresh(work, 100)
        list(extract_all(desk.database, work))
        for number, chunk in enumerate(chunks[1::5]):
            brief = context.brief(chunk, BEATS.get(number, ""))
            told = api.ok(
                "POST", f"/api/works/{work}/chapters/{ids[chunk.chapter]}/context",
                json={"offset": chunk.start, "length": brief.length, "beat": brief.beat,
                      "retrieval": recall},
            )  # fmt: skip
            limit = told["budget"]
            found = context.found(brief, limit) if recall else []
            made = messages(replace(brief, found=found), limit, desk.engine.tokens)
            assert [(each["role"], each["content"]) for each in told["messages"]] == [
                (each.role, each.content) for each in made
            ]
            recapped += "【前情】" in made[0].content
            compared["书中相关段落" in made[1].content] += 1
    assert recapped > 3
    assert compared[recall] > 3
    assert recall or not compared[True]
