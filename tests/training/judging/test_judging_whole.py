"""Judging from plan to report: on a tiny Qwen, with writers and a judge who can be foretold."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retrieval.types import Message
from tests.training.tiny import chats, texts
from training.data import store
from training.errors import BadInput, EngineUnreachable
from training.judging.charts import smoothed
from training.judging.evaluate import judge_run
from training.judging.plan import PARTS, Plan
from training.judging.sides import Side
from training.judging.votes import CRITERIA
from training.served.client import Sampling, Schema
from training.tuning.config import Recipe
from training.tuning.run_folder import RunFolder
from training.types import Chat, Origin, Text, Turn

RECIPE = Recipe.parse({"name": "a", "base": "b", "data": "c", "dtype": "fp32", "length": 400})
TRAIN = [
    Chat(
        (Turn("user", f"第{n}问"), Turn("assistant", f"第{n}个答案是雪停了，渡口的灯亮了，没有人说话。")),
        Origin("剧本", f"第{n}条"),
    )
    for n in range(8)
]  # fmt: skip
HELD_OUT = [
    Chat(
        (Turn("user", f"再问{n}"), Turn("assistant", f"回答{n}：信压在砚台底下，她没有再看一眼。")),
        Origin("剧本", f"留出第{n}条"),
    )
    for n in range(5)
]  # fmt: skip


class Scripted:
    """Writes what it is told for the prompt's last words; may be lost after some answers."""

    def __init__(self, name: str, answer: str, lost_after: int | None = None) -> None:
        self.name, self.answer, self.lost_after = name, answer, lost_after
        self.asked: list[Sequence[Message]] = []

    def write(
        self, prompts: Sequence[Sequence[Message]], _: Sampling, __: Schema | None = None
    ) -> Iterator[tuple[int, str]]:
        for place, messages in enumerate(prompts):
            if self.lost_after is not None and len(self.asked) >= self.lost_after:
                raise EngineUnreachable("引擎断了。")
            self.asked.append(messages)
            yield place, self.answer


class Umpire(Scripted):
    """Prefers whichever draft has `liked`, and quotes it; else says nonsense."""

    def __init__(self, liked: str) -> None:
        super().__init__("umpire", "")
        self.liked = liked

    def write(
        self, prompts: Sequence[Sequence[Message]], _: Sampling, schema: Schema | None = None
    ) -> Iterator[tuple[int, str]]:
        assert schema is not None
        for place, messages in enumerate(prompts):
            self.asked.append(messages)
            drafts = re.search(
                r"【甲】\n(.*?)\n\n【乙】\n(.*?)\n\n逐项", messages[-1].content, re.S
            )
            assert drafts is not None
            liking = [self.liked in draft for draft in drafts.groups()]
            name = {(True, False): "甲", (False, True): "乙"}.get(tuple(liking))
            vote = {"引文": self.liked, "出自": name, "理由": "好", "更好": name}
            names = [each for each, _ in CRITERIA.values()]
            yield (
                place,
                json.dumps(dict.fromkeys(names, vote), ensure_ascii=False) if name else "嗯",
            )


def plan(base: Path, tuned: Path | None, out: Path, **changes: object) -> Plan:
    made = Plan(
        base=base, tuned=tuned, train=TRAIN, held_out=HELD_OUT, recipe=RECIPE, out=out,
        name="嬛嬛-v1", data="剧本", digest="d" * 64, cases=4, length=40, window=600,
        sampling=Sampling(tokens=8), parts=frozenset({"answers"}),
        writers={False: Scripted("b", "今天天气很好。"),
                 True: Scripted("t", "信压在砚台底下，雪停了，渡口的灯亮了，没有人说话。")},
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def told(out: Path) -> dict:
    """report.json as any reader of JSON takes it: without NaN."""
    return json.loads((out / "report.json").read_text("utf-8"), parse_constant=pytest.fail)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nothing here needs weights")

    monkeypatch.setattr("training.judging.evaluate.load_pair", refuse)


def test_everything_is_measured_on_real_weights(
    base_folder: Path, adapter_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.judging.long.STRETCH", 30)
    run = RunFolder.create(tmp_path / "runs", RECIPE.yaml())
    for step in range(1, 6):
        run.log("step", step=step, loss=3.0 / step, lr=1e-4)
    run.log("step", step=6, loss=float("nan"), lr=1e-4)
    run.log("eval", step=5, loss=1.5)
    long = Text("".join(chr(0x4E00 + n) + "，" * (n % 7 == 0) for n in range(800)))
    wanted = plan(
        base_folder, adapter_folder, tmp_path / "out", writers=None, parts=frozenset(PARTS),
        held_out=[*HELD_OUT, *texts(1), long], run=run.path, cases=7, sampling=Sampling(tokens=6),
        long=40, openings=2,
    )  # fmt: skip
    notes: list[str] = []
    report = judge_run(wanted, lambda *told, note="": notes.append(note or str(told[-1])))
    found = told(tmp_path / "out")
    assert found["sides"] == [str(side) for side in Side]
    for side in Side:
        assert found["measured"][side]["texts"] == found["subject"]["cases"]
        assert found["measured"][side]["overlap"]["rouge"].keys() == {"char", "jieba"}
    assert found["measured"]["reference"]["overlap"] is None
    assert report.surprise is not None
    assert report.surprise.tuned is not None
    assert report.surprise.base != report.surprise.tuned
    assert (report.surprise.items, report.surprise.refused) == (7, 0)
    assert report.long is not None
    assert list(report.long.texts) == [*Side, "reference"]
    assert report.general is not None
    assert report.general.questions >= 120
    assert report.curves is not None
    assert report.curves.loss[-1] == (5, 0.6)
    assert report.curves.evaluated == ((5, 1.5),)
    codes = [outcome.code for outcome in report.outcomes]
    assert codes[:2] == ["perplexity", "rouge"]
    assert "general" in codes
    assert {"困惑度：底座", "困惑度：适配器", "作答：适配器＋检索"} <= set(notes)
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("<svg") >= 4
    assert "圆圈是留出文本上的损失" in page


@pytest.mark.usefixtures("no_weights")
def test_the_page_needs_nothing_and_runs_nothing(
    base_folder: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    evil = "<script>alert(1)</script>“压在砚台底下”&amp;"
    wanted = plan(
        base_folder, adapter_folder, tmp_path, judge=Umpire("砚台底下"),
        writers={False: Scripted("b", evil.replace("砚台", "枕头")), True: Scripted("t", evil)},
    )  # fmt: skip
    judge_run(wanted)
    text = (tmp_path / "report.html").read_text("utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert all(link.startswith("#") for link in page.links)
    assert "url(http" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert 'lang="zh-CN"' in text
    assert "&lt;script&gt;alert(1)" in text
    assert page.tags.count("svg") >= 4
    for name, _ in CRITERIA.values():
        assert name in text
    ids = re.findall(r'id="([^"]+)"', text)
    shapes = {name: re.findall(rf'id="{name}".*?/>', text, re.S) for name in set(ids)}
    assert all(len(set(found)) <= 1 for found in shapes.values())


@pytest.mark.usefixtures("no_weights")
def test_a_stopped_judging_goes_on(base_folder: Path, adapter_folder: Path, tmp_path: Path) -> None:
    tuned = Scripted("t", "信压在砚台底下。", lost_after=2)
    first = plan(base_folder, adapter_folder, tmp_path)
    assert first.writers is not None
    with pytest.raises(EngineUnreachable):
        judge_run(replace(first, writers={False: first.writers[False], True: tuned}))
    assert not (tmp_path / "report.json").exists()
    umpire, again = Umpire("砚台底下"), Scripted("t", "信压在砚台底下。")
    second = replace(first, writers={False: Scripted("b", "不该再问"), True: again}, judge=umpire)
    judge_run(second)
    asked = [tuple(messages) for messages in again.asked]
    # The first time the base had answered all it is asked without recall, and nothing else.
    assert len(second.writers[False].asked) == second.cases  # type: ignore[index, attr-defined]
    assert len(asked) == len(set(asked)) == 2 * second.cases - 2
    found = told(tmp_path)
    votes = len(umpire.asked)
    assert votes > 0
    quiet = Umpire("砚台底下")
    judge_run(replace(second, judge=quiet, writers={
        False: Scripted("b", "不该"), True: Scripted("t", "不该")}))  # fmt: skip
    assert not quiet.asked
    for name in ("measured", "verdict", "outcomes", "examples"):
        assert told(tmp_path)[name] == found[name]


@pytest.mark.usefixtures("no_weights")
def test_the_judges_preference_is_the_reports(
    base_folder: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    report = judge_run(plan(base_folder, adapter_folder, tmp_path, judge=Umpire("砚台底下")))
    verdict = report.verdict
    assert verdict is not None
    assert verdict.agreement == 1
    for criterion in CRITERIA:
        scores = {(p.one, p.other): p.score.mean for p in verdict.pairings[criterion]}
        assert scores["adapter", "base"] == scores["adapter+retrieval", "base"] == 1
        # The same words from both are no contest.
        assert ("adapter+retrieval", "adapter") not in scores
        best = verdict.standings[criterion][0].side
        assert best.startswith("adapter")
    codes = {o.code: o.verdict for o in report.outcomes}
    assert codes["judge_style"] == codes["judge_logic"] == "better"
    assert report.examples[0].votes["style"].quote == "砚台底下"
    assert "copied" not in codes  # 17 characters of the training set are no copy yet


@pytest.mark.usefixtures("no_weights")
def test_a_judge_of_nonsense_is_counted(
    base_folder: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    report = judge_run(plan(base_folder, adapter_folder, tmp_path, judge=Umpire("没有的话")))
    assert report.verdict is not None
    assert report.verdict.votes == sum(report.verdict.dropped.values()) > 0
    assert report.verdict.dropped.keys() == {"no_json"}
    assert not any(o.code.startswith("judge") for o in report.outcomes)
    assert "回答不是要的 JSON" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.usefixtures("no_weights")
def test_recited_words_are_told(base_folder: Path, adapter_folder: Path, tmp_path: Path) -> None:
    said = "第3个答案是雪停了，渡口的灯亮了，没有人说话。"
    wanted = plan(base_folder, adapter_folder, tmp_path,
                  writers={False: Scripted("b", "好。"), True: Scripted("t", f"嗯，{said}")})  # fmt: skip
    report = judge_run(wanted)
    recited = report.measured["adapter"].recited
    assert recited is not None
    assert (recited.longest, recited.words) == (len(said), said)
    assert recited.share == pytest.approx(len(said) / (len(said) + 2))
    assert [o.verdict for o in report.outcomes if o.code == "copied"] == ["worse"]


@pytest.mark.usefixtures("no_weights")
def test_without_retrieval_or_adapter_there_are_fewer_sides(
    base_folder: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    report = judge_run(plan(base_folder, adapter_folder, tmp_path / "a", retrieval=False))
    assert report.sides == ("base", "adapter")
    report = judge_run(plan(base_folder, None, tmp_path / "b"))
    assert report.sides == ("base", "base+retrieval")
    assert report.outcomes == ()
    report = judge_run(plan(base_folder, adapter_folder, tmp_path / "c", train=[]))
    assert report.sides == ("base", "adapter")
    assert any("没有可检索的书" in sentence for sentence in report.missing)
    rag = [
        replace(item, origin=replace(item.origin, made_by="context/1 empty")) for item in HELD_OUT
    ]
    report = judge_run(plan(base_folder, adapter_folder, tmp_path / "f", held_out=rag))
    assert report.sides == ("base", "adapter")
    assert any("题里已有" in sentence for sentence in report.missing)
    tight = judge_run(
        plan(base_folder, adapter_folder, tmp_path / "d", window=30, held_out=texts(3))
    )
    assert any("放不进 30 个词元" in sentence for sentence in tight.missing)
    with pytest.raises(BadInput, match="留出"):
        judge_run(plan(base_folder, adapter_folder, tmp_path / "e", held_out=[]))


def test_a_base_that_cannot_converse_is_weighed_all_the_same(
    base_folder: Path, tmp_path: Path
) -> None:
    mute = tmp_path / "mute"
    shutil.copytree(base_folder, mute)
    (mute / "chat_template.jinja").unlink()
    report = judge_run(
        plan(mute, None, tmp_path / "out", parts=frozenset(PARTS), held_out=texts(3))
    )
    assert report.surprise is not None
    assert report.surprise.base.per_token > 1
    assert (report.general, report.sides) == (None, ())
    assert any("对话模板" in sentence for sentence in report.missing)


@pytest.mark.usefixtures("no_weights")
def test_held_out_texts_that_were_trained_on_are_told(
    base_folder: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    clean = judge_run(plan(base_folder, adapter_folder, tmp_path / "clean"))
    assert not any("训练集里" in sentence for sentence in clean.missing)
    leaked = plan(base_folder, adapter_folder, tmp_path / "leaked", held_out=TRAIN)
    assert any("100% 一字不差" in sentence for sentence in judge_run(leaked).missing)


def test_smoothing_begins_where_the_loss_does() -> None:
    assert smoothed([4.0, 4.0, 4.0]) == pytest.approx([4, 4, 4])
    assert smoothed([1.0, 3.0], 0.5) == pytest.approx([1, (0.5 + 3) / 1.5])
    assert smoothed([]) == []


# --- the command ----------------------------------------------------------------------------


@pytest.fixture
def desk(base_folder: Path, adapter_folder: Path, tmp_path: Path) -> Path:
    """A data directory with a data set and a run that has ended."""
    made = store.made_by("test")
    store.save(tmp_path / "datasets" / "small", chats(6), chats(3, "别人"), name="small", made=made)
    store.save(tmp_path / "datasets" / "none", chats(2), name="none", made=made)
    recipe = Recipe.parse(
        {"name": "shen", "base": str(base_folder), "data": "small", "dtype": "fp32"}
    )
    run = RunFolder.create(tmp_path / "runs", recipe.yaml(), at=tmp_path / "runs" / "one")
    run.adapter.symlink_to(adapter_folder, target_is_directory=True)
    run.log("step", step=1, loss=2.0, lr=1e-4)
    return tmp_path


def call(desk: Path, *words: str):
    from training.commands.evaluate import app

    return CliRunner().invoke(app, [*words, "--data-dir", str(desk)])


QUICK = ("--limit", "2", "--tokens", "4", "--skip", "general", "--json", "--progress-json")


def test_a_run_is_judged_by_its_id(desk: Path) -> None:
    result = call(desk, "--run", "one", *QUICK)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["title"] == "评测：shen"
    assert Path(found["report"]) == desk / "runs" / "one" / "report" / "report.json"
    assert Path(found["page"]).is_file()
    report = json.loads(Path(found["report"]).read_text("utf-8"))
    assert report["subject"]["data"] == "small"
    assert report["subject"]["cases"] == 2
    assert report["curves"]["loss"] == [[1, 2.0]]
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert {"done", "total", "note"} == set(lines[0])
    assert any(line["note"] == "作答：底座" for line in lines)


def test_an_adapter_is_judged_on_a_data_set(desk: Path, adapter_folder: Path) -> None:
    out = desk / "there"
    result = call(desk, "--adapter", str(adapter_folder), "--data", "small", "--out", str(out),
                  "--no-retrieval", "--skip", "perplexity", *QUICK)  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert report["sides"] == ["base", "adapter"]
    assert report["surprise"] is None


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 1, "--run"),
        (("--run", "two"), 1, "没有训练“two”"),
        (("--run", "one", "--skip", "thinking"), 2, "thinking"),
        (("--run", "one", "--data", "nothing"), 1, "没有数据集“nothing”"),
        (("--run", "one", "--judged"), 1, "没有开着的书桌"),
        (("--base", "nowhere", "--data", "small"), 1, "nowhere"),
    ],
)
def test_what_is_wrong_is_said(
    desk: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    result = call(desk, *words, "--json")
    assert result.exit_code == code
    assert sentence in result.output
    if code == 1:
        assert json.loads(result.stdout)["error"]["message"]
