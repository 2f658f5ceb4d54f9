"""From a short play to a voice that can be chosen: real children, a tiny base, the scripted engine."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server.engines.scripted import Text
from server.jobs.folder import Folder, Job, new_id
from tests.e2e.axe import faults
from tests.e2e.served import plays
from tests.e2e.visit import Visit
from tests.training.served.served_peer import Peer, listening, said
from tests.training.tiny import make_base

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1200)]
LONG = 400_000
"""Milliseconds that a child may take on a machine that does much else."""

LINES = [
    ("甲", "水这么大，你还走？"), ("阿蘅", "走。绳子我解开了，船就在那里。"),
    ("甲", "等天亮不行么。"), ("阿蘅", "天亮了，人就走远了。"),
]  # fmt: skip
PLAY = "\n\n".join(
    f"第{scene}场　渡口　夜　外\n" + "\n".join(f"{who}：第{scene}回，{said}" for who, said in LINES)
    for scene in range(1, 41)
)
RECIPE = """
name: aheng
base: {base}
data: [{data}]
steps: {steps}
length: 256
too_long: cut
batch: 1
accumulate: 1
evaluate_every: 20
save_every: 20
sample_every: 20
sample_tokens: 8
learning_rate: 0.001
"""


def no_tour(visit: Visit) -> None:
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def samples_of_a_play(visit: Visit) -> None:
    """Steps 1 and 2: a file, who speaks in it, samples with a part held out."""
    page = visit.page
    play = {"name": "渡口.txt", "mimeType": "text/plain", "buffer": PLAY.encode("gb18030")}
    page.locator("input[type=file]").set_input_files(play)
    card = page.get_by_role("region", name="渡口.txt")
    expect(card).to_contain_text(re.compile("GB", re.IGNORECASE))
    button(page, "看谁在说话")
    expect(card.get_by_role("row").filter(has_text="阿蘅")).to_contain_text("80", timeout=LONG)
    button(page, "学阿蘅说话")
    page.get_by_label("样本集的名字").fill("阿蘅")
    button(page, "做样本")
    data = page.get_by_role("region", name="数据")
    expect(data).to_contain_text("没有留出", timeout=LONG)
    expect(page.get_by_role("region", name="翻看样本")).to_contain_text("绳子我解开了")
    button(page, "分出留出")
    expect(data.get_by_text(re.compile("无泄漏|泄漏 .* 处"))).to_be_visible(timeout=LONG)


def begin(visit: Visit, steps: int, data: str = "阿蘅-2") -> None:
    """Step 3: the recipe as a text, and off it goes."""
    page = visit.page
    text = page.get_by_role("textbox", name="原样（YAML）")
    base = visit.served.desk.settings.weights_dir.absolute() / "tiny"
    text.fill(RECIPE.format(data=data, steps=steps, base=base))
    expect(page.get_by_label("学习率", exact=True)).to_have_value("0.001")
    button(page, "开始训练")


@plays([Text("底座写的一句。")], [Text("声线写的一句。")], tokens_per_second=50)
def test_a_play_becomes_a_voice(visit: Visit) -> None:
    no_tour(visit)
    page = visit.page
    make_base(visit.served.desk.settings.weights_dir / "tiny")
    visit.open("#/training")
    samples_of_a_play(visit)
    button(page, "下一步：配方")
    begin(visit, 60)

    picture = page.get_by_role("img", name=re.compile("损失曲线：从"))
    expect(picture).to_be_visible(timeout=LONG)
    button(page, "停下并保存")
    expect(page.get_by_role("status").filter(has_text="已停下")).to_be_visible(timeout=LONG)
    stopped = visit.served.ok("GET", "/api/runs")[0]
    assert 0 < stopped["status"]["step"] < 60
    button(page, "继续")
    expect(page.get_by_role("status").filter(has_text="完成")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("main").get_by_text("第 60 / 60 步")).to_be_visible()
    assert visit.served.ok("GET", "/api/runs")[0]["job"]["tries"] == 2
    expect(page.get_by_role("region", name="它写的")).to_contain_text(re.compile(r"第 \d+ 步"))
    page.get_by_text("看成表格").first.click()
    assert faults(page) == []

    button(page, "下一步：发布")
    page.get_by_label("声线的名字").fill("阿蘅的声线")
    button(page, "发布")
    versions = page.get_by_role("region", name="发布过的")
    expect(versions).to_contain_text("阿蘅的声线", timeout=LONG)
    expect(versions).to_contain_text("已载入")
    published = visit.served.ok("GET", "/api/adapters/published")
    assert [one["loaded"] for one in published] == [True]
    expect(page.get_by_role("region", name="curl")).to_contain_text(published[0]["folder"])
    assert faults(page) == []

    page.get_by_role("link", name="比较").click()
    page.get_by_label("题目").fill("雨停的时候，")
    button(page, "各写一遍")
    base = page.get_by_role("article", name="底座")
    own = page.get_by_role("article", name="阿蘅的声线 · 第 1 版")
    told = re.compile("写的一句。")
    expect(base).to_contain_text(told)
    expect(own).to_contain_text(told)
    button(page, "选这个：阿蘅的声线 · 第 1 版")
    expect(page.get_by_text("到现在：阿蘅的声线 · 第 1 版 1")).to_be_visible()
    assert faults(page) == []


PIECES = ("雨下了一夜。沈砚推开门，柳娘还坐在灯下。", "天亮的时候雨停了，船在晌午才来。",
          "第三天起了风，渡口空着，没有人再来。")  # fmt: skip
NOVEL = "\n".join(
    f"第{n}章 {title}\n{text * 8}"
    for n, title, text in zip("一二三", ("雨夜", "天明", "起风"), PIECES, strict=True)
)


@contextmanager
def model(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """One that sums up pieces, those behind the first only once the gate is open."""

    def answer(body: dict[str, Any]) -> str:
        question = said(body)
        if PIECES[0] in question:
            return "沈砚雨夜推门，见到灯下的柳娘。" if "短" in question else "雨夜里沈砚回来了。"
        gate.wait(300)
        return "雨停以后船到晌午才来。" if PIECES[1] in question else "第三天起风，渡口没有人来。"

    peer = Peer(answer)
    with listening(peer) as url:
        monkeypatch.setenv("YANCHI_SERVED_URL", url)
        monkeypatch.setenv("YANCHI_SERVED_MODEL", "m")
        yield peer
        gate.set()


def choose(page: Page, label: str, choice: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=choice).click()


def test_summaries_are_tried_made_and_written_by(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample in several ways, the whole in one of them, stopped and gone on with."""
    no_tour(visit)
    page, gate = visit.page, threading.Event()
    visit.open("#/training")
    book = {"name": "听雨.txt", "mimeType": "text/plain", "buffer": NOVEL.encode()}
    page.locator("input[type=file]").set_input_files(book)
    button(page, "下一步：样本")
    choose(page, "怎么做", "小说 → 每段一句梗概")
    trial = page.get_by_role("region", name="先试几段")
    trial.get_by_label("试几段").fill("1")
    with model(gate, monkeypatch) as peer:
        button(page, "试一试")
        expect(trial.get_by_role("row")).to_have_count(2, timeout=LONG)
        assert {said(body) for body in peer.bodies} == {said(body) for body in peer.bodies[:2]}
        button(page, "照着改：平实")
        trial.get_by_label("问什么").fill("短短一句话概括：{{ text }}")
        button(page, "试一试")
        expect(trial.get_by_role("radio")).to_have_count(3, timeout=LONG)
        expect(trial.get_by_role("row").nth(1)).to_contain_text("灯下的柳娘")
        trial.get_by_role("radio", name="平实_2").check()
        expect(trial.get_by_text("做全部时用“平实_2”。")).to_be_visible()
        assert faults(page) == []

        page.get_by_label("样本集的名字").fill("听雨")
        button(page, "做样本")
        job = page.get_by_role("group", name="听雨", exact=True)
        expect(job).to_contain_text("1 / 3", timeout=LONG)
        job.get_by_role("button", name="停下").click()
        expect(job).to_contain_text("已停下", timeout=LONG)
        gate.set()
        job.get_by_role("button", name="继续").click()
        expect(page.get_by_text("“听雨”做好了。")).to_be_visible(timeout=LONG)
        first = [body for body in peer.bodies if said(body).startswith("短短一句话概括：雨")]
        assert len(first) == 1, "what was answered is not asked again"

    button(page, "用它做样本")
    page.get_by_label("样本集的名字").fill("梗概")
    button(page, "做样本")
    data = page.get_by_role("region", name="数据")
    expect(data).to_contain_text("没有留出", timeout=LONG)
    expect(page.get_by_role("region", name="翻看样本")).to_contain_text("灯下的柳娘")
    assert faults(page) == []


def done(visit: Visit, kind: str, about: dict[str, Any], result: dict[str, Any]) -> Folder:
    """A job that was done before somebody came."""
    ident = new_id()
    folder = visit.served.desk.jobs.folder(ident)
    folder.write(
        Job(ident, kind, "评测", (), run=ident, about=about, state="done", created=time.time())
    )
    folder.out.write_text(json.dumps(result))
    return folder


def test_what_judging_found_stands_beside_its_run(visit: Visit) -> None:
    no_tour(visit)
    page, jobs = visit.page, visit.served.desk.jobs
    run = done(visit, "train", {}, {}).path.name
    adapter = jobs.runs / run / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    outcomes = [{"code": "perplexity", "verdict": "better", "sentence": "困惑度低了一成。"}]
    told = {"title": "阿蘅与底座", "outcomes": outcomes, "missing": ["没有请人评判。"]}
    report = done(visit, "evaluate", {"run": run, "adapter": None}, told).path / "report"
    report.mkdir()
    (report / "report.html").write_text("<h1>报告</h1><script>parent.document.title='x'</script>")
    done(visit, "evaluate", {"run": "another", "adapter": None}, {"title": "别人的"})
    # The report's own script is refused, and so is the store that `no_tour` asks for in it.
    visit.expected += ["Blocked script execution", "The document is sandboxed"]

    visit.open(f"#/training/train/{run}")
    found = page.get_by_role("region", name="评测").get_by_role("article")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("更好")
    expect(found).to_contain_text("困惑度低了一成。")
    expect(found).to_contain_text("没有请人评判。")
    assert faults(page) == []
    found.get_by_text("整份报告").click()
    inside = found.frame_locator("iframe")
    expect(inside.get_by_role("heading", name="报告")).to_be_visible()
    assert page.title() != "x"
    found.get_by_role("button", name=re.compile("^删除")).click()
    expect(found).to_have_count(0)


def test_why_a_job_failed_is_said_in_english_too(visit: Visit) -> None:
    """The scripted engine cannot be asked from outside: the trial fails."""
    no_tour(visit)
    page = visit.page
    visit.context.add_init_script("localStorage.setItem('yanchi.look', '{\"language\":\"en\"}')")
    visit.open("#/training")
    book = {"name": "听雨.txt", "mimeType": "text/plain", "buffer": NOVEL.encode()}
    page.locator("input[type=file]").set_input_files(book)
    button(page, "Next: Samples")
    choose(page, "How", "Text → questions and answers")
    button(page, "Try")
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text("The model that is to be asked does not answer.", timeout=LONG)
    expect(alert).to_contain_text("不知道模型在哪里")


def test_what_is_wrong_is_said_where_it_is(visit: Visit) -> None:
    """A recipe that is none, a file that is no script, a run that cannot be."""
    no_tour(visit)
    page = visit.page
    visit.open("#/training/recipe")
    text = page.get_by_role("textbox", name="原样（YAML）")
    text.fill("name: [")
    expect(page.get_by_role("alert")).to_contain_text("不是合格的 YAML")
    expect(page.get_by_role("button", name="开始训练")).to_be_disabled()
    begin(visit, 3, data="没有")
    alert = page.get_by_role("main").get_by_role("alert")
    expect(alert).to_contain_text(re.compile("没有"), timeout=LONG)
    expect(page.get_by_role("status").filter(has_text="没做成")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    button(page, "删除这次训练")
    expect(page).to_have_url(re.compile("#/training/recipe$"))
    assert visit.served.ok("GET", "/api/runs") == []


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("step", ["texts", "samples", "recipe", "train", "compare", "publish"])
def test_every_step_fits_and_has_nothing_serious(visit: Visit, step: str, width: int) -> None:
    no_tour(visit)
    page = visit.page
    page.set_viewport_size({"width": width, "height": 800})
    visit.open(f"#/training/{step}")
    page.get_by_role("link", name=re.compile("文本")).wait_for()
    page.get_by_role("main").locator("section, p").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    rights = "e => e.getBoundingClientRect().right > innerWidth + 1"
    outside = f"[...document.querySelectorAll('.training main *')].filter({rights}).length"
    assert page.evaluate(outside) == 0
    assert faults(page) == []
