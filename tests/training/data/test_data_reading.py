"""Files as people have them: any container, any encoding, any name, some rows broken."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from tests.retrieval.epubs import epub
from tests.training.data.item_samples import anything, items_of_a_kind, values
from training.data.formats import json_rows as rows_module
from training.data.formats.json_rows import json_rows, looks_like_json
from training.data.items import kind_of
from training.data.reading import Options, Reading
from training.data.writing import export, usual_format
from training.errors import BadInput
from training.types import Chat, Item, Origin, Text

ROW = {"instruction": "问", "input": "", "output": "答"}
objects = st.dictionaries(anything.filter(lambda k: k not in rows_module.WRAPPERS), values,
                          min_size=1, max_size=3)  # fmt: skip


@pytest.fixture(params=[7, 1 << 20])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in pieces: tiny ones cut everything that can be cut."""
    monkeypatch.setattr(rows_module, "PIECE", request.param)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding, "surrogatepass"))
    return path


def laid_out(rows: list[Any], layout: str) -> str:
    dumps = [json.dumps(row, ensure_ascii=False) for row in rows]
    return {
        "lines": "\n".join(dumps) + "\n",
        "array of lines": "[\n" + ",\n".join(dumps) + "\n]",
        "array": json.dumps(rows, ensure_ascii=False),
        "indented": json.dumps(rows, ensure_ascii=False, indent=2),
        "one after another": "\n".join(
            json.dumps(row, ensure_ascii=False, indent=4) for row in rows
        ),
    }[layout]


LAYOUTS = ["lines", "array of lines", "array", "indented", "one after another"]


@pytest.mark.usefixtures("piece")
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(objects, min_size=1, max_size=4), st.sampled_from(LAYOUTS), st.sampled_from([
    "utf-8", "utf-8-sig", "utf-16"]))  # fmt: skip
def test_every_container_gives_its_rows(
    tmp_path: Path, rows: list[Any], layout: str, encoding: str
) -> None:
    path = write(tmp_path / "随便什么名字", laid_out(rows, layout), encoding)
    assert looks_like_json(path)
    found = list(json_rows(path))
    assert [row.problem for row in found] == [""] * len(rows)
    assert [row.value for row in found] == rows


@pytest.mark.usefixtures("piece")
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(objects, min_size=2, max_size=4),
    st.sampled_from(["lines", "array of lines", "indented"]),
    st.sampled_from(['{"a": "b}', '{"a": }', '{"a" "b"}', '{"a": "b"', '{"a": "\\q"}']),
    st.data(),
)
def test_a_broken_row_costs_only_itself(
    tmp_path: Path, rows: list[Any], layout: str, broken: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(rows) - 1))
    token = json.dumps("这里是坏的")
    text = laid_out([*rows[:at], "这里是坏的", *rows[at:]], layout)
    text = text.replace(token.encode().decode("unicode_escape"), broken).replace(token, broken)
    found = list(json_rows(write(tmp_path / "a.json", text)))
    assert [row.value for row in found if not row.problem] == rows
    assert len([row for row in found if row.problem]) == 1


def read(*paths: Path, **options: Any) -> tuple[list[Item], Reading]:
    reading = Reading(paths, Options(**options))
    return list(reading), reading


def test_a_broken_line_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    lines = [json.dumps(ROW), '{"instruction": "问", "output": ', "", json.dumps(ROW | {"output": ""}),
             json.dumps(ROW)]  # fmt: skip
    path = write(tmp_path / "甲.jsonl", "\n".join(lines))
    items, reading = read(path)
    assert [item.origin.place for item in items] == ["第 1 条", "第 5 条"]
    assert [(r.source, r.row, r.field) for r in reading.refusals] == [
        ("甲.jsonl", 2, ""),
        ("甲.jsonl", 4, "output"),
    ]
    assert "不是合格的 JSON" in reading.refusals[0].reason
    assert reading.refusals[1].reason == "是空的"


def test_an_array_that_calls_itself_jsonl_and_bytes_that_are_broken(tmp_path: Path) -> None:
    array = write(tmp_path / "a.jsonl", json.dumps([ROW, ROW], ensure_ascii=False), "utf-8-sig")
    assert len(read(array)[0]) == 2
    line = json.dumps(ROW, ensure_ascii=False).encode()
    bad = tmp_path / "b.jsonl"
    bad.write_bytes(b"\n".join([line, line.replace("答".encode(), b"\xe7\xad\xff"), line]))
    items, reading = read(bad)
    assert len(items) == 2
    assert (reading.refusals[0].row, reading.refusals[0].reason[:4]) == (2, "有坏字节")
    lone = write(tmp_path / "c.jsonl", '{"text": "\\ud83d"}\n{"text": "\\ud83d\\ude00"}')
    items, reading = read(lone)
    assert items[0] == Text("😀", items[0].origin)
    assert "代理字符" in reading.refusals[0].reason


def test_chinese_encodings_of_json(tmp_path: Path) -> None:
    row = {"instruction": "江上起了薄雾，渡口的灯亮了没有？", "output": "一盏一盏都亮起来了。"}
    text = json.dumps([row] * 3, ensure_ascii=False, indent=1)
    items, _ = read(write(tmp_path / "a.json", text, "gb18030"))
    assert isinstance(items[0], Chat)
    assert [turn.text for turn in items[0].turns] == list(row.values())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"text": "一"}, {"text": "二"', "读不下去"),
        ('[{"text": "一"},', "数组没有结束"),
        ('[{"text": "一"}, {"text": NaN}]', "NaN 不是数"),
        ('[{"text": "一"}, {"text": "二}]', "没有结束"),
        ("[" + '{"text": "一"}, ' + "[" * 100_000 + "]" * 100_000 + "]", "JSON"),
    ],
)
def test_what_breaks_an_array(tmp_path: Path, text: str, problem: str) -> None:
    items, reading = read(write(tmp_path / "a.json", text))
    assert [item.text for item in items if isinstance(item, Text)] == ["一"]
    assert len(reading.refusals) == 1
    assert problem in reading.refusals[0].reason


def test_rows_under_a_name_and_strings(tmp_path: Path) -> None:
    assert (
        len(read(write(tmp_path / "a.json", json.dumps({"data": [ROW, ROW], "版本": 1})))[0]) == 2
    )
    items, _ = read(write(tmp_path / "b.json", '["第一段", "第二段"]'))
    assert [item.text for item in items if isinstance(item, Text)] == ["第一段", "第二段"]


def test_a_set_has_one_kind(tmp_path: Path) -> None:
    items, reading = read(write(tmp_path / "a.jsonl", json.dumps(ROW) + '\n{"text": "文"}'))
    assert {kind_of(item) for item in items} == {"chat"}
    assert "请分开导入" in reading.refusals[0].reason


def test_a_hopeless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"问": "甲"}\n' * 5000)
    with pytest.raises(BadInput, match="一条能用"):
        read(path)


def test_what_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="没有文件"):
        read(tmp_path / "无.json")
    (tmp_path / "空").mkdir()
    with pytest.raises(BadInput, match="没有文件"):
        read(tmp_path / "空")
    _, reading = read(write(tmp_path / "a.json", "这不是 JSON。"), write(tmp_path / "b.json", ""))
    assert [r.reason.split("：")[0] for r in reading.refusals] == [
        "a.json 不是 JSON",
        "b.json 不是 JSON",
    ]


NOVEL = "第一章　雨夜\n\n雨下了一夜。沈砚没有进屋。\n\n第二章　空砚\n\n第二天，墨干了。\n"


def as_docx(path: Path) -> None:
    document = docx.Document()
    for line in NOVEL.split("\n"):
        document.add_paragraph(line)
    document.save(str(path))


def as_epub(path: Path) -> None:
    body = "<h2>第一章　雨夜</h2><p>雨下了一夜。沈砚没有进屋。</p>"
    path.write_bytes(epub({"one.xhtml": body}))


def as_pdf(path: Path) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    canvas = Canvas(str(path))
    canvas.setFont("STSong-Light", 12)
    for i, line in enumerate(line for line in NOVEL.split("\n") if line):
        canvas.drawString(72, 760 - 20 * i, line)
    canvas.save()


@pytest.mark.parametrize(("suffix", "write_book"), [
    (".docx", as_docx), (".epub", as_epub), (".pdf", as_pdf)])  # fmt: skip
def test_books_of_every_format(
    tmp_path: Path, suffix: str, write_book: Callable[[Path], None]
) -> None:
    path = tmp_path / f"渡口{suffix}"
    write_book(path)
    named = path.rename(tmp_path / "渡口.txt")
    items, reading = read(named)
    assert reading.refusals == []
    said = "".join(item.text for item in items if isinstance(item, Text))
    assert "第一章雨夜雨下了一夜。沈砚没有进屋。" in "".join(said.split())
    assert any("后缀" in note for note in reading.notes)


def test_books_become_texts_of_chapters(tmp_path: Path) -> None:
    write(tmp_path / "渡口.txt", NOVEL, "gb18030")
    write(tmp_path / "渡口.md", "# 渡口\n\n## 雨夜\n\n雨下了一夜。\n")
    items, reading = read(tmp_path)
    assert [(i.origin.source, i.origin.place, i.origin.work) for i in items] == [
        ("渡口.md", "雨夜", "渡口"),
        ("渡口.txt", "第一章 雨夜", "渡口"),
        ("渡口.txt", "第二章 空砚", "渡口"),
    ]
    assert isinstance(items[1], Text)
    assert items[1].text == "第一章　雨夜\n雨下了一夜。沈砚没有进屋。"
    assert [source.name for source in reading.sources] == ["渡口.md", "渡口.txt"]
    assert read(tmp_path / "渡口.txt", work="别名")[0][0].origin.work == "别名"


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(items_of_a_kind(), st.sampled_from([".json", ".jsonl"]), st.booleans(), st.data())
def test_what_is_written_is_read_again(
    tmp_path: Path, items: list[Item], suffix: str, uniform: bool, data: st.DataObject
) -> None:
    talk = st.sampled_from(["alpaca", "sharegpt", "openai"])
    form = "text" if kind_of(items[0]) == "text" else data.draw(talk)
    path = tmp_path / f"out{suffix}"
    assert export(items, path, form, uniform=uniform).rows == len(items)
    again, reading = read(path)
    places = [Origin(path.name, f"第 {n} 条") for n in range(1, len(items) + 1)]
    expected = [
        item if item.origin != Origin() else replace(item, origin=place)
        for item, place in zip(items, places, strict=True)
    ]
    assert (again, reading.refusals) == (expected, [])


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    chat = read(write(tmp_path / "a.json", json.dumps([ROW])))[0][0]
    tooled = read(write(tmp_path / "b.json", json.dumps({"messages": [
        {"role": "user", "content": "问"}, {"role": "user", "content": "再问"},
        {"role": "assistant", "content": "答"}], "origin": {}})))[0][0]  # fmt: skip
    written = export([chat, tooled], tmp_path / "out.jsonl", "alpaca")
    assert (written.rows, written.refusals[0].row, written.refusals[0].field) == (1, 2, "history")
    with pytest.raises(BadInput, match="轮流"):
        export([tooled], tmp_path / "nichts.jsonl", "alpaca")
    assert not (tmp_path / "nichts.jsonl").exists()
    with pytest.raises(BadInput, match=r"\.csv"):
        export([chat], tmp_path / "a.csv", "alpaca")
    export([Text("一\n"), Text("二")], tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text("utf-8") == "一\n\n二\n"
    assert usual_format("preference") == "sharegpt"


def test_real_scenes_and_novels(shared_data: Path, tmp_path: Path) -> None:
    scenes, reading = read(shared_data / "persona_wukong" / "wukong_scenes.jsonl")
    assert (len(scenes), reading.refusals) == (982, [])
    assert scenes[0].extra == {"file": "texts/text_0.txt"}
    out = tmp_path / "wukong.json"
    export(scenes, out, "text")
    assert read(out)[0] == scenes
    novels = sorted((shared_data / "novels").glob("*.txt"))
    chapters, reading = read(*novels)
    assert reading.refusals == []
    assert {item.origin.source for item in chapters} == {path.name for path in novels}
    said = sum(len(item.text) for item in chapters if isinstance(item, Text))
    whole = sum(len(path.read_text("utf-8")) for path in novels)
    assert 0.99 * whole < said <= whole
