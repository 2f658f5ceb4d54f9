"""`yanchi data …` as a person or a script meets it: text, JSON, progress, exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import yanchi


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(yanchi.app, ["data", *map(str, words)])


def told(*words: str | Path) -> Any:
    """The one JSON object that a successful command prints on stdout."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


PASSAGE = (
    "江上起了薄雾，渡口的灯一盏一盏亮起来。她把信折好，压在砚台底下，没有再看一眼。雨下了整整三日。"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Sixteen good rows and two broken ones."""
    rows = [
        {"instruction": f"第{i}问：渡口在哪里？", "input": "", "output": f"第{i}答：在柳树的那一边。" * 3,
         "id": i, "yanchi": {"origin": {"source": "剧本", "work": "甲" if i < 4 else f"书{i}"}}}
        for i in range(15)
    ]  # fmt: skip
    rows.append({"instruction": "念一段", "output": PASSAGE, "input": ""})
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    lines[3:3] = ['{"instruction": ', json.dumps({"instruction": "问", "output": ""})]
    path = tmp_path / "问答.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def imported(file: Path) -> str:
    assert told("import", file)["rows"] == 16
    return "问答"


def test_import_tells_what_was_refused(file: Path, tmp_path: Path) -> None:
    card = told("import", file, "--name", "我的")
    assert (card["name"], card["kind"], card["rows"], card["held_out_rows"]) == (
        "我的",
        "chat",
        16,
        0,
    )
    assert card["folder"] == str(tmp_path / "yanchi" / "datasets" / "我的")
    assert card["refusals"]["count"] == 2
    assert card["refusals"]["first"][1] == {
        "source": "问答.jsonl", "row": 5, "field": "output", "reason": "是空的",
    }  # fmt: skip
    assert [source["name"] for source in card["sources"]] == ["问答.jsonl"]
    assert card["made"]["command"] == "data import"
    again = run("import", file, "--name", "我的", "--json")
    assert again.exit_code == 1
    assert json.loads(again.stdout)["error"]["code"] == "bad_input"
    assert "已经存在" in again.stderr
    assert run("import", file, "--name", "我的", "--replace").exit_code == 0
    assert run("import", file, "--name", "b", "--column", "问题").exit_code == 1
    assert run("import", file, "--format", "vicuna").exit_code == 2
    assert run("import", tmp_path / "无.json").exit_code == 1


def test_other_columns_and_system_prompts(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"问": "甲", "答": "乙"}]', "utf-8")
    refused = run("import", path)
    assert refused.exit_code == 1
    assert "--column" in refused.stderr
    assert told("import", path, "--column", "prompt=问", "--column", "response=答")["rows"] == 1
    path.write_text('[{"instruction": "甲", "input": "乙", "output": "丙"}]', "utf-8")
    told("import", path, "--name", "系统", "--instruction", "system", "--work", "书")
    shown = told("show", "系统")["items"][0]
    assert [turn["role"] for turn in shown["messages"]] == ["system", "user", "assistant"]
    assert shown["origin"]["work"] == "书"


def test_show_lists_and_looks_inside(imported: str, tmp_path: Path) -> None:
    (listed,) = told("show")["datasets"]
    assert (listed["name"], listed["rows"]) == ("问答", 16)
    shown = told("show", imported, "--start", "2", "--rows", "1")
    assert shown["items"][0]["messages"][0]["content"] == "第1问：渡口在哪里？"
    assert shown["changed"] is False
    text = run("show", imported)
    assert "第 1 条  甲 · 剧本" in text.stdout
    assert "没有收进来的：2 条" in text.stdout
    assert run("show").stdout.startswith("问答  对话  16 条")
    train = tmp_path / "yanchi" / "datasets" / "问答" / "train.jsonl"
    train.write_bytes(train.read_bytes().replace("柳树".encode(), "杨树".encode()))
    assert told("show", imported)["changed"] is True
    assert run("show", "没有的").exit_code == 1


def test_export_and_back(imported: str, tmp_path: Path) -> None:
    out = tmp_path / "出.jsonl"
    assert told("export", imported, out, "--format", "alpaca")["files"][0]["rows"] == 16
    first = json.loads(out.read_text("utf-8").splitlines()[0])
    assert (first["instruction"], first["id"]) == ("第0问：渡口在哪里？", 0)
    told("import", out, "--name", "回来")
    assert told("show", "回来")["digest"] == told("show", imported)["digest"]
    made = told("export", imported, tmp_path / "lf", "--llama-factory")
    assert made["files"][0]["name"] == "问答"
    assert made["info"] == str(tmp_path / "lf" / "dataset_info.json")
    told("import", tmp_path / "lf" / "dataset_info.json", "--name", "又回来")
    assert told("show", "又回来")["digest"] == told("show", imported)["digest"]
    (entry,) = told("info", tmp_path / "lf")["entries"]
    assert (entry["name"], entry["formatting"], entry["problem"]) == ("问答", "sharegpt", "")
    (tmp_path / "lf" / "问答.jsonl").write_text("改了", "utf-8")
    assert "SHA-1" in told("info", tmp_path / "lf")["entries"][0]["problem"]
    assert run("info", tmp_path / "lf").stdout.startswith("× 问答")
    assert run("export", imported, tmp_path / "a.txt", "--format", "text").exit_code == 1


def test_samples_of_an_entry(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": f"第{i}段"} for i in range(9)]), "utf-8")
    info = {"甲": {"file_name": "a.json", "columns": {"prompt": "text"}, "num_samples": 4}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info), "utf-8")
    card = told("import", tmp_path / "dataset_info.json")
    assert (card["name"], card["kind"], card["rows"]) == ("甲", "text", 4)


def test_statistics_with_a_tokenizer(imported: str, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    bare = told("stats", imported)["statistics"]["train"]
    assert (bare["rows"], bare["tokens"], bare["unit"]) == (16, None, "characters")
    assert bare["works_count"] == 12
    model = tmp_path / "yanchi" / "models" / "小"
    model.mkdir(parents=True)
    tokenizer = Tokenizer(models.WordLevel({"问": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(model / "tokenizer.json"))
    counted = told("stats", imported, "--tokenizer", "小")["statistics"]["train"]
    assert counted["tokens"] == bare["characters"]
    assert counted["learned_tokens"] == bare["learned_characters"]
    assert told("show", imported)["statistics"]["train"]["unit"] == "tokens"
    assert "词元" in run("stats", imported).stdout
    missing = run("stats", imported, "--tokenizer", "无", "--json")
    assert json.loads(missing.stdout)["error"]["code"] == "missing_base"


def test_clean_makes_a_new_set_and_tells(tmp_path: Path) -> None:
    rows = [
        {"text": f"{PASSAGE}\n天才一秒记住本站地址：www.qingdeng.com。\n第{i}段"} for i in range(3)
    ]
    path = tmp_path / "书.json"
    path.write_text(json.dumps([*rows, {"text": "违禁的一行"}], ensure_ascii=False), "utf-8")
    told("import", path)
    words = tmp_path / "词.txt"
    words.write_text("违禁\n", "utf-8")
    card = told("clean", "书", "--name", "净", "--keywords", words)
    assert (card["rows"], card["report"]["changed"], card["report"]["dropped"]) == (3, 3, 1)
    reasons = {each["reason"]: each["places"] for each in card["report"]["removed"]}
    assert reasons == {"site_notice": 3, "keyword": 1, "empty": 0}
    assert card["sources"][0]["sha256"] == told("show", "书")["digest"]
    assert told("show", "净")["items"][0]["text"] == f"{PASSAGE}\n第0段"
    assert "网站的提示语：3 处" in run("clean", "书", "--name", "净二").stdout
    assert "另取一个名字" in run("clean", "书", "--name", "书", "--replace").stderr


def test_dedupe_keeps_the_first(imported: str, file: Path, tmp_path: Path) -> None:
    again = tmp_path / "两遍.jsonl"
    again.write_text(file.read_text("utf-8") + "\n" + file.read_text("utf-8"), "utf-8")
    told("import", again)
    card = told("dedupe", "两遍", "--name", "一遍")
    assert (card["rows"], card["report"]["exact"], card["report"]["near"]) == (16, 16, 0)
    sets = [told("show", name, "--rows", "20")["items"] for name in ("一遍", imported)]
    assert [item["messages"] for item in sets[0]] == [item["messages"] for item in sets[1]]
    assert "一字不差的 16 条" in run("dedupe", "两遍", "--name", "一遍二", "--no-near").stdout


def test_split_holds_books_out_and_looks_for_leaks(imported: str) -> None:
    card = told("split", imported, "--name", "分", "--work", "甲")
    assert (card["rows"], card["held_out_rows"]) == (12, 4)
    assert card["report"]["held_out_works"] == ["甲"]
    assert card["audit"]["clean"] is True
    assert told("split", "分", "--name", "分二", "--fraction", "0.2")["held_out_rows"] == 3
    assert "没有泄漏" in run("split", imported, "--name", "分三").stdout
    assert run("split", imported, "--name", "分四", "--work", "无").exit_code == 1
    assert told("audit", "分")["audit"]["clean"] is True
    assert run("audit", imported).exit_code == 1


@pytest.fixture
def leaking(tmp_path: Path) -> None:
    """`漏` trains on what `尾` holds out."""
    tail = [{"text": PASSAGE, "yanchi": {"origin": {"work": work}}} for work in ("甲", "乙")]
    tail[0]["text"] = "另一本书里的话，与那一段没有关系。"
    for name, rows in (("尾", tail), ("漏", [{"text": "念：" + PASSAGE}, {"text": "别的话。"}])):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
        told("import", path)
    told("split", "尾", "--name", "尾分", "--work", "乙")


@pytest.mark.usefixtures("leaking")
def test_audit_against_another_set() -> None:
    found = run("audit", "漏", "--against", "尾分", "--strict", "--name", "不漏")
    assert found.exit_code == 1
    assert "有泄漏" in found.stdout
    assert PASSAGE[:20] in found.stdout
    assert "《乙》" in found.stdout
    assert told("show", "不漏")["rows"] == 1
    assert run("audit", "不漏", "--against", "尾分", "--strict").exit_code == 0


@pytest.mark.usefixtures("leaking")
def test_mix_tells_what_it_did(imported: str) -> None:
    mixed = told("mix", "漏:2", "尾分:1", "--name", "混")
    assert mixed["report"]["parts"][0] == {
        "name": "漏", "rows": 2, "weight": 2.0, "taken": 4, "repeated": 2, "left_out": 0,
    }  # fmt: skip
    assert (mixed["rows"], mixed["held_out_rows"]) == (5, 1)
    assert mixed["audit"]["clean"] is False
    shares = told("mix", "漏", "尾", "--by", "share", "--rows", "8", "--name", "混二")
    assert [part["taken"] for part in shares["report"]["parts"]] == [4, 4]
    assert "重复 2 条" in run("mix", "漏:2", "--name", "混三").stdout
    kinds = run("mix", "漏", imported, "--name", "混四")
    assert "不能放在一个数据集里" in kinds.stderr


def test_progress_is_json_lines_on_stderr(file: Path) -> None:
    result = run("import", file, "--json", "--progress-json")
    lines = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert lines[-1]["done"] == lines[-1]["total"] == 16
    assert set(lines[-1]) == {"done", "total", "note"}
    assert json.loads(result.stdout)["rows"] == 16


def test_a_full_disk_is_a_sentence(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.data import store

    def full(_: object) -> None:
        raise OSError(28, "No space left on device", "train.jsonl")

    monkeypatch.setattr(store, "_flush", full)
    result = run("import", file, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "disk"
    assert "磁盘满了" in result.stderr
    assert told("show")["datasets"] == []


def test_help_is_chinese_and_whole() -> None:
    assert run("--help").exit_code == 0
    for name in (
        "import",
        "export",
        "show",
        "clean",
        "dedupe",
        "split",
        "audit",
        "mix",
        "stats",
        "info",
    ):
        text = run(name, "--help").stdout
        assert any("\u4e00" <= sign <= "\u9fff" for sign in text)
        assert name in run("--help").stdout
