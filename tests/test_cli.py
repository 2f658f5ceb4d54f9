"""The command line as a person or a script meets it: text, JSON, exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import yanchi

BOOK = """《渡口》
作者：无名

第一章　雨夜

雨下了一夜。沈砚把伞靠在门边，没有进屋。

第二章　空砚

第二天，砚台里的墨干了。陆眠问：“你昨夜去了哪里？”

番外　老周头

老周头蹲在船头抽烟，说水大，不渡。
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(yanchi.app, list(words))


def told(*words: str) -> Any:
    """The one JSON object that a successful command prints on stdout."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "渡口.txt"
    path.write_text(BOOK, encoding="gb18030")
    return path


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YANCHI_ENGINE", "scripted")


def test_import_search_continue_and_export(book: Path, tmp_path: Path) -> None:
    made = told("import", str(book))
    assert (made["title"], made["chapters"]) == ("渡口", 3)
    assert set(made) == {"work", "title", "chapters", "characters", "warnings"}

    found = told("search", "渡口", "老周头 渡河", "--top", "2")["passages"]
    assert found[0]["chapter"] == 3
    assert set(found[0]) >= {"chapter", "position", "score", "text"}
    assert told("search", made["work"], "老周头", "--before-chapter", "3")["passages"]

    written = told("continue", "渡口", "--chapter", "2", "--beat", "沈砚出门。", "--length", "80")
    assert written["text"]
    assert set(written) >= {"text", "finish_reason", "usage", "prompt"}
    assert written["prompt"]["tokens"] == written["usage"]["prompt_tokens"]
    assert any(k["id"] == "beat" for k in written["prompt"]["kept"])

    out = tmp_path / "导出.txt"
    assert run("export", made["work"][:8], "--out", str(out)).exit_code == 0
    again = told("import", str(out))
    assert (again["title"], again["chapters"], again["characters"]) == (
        made["title"],
        made["chapters"],
        made["characters"],
    )
    assert len(told("works")["works"]) == 2


@pytest.mark.parametrize("form", ["md", "docx", "epub", "zip"])
def test_every_format_goes_out_and_comes_back(book: Path, tmp_path: Path, form: str) -> None:
    made = told("import", str(book))
    out = tmp_path / f"渡口.{form}"
    assert told("export", made["work"], "-o", str(out))["format"] == form
    preview = told("import", str(out), "--preview")
    assert (preview["format"], preview["title"]) == (form, "渡口")
    again = told("import", str(out), "--title", "又一部")
    assert (again["title"], again["chapters"]) == ("又一部", made["chapters"])


def test_what_is_no_text_wants_a_file(book: Path) -> None:
    told("import", str(book))
    result = run("export", "渡口", "--format", "epub", "--json")
    assert json.loads(result.stdout)["error"]["code"] == "needs_a_file"
    result = run("export", "渡口", "--format", "doc", "--json")
    assert json.loads(result.stdout)["error"]["code"] == "unknown_format"


def test_a_way_of_telling_chapters_can_be_chosen(book: Path) -> None:
    assert told("import", str(book), "--pattern", "whole", "--preview")["chapters"] == 1


def test_a_preview_saves_nothing(book: Path) -> None:
    preview = told("import", str(book), "--preview")
    assert [c["title"] for c in preview["preview"]] == ["第一章 雨夜", "第二章 空砚", "番外 老周头"]
    assert preview["work"] is None
    assert told("works")["works"] == []


def test_the_data_directory_can_be_chosen(book: Path, tmp_path: Path) -> None:
    told("import", str(book), "--data-dir", str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere" / "yanchi.db").is_file()
    assert told("works")["works"] == []


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("空.txt", b"", "empty_file"),
        ("空白.txt", " \n　\n".encode(), "empty_file"),
        ("图片.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "binary_file"),
        ("混合.txt", "雨下了一夜。\n".encode("gb18030") * 50 + "沈砚没有进屋。\n".encode() * 50,
         "mixed_encoding"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_a_sentence(
    tmp_path: Path, name: str, data: bytes, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    result = run("import", str(path), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == code
    assert told("works")["works"] == []


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "巨.txt"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    result = run("import", str(path), "--json")
    assert json.loads(result.stdout)["error"]["code"] == "too_large"


def test_a_book_without_headings_is_one_chapter_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "无题.txt"
    path.write_text("雨下了一夜。\n" * 30, encoding="utf-8")
    made = told("import", str(path))
    assert made["chapters"] == 1
    assert any("标题" in warning for warning in made["warnings"])


def test_duplicate_headings_keep_both_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "重.txt"
    text = "".join(f"第{n}章　雨\n\n{'雨下了一夜，他没有进屋。' * 12}\n\n" for n in (1, 2, 2, 3))
    path.write_text(text, encoding="utf-8")
    made = told("import", str(path))
    assert made["chapters"] == 4
    assert made["warnings"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("import", "没有.txt"), "file_not_found"),
        (("search", "没有的书", "雨"), "work_not_found"),
        (("continue", "没有的书"), "work_not_found"),
        (("export", "没有的书"), "work_not_found"),
    ],
)
def test_what_is_not_there_is_told(words: tuple[str, ...], code: str) -> None:
    result = run(*words, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == code
    assert "出错" in result.stderr


def test_continue_refuses_what_cannot_be_written(book: Path) -> None:
    told("import", str(book))
    result = run("continue", "渡口", "--chapter", "9", "--json")
    assert json.loads(result.stdout)["error"]["code"] == "chapter_not_found"
    result = run("continue", "渡口", "--beat", "长" * 9000, "--json")
    assert json.loads(result.stdout)["error"]["code"] == "prompt_too_large"
    assert run("continue", "渡口", "--length", "0").exit_code == 2
    assert run("continue", "渡口", "--length", "1000000000").exit_code == 2


def test_version_help_and_wrong_usage() -> None:
    assert run("--version").stdout.startswith("yanchi ")
    for verb in ("serve", "import", "export", "search", "continue", "works", "model"):
        result = run(verb, "--help")
        assert result.exit_code == 0, verb
    assert run("nothing").exit_code == 2
