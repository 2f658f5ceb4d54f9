"""Documents beside works and personas, and answers that rest on what stands in them."""

import io
from pathlib import Path
from typing import Any

import docx
import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.engines.scripted import Fail, ScriptedEngine, Text
from server.errors import EngineLost
from tests.retrieval.epubs import epub
from tests.retrieval.test_pdf import chapter_texts, made
from tests.server.conftest import Client, make_desk
from tests.server.talking import CARD, events

NOTES = """第一章 盐井

卓筒井深可达百丈，以竹筒汲卤。凿井一口，少则三年，多则十年。

第二章 火井

邛州有火井，以竹筒引火煮盐，一斗水得盐五升。
""".encode()


@pytest.fixture
def work(api: Client) -> str:
    return api.book()[0]


def add(api: Client, owner: str, name: str, data: bytes) -> Any:
    return api.ok("POST", f"/api/{owner}/documents", files={"file": (name, data)})


def ask(api: Client, owner: str, question: str, **how: Any) -> list[tuple[str, Any]]:
    answer = api.http.post(f"/api/{owner}/ask", json={"question": question, **how})
    assert answer.status_code == 200, answer.text
    return events(answer.text)


def answering(tmp_path: Path, *script: Any) -> tuple[TestClient, Client]:
    desk = make_desk(tmp_path / "answering", ScriptedEngine(script=script))
    http = TestClient(create_app(desk), raise_server_exceptions=False)
    return http, Client(http, desk)


def worddoc(*paragraphs: str) -> bytes:
    document, file = docx.Document(), io.BytesIO()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.save(file)
    return file.getvalue()


def test_every_format_is_taken_and_listed(api: Client, work: str) -> None:
    pages = {"a.xhtml": "<h1>第一章 盐井</h1><p>卓筒井深百丈。</p>", "b.xhtml": "<p>余下的。</p>"}
    files = {
        "盐政.txt": NOTES,
        "盐政.docx": worddoc("卓筒井深百丈。", "以竹筒汲卤。"),
        "归人.epub": epub(pages),
        "归人.pdf": made(chapter_texts()),
    }
    for name, data in files.items():
        told = add(api, f"works/{work}", name, data)
        assert told["form"] == name.rsplit(".", 1)[1]
        assert (told["pages"] is not None) == (told["form"] == "pdf")
    rows = api.ok("GET", f"/api/works/{work}/documents")
    assert [row["filename"] for row in rows] == list(files)


def test_what_cannot_be_read_is_refused_and_leaves_nothing(api: Client, work: str) -> None:
    path = f"/api/works/{work}/documents"
    for name, data, status, code in (
        ("坏.pdf", b"%PDF-1.7 nothing", 422, "damaged_file"),
        ("空.txt", b"  \n", 422, "empty_file"),
        ("图.png", b"\x89PNG\r\n", 422, "unreadable_file"),
    ):
        api.refused(status, code, "POST", path, files={"file": (name, data)})
    add(api, f"works/{work}", "盐政.txt", NOTES)
    told = api.refused(409, "same_document", "POST", path, files={"file": ("又一份.txt", NOTES)})
    assert "盐政" in told
    assert len(api.ok("GET", path)) == 1
    nobody = f"/api/personas/{'0' * 32}/documents"
    api.refused(404, "persona_not_found", "POST", nobody, files={"file": ("a.txt", NOTES)})


def test_a_quote_is_told_with_its_chapter_and_place(tmp_path: Path) -> None:
    said = "三年到十年。\n引[1]：“少则三年，多则十年”\n引[2]：“五年足够”"
    http, api = answering(tmp_path, Text(said))
    with http:
        work = api.book()[0]
        document = add(api, f"works/{work}", "盐政.txt", NOTES)
        told = ask(api, f"works/{work}", "凿一口盐井要几年？")
    assert told[0][0] == "passages"
    assert "".join(data["text"] for name, data in told if name == "delta") == said
    name, done = told[-1]
    assert (name, done["found"], done["answer"]) == ("done", True, "三年到十年。")
    assert done["invented"] == ["五年足够"]
    (quote,) = done["quotes"]
    assert quote["text"] == "少则三年，多则十年"
    assert (quote["document_id"], quote["document"]) == (document["id"], "盐政")
    assert (quote["chapter"], quote["page"]) == ("第一章 盐井", None)
    shown = told[0][1]["passages"][quote["passage"]]
    start = quote["position"] - shown["position"]
    assert shown["text"][start:].startswith(quote["text"])


def test_a_page_of_a_pdf_is_cited(tmp_path: Path) -> None:
    texts = chapter_texts()
    line = texts["第2章 雨夜二"][20][:16]
    http, api = answering(tmp_path, Text(f"有。\n引[1]：{line}"))
    with http:
        work = api.book()[0]
        pages = add(api, f"works/{work}", "归人.pdf", made(texts))["pages"]
        (quote,) = ask(api, f"works/{work}", line, text=False)[-1][1]["quotes"]
    assert 2 < quote["page"] < pages
    assert quote["source"].endswith(f"第 {quote['page']} 页")


def test_the_works_own_text_answers_too_unless_it_is_left_out(tmp_path: Path) -> None:
    said = Text("水大。\n引[1]：“说水大，不渡”")
    http, api = answering(tmp_path, said, said)
    with http:
        work, chapters = api.book()
        add(api, f"works/{work}", "盐政.txt", NOTES)
        (quote,) = ask(api, f"works/{work}", "老周头为什么不渡？")[-1][1]["quotes"]
        assert (quote["chapter_id"], quote["document_id"]) == (chapters[2], None)
        alone = ask(api, f"works/{work}", "老周头为什么不渡？", text=False)
    assert {each["document"] for each in alone[0][1]["passages"]} == {"盐政"}
    done = alone[-1][1]
    assert (done["found"], done["answer"]) == (False, "文中没有。")
    assert (done["unproved"], done["invented"]) == ("水大。", ["说水大，不渡"])


def test_a_long_document_does_not_crowd_out_the_works_own_text(api: Client) -> None:
    work, chapters = api.book()
    add(api, f"works/{work}", "归人.pdf", made(chapter_texts()))
    passages = ask(api, f"works/{work}", "渡口的船，雨夜的灯。")[0][1]["passages"]
    assert {each["chapter_id"] for each in passages} >= {chapters[2], None}


def test_an_honest_nothing_and_nothing_to_ask(tmp_path: Path) -> None:
    http, api = answering(tmp_path, Text("文中没有。"))
    with http:
        persona = api.ok("POST", "/api/personas", json=CARD)["id"]
        add(api, f"personas/{persona}", "盐政.txt", NOTES)
        done = ask(api, f"personas/{persona}", "皇帝姓什么？")[-1][1]
        assert (done["found"], done["quotes"], done["unproved"]) == (False, [], "")
        other = api.ok("POST", "/api/personas", json=CARD)["id"]
        told = ask(api, f"personas/{other}", "皇帝姓什么？")
        assert told == [
            ("passages", {"passages": []}),
            ("done", {"found": False, "answer": "文中没有。", "unproved": "", "quotes": [],
                      "invented": []}),
        ]  # fmt: skip
        engine = api.desk.engine
        assert isinstance(engine, ScriptedEngine)
        assert len(engine.requests) == 1, "nobody asks the model about nothing"


def test_a_deleted_document_is_not_asked_any_more(api: Client, work: str, tmp_path: Path) -> None:
    document = add(api, f"works/{work}", "盐政.txt", NOTES)
    assert ask(api, f"works/{work}", "凿井要几年？", text=False)[0][1]["passages"]
    folder = tmp_path / "desk" / "index" / f"doc-{work}"
    assert folder.is_dir()
    api.ok("DELETE", f"/api/documents/{document['id']}")
    assert not folder.exists()
    assert ask(api, f"works/{work}", "凿井要几年？", text=False)[0][1]["passages"] == []
    api.refused(404, "document_not_found", "DELETE", f"/api/documents/{document['id']}")


def test_an_engine_that_breaks_off_is_told(tmp_path: Path) -> None:
    http, api = answering(tmp_path, Fail(EngineLost("模型断开了，请再试一次。"), after=2))
    with http:
        work = api.book()[0]
        told = ask(api, f"works/{work}", "沈砚把伞放在哪里？")
    assert (told[-1][0], told[-1][1]["error"]["code"]) == ("error", "engine_lost")


def test_a_question_has_words(api: Client, work: str) -> None:
    path = f"/api/works/{work}/ask"
    api.refused(422, "invalid_request", "POST", path, json={"question": "  "})
    api.refused(422, "invalid_request", "POST", path, json={"question": "水" * 2001})
