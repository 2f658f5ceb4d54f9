"""Files to scripts: encodings, JSON lines, titles, what cannot be read."""

import json
from pathlib import Path

import pytest

from training.errors import BadInput
from training.scripts.reading import read_script
from training.types import Refusal

SCENES = [
    "八戒:「难！」\nscene:行者去南海\n悟空：「等我去来。」\n",
    "行者:「好。」\n八戒:「是。」\n行者八戒:「走！」\n",
    "行者:「好。」\n",
]


def test_json_lines_are_a_script_each_and_share_their_names(tmp_path: Path) -> None:
    file = tmp_path / "scenes.jsonl"
    rows = [json.dumps({"file": "a", "text": text}, ensure_ascii=False) for text in SCENES]
    file.write_text("\n".join([rows[0], "", rows[1], '{"text": ', '{"other": 1}', rows[2]]))
    refusals: list[Refusal] = []
    read = read_script(file, refusals)
    assert [piece.within for piece in read.pieces] == ["第 1 条", "第 3 条", "第 6 条"]
    assert [(r.row, r.field) for r in refusals] == [(4, ""), (5, "text")]
    assert [scene.text for scene in read.scripts] == SCENES
    assert read.scripts[1].blocks[-1].speakers == ("行者", "八戒")
    assert read.title == "scenes"


def test_an_array_that_calls_itself_jsonl(tmp_path: Path) -> None:
    file = tmp_path / "scenes.jsonl"
    file.write_text(json.dumps([{"text": text} for text in SCENES], ensure_ascii=False, indent=1))
    assert [scene.text for scene in read_script(file, []).scripts] == SCENES


def test_a_script_in_gb18030_is_read_and_has_its_title(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(
        "《雨夜》\n\n第1幕\n甲：你来了。外头的雨下得真大，坐下歇一歇吧。\n".encode("gb18030")
    )
    read = read_script(file, [])
    assert read.title == "雨夜"
    assert [block.kind for block in read.scripts[0].blocks][-1] == "speech"


def test_markdown_keeps_its_headings(tmp_path: Path) -> None:
    file = tmp_path / "剧本.md"
    file.write_text("## 第一幕\n\n甲：好。\n", encoding="utf-8")
    (script,) = read_script(file, []).scripts
    assert [scene.name for scene in script.scenes] == ["第一幕"]


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"other": 1}\n')
    with pytest.raises(BadInput, match="没有可以读的剧本文字"):
        read_script(file, [])
