"""Import with a preview and corrections, and export, over HTTP."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.manuscript import list_chapters
from tests.server.conftest import Client, make_desk

BOOK = """《渡口》
作者：无名

第一卷　上水

第一章　雨夜

　　雨下了一夜。沈砚把伞靠在门边，没有进屋。

第二章　空砚

第二天，砚台里的墨干了。

她说
第九章　不是标题
这一行是信里的话。

番外　老周头

老周头蹲在船头抽烟，说水大，不渡。
"""


def upload(api: Client, data: bytes, name: str = "渡口.txt") -> dict:  # type: ignore[type-arg]
    return api.ok("POST", "/api/imports", files={"file": (name, data)})  # type: ignore[no-any-return]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_preview_then_commit(api: Client, encoding: str) -> None:
    preview = upload(api, BOOK.encode(encoding))
    assert (preview["title"], preview["author"]) == ("渡口", "无名")
    assert preview["chapters"][0]["volume"] == "第一卷 上水"
    assert preview["chapters"][0]["begins"].startswith("雨下了一夜")
    assert api.ok("GET", "/api/works") == []

    made = api.ok("POST", f"/api/imports/{preview['upload']}/commit", json={"title": "改名"})
    assert made["chapters"] == len(preview["chapters"])
    (work,) = api.ok("GET", "/api/works")
    assert (work["title"], work["author"]) == ("改名", "无名")
    (volume,) = api.ok("GET", f"/api/works/{work['id']}/volumes")
    chapters = api.ok("GET", f"/api/works/{work['id']}/chapters")
    assert chapters[0]["volume_id"] == volume["id"]
    text = api.ok("GET", f"/api/works/{work['id']}/chapters/{chapters[0]['id']}")["text"]
    assert text == "　　雨下了一夜。沈砚把伞靠在门边，没有进屋。"
    api.refused(
        404, "upload_not_found", "POST", f"/api/imports/{preview['upload']}/commit", json={}
    )


def test_the_author_corrects_the_chapters(api: Client) -> None:
    preview = upload(api, BOOK.encode())
    line = BOOK.split("\n").index("番外　老周头") + 1
    path = f"/api/imports/{preview['upload']}"
    corrected = api.ok("POST", f"{path}/preview", json={"drop_headings": [line]})
    assert len(corrected["chapters"]) == len(preview["chapters"]) - 1
    made = api.ok("POST", f"{path}/commit", json={"drop_headings": [line]})
    assert made["chapters"] == len(corrected["chapters"])


def test_the_preview_says_how_it_read_and_what_else_it_could(api: Client) -> None:
    preview = upload(api, BOOK.encode("gb18030"))
    assert (preview["format"], preview["encoding"]) == ("txt", "gb18030")
    assert preview["encodings"][0] == "gb18030"
    assert preview["pattern"] == "auto"
    assert {way["id"] for way in preview["patterns"]} >= {"auto", "章", "whole"}
    assert [c["index"] for c in preview["chapters"]] == [*range(len(preview["chapters"]))]
    doubtful = {c["title"]: c["doubt"] for c in preview["chapters"]}
    assert "不是标题" in (doubtful["第九章 不是标题"] or "")
    again = api.ok("POST", f"/api/imports/{preview['upload']}/preview", json={"pattern": "whole"})
    assert (again["pattern"], len(again["chapters"])) == ("whole", 1)
    path = f"/api/imports/{preview['upload']}/preview"
    api.refused(422, "unreadable_file", "POST", path, json={"pattern": "话"})


def test_a_chapter_is_read_as_the_last_preview_cut_it(api: Client) -> None:
    preview = upload(api, BOOK.encode())
    path = f"/api/imports/{preview['upload']}"
    first = api.ok("GET", f"{path}/chapters/0")
    assert first["title"] == preview["chapters"][0]["title"]
    assert first["text"].strip().startswith("雨下了一夜")
    source = BOOK.split("\n")
    assert [source[n - 1] for n in first["lines"]] == first["text"].split("\n")

    line = preview["chapters"][0]["line"]
    wish = {"titles": {line: "第一章 改了名"}, "drop_headings": [preview["chapters"][1]["line"]]}
    api.ok("POST", f"{path}/preview", json=wish)
    joined = api.ok("GET", f"{path}/chapters/0")
    assert joined["title"] == "第一章 改了名"
    assert "墨干了" in joined["text"]
    missing = f"{path}/chapters/99"
    api.refused(404, "chapter_not_found", "GET", missing)
    made = api.ok("POST", f"{path}/commit", json=wish)["work"]
    assert api.ok("GET", f"/api/works/{made}/chapters")[0]["title"] == "第一章 改了名"


def test_a_file_that_is_not_wanted_is_forgotten(api: Client) -> None:
    preview = upload(api, BOOK.encode())
    path = f"/api/imports/{preview['upload']}"
    api.ok("POST", f"{path}/preview", json={})
    assert api.ok("DELETE", path) is None
    assert not [*api.desk.uploads.iterdir()]
    api.refused(404, "upload_not_found", "DELETE", path)
    api.refused(404, "upload_not_found", "GET", f"{path}/chapters/0")


def test_every_format_is_told_by_its_content(api: Client) -> None:
    work, _ = api.book()
    for form in ("docx", "epub", "zip"):
        data = api.http.get(f"/api/works/{work}/export", params={"format": form}).content
        preview = upload(api, data, "没有后缀的文件")
        assert (preview["format"], len(preview["chapters"])) == (form, 3)


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"%PDF-1.7\n", "坏.pdf", "damaged_file"),
        (b"PK\x03\x04", "坏.epub", "damaged_file"),
        (b"PK\x05\x06" + bytes(18), "空.zip", "unreadable_file"),
        (b"<html>", "页.html", "unreadable_file"),
    ],
)
def test_what_is_broken_is_refused_with_a_way_out(
    api: Client, data: bytes, name: str, code: str
) -> None:
    api.refused(422, code, "POST", "/api/imports", files={"file": (name, data)})
    assert not [*api.desk.uploads.iterdir()]


def test_a_long_book_is_made_at_once(api: Client) -> None:
    text = "\n\n".join(f"第{n}章 夜\n\n{BOOK[:60]}" for n in range(1, 1201))
    preview = upload(api, text.encode())
    made = api.ok("POST", f"/api/imports/{preview['upload']}/commit", json={})
    assert made["chapters"] == len(preview["chapters"]) >= 1200
    with api.desk.database.reading() as session:
        positions = [c.position for c in list_chapters(session, made["work"])]
    assert positions == [*range(made["chapters"])]


def test_a_wrong_line_or_encoding_is_told(api: Client) -> None:
    preview = upload(api, BOOK.encode())
    path = f"/api/imports/{preview['upload']}/preview"
    api.refused(422, "unreadable_file", "POST", path, json={"add_headings": [10**6]})
    api.refused(422, "unknown_encoding", "POST", path, json={"encoding": "klingon"})


def test_an_encoding_can_be_named_with_the_file(api: Client) -> None:
    preview = api.ok(
        "POST", "/api/imports", files={"file": ("渡口.txt", BOOK.encode("gb18030"))},
        data={"encoding": "gb18030"},
    )  # fmt: skip
    assert (preview["encoding"], preview["title"]) == ("gb18030", "渡口")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "binary_file"),
        ("雨下了一夜。\n".encode("gb18030") * 60 + "她没有进屋。\n".encode() * 6, "mixed_encoding"),
    ],
)
def test_what_cannot_be_read_leaves_nothing(api: Client, data: bytes, code: str) -> None:
    api.refused(422, code, "POST", "/api/imports", files={"file": ("坏.txt", data)})
    assert not any(api.desk.uploads.glob("*"))


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, max_import_bytes=1000)
    with TestClient(create_app(desk)) as http:
        Client(http, desk).refused(
            413, "too_large", "POST", "/api/imports", files={"file": ("大.txt", b"a" * 1001)}
        )


def test_spacing_is_left_out_of_markdown_unless_the_author_keeps_it(api: Client) -> None:
    told = "# 第一章 雨\n\n雨停了。\n\n他没有动。\n\n\n天亮了。\n\n有人来。\n".encode()
    preview = upload(api, told, "雨.md")
    assert (preview["blank_lines"], preview["drop_blank_lines"]) == (4, True)
    path = f"/api/imports/{preview['upload']}"
    shown = api.ok("GET", f"{path}/chapters/0")
    assert shown["text"] == "雨停了。\n他没有动。\n\n天亮了。\n有人来。"
    kept = api.ok("POST", f"{path}/preview", json={"drop_blank_lines": False})
    assert (kept["blank_lines"], kept["drop_blank_lines"]) == (4, False)
    text = api.ok("GET", f"{path}/chapters/0")["text"]
    assert text == "雨停了。\n\n他没有动。\n\n\n天亮了。\n\n有人来。"


@pytest.mark.parametrize("form", ["txt", "md"])
def test_an_export_imports_back_to_the_same_chapters(api: Client, form: str) -> None:
    preview = upload(api, BOOK.encode())
    api.ok("POST", f"/api/imports/{preview['upload']}/commit", json={})
    (work,) = api.ok("GET", "/api/works")

    def chapters(work_id: str) -> list[tuple[str, str]]:
        root = f"/api/works/{work_id}/chapters"
        return [
            (c["title"], api.ok("GET", f"{root}/{c['id']}")["text"]) for c in api.ok("GET", root)
        ]

    answer = api.http.get(f"/api/works/{work['id']}/export", params={"format": form})
    assert "filename*=UTF-8''" in answer.headers["content-disposition"]
    again = upload(api, answer.content, f"book.{form}")
    whole = {"drop_blank_lines": False}
    made = api.ok("POST", f"/api/imports/{again['upload']}/commit", json=whole)
    assert chapters(made["work"]) == chapters(work["id"])
    assert made["title"] == "渡口"
