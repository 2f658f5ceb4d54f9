"""From a short play to a voice that can be chosen: real children, a tiny base, the scripted engine."""

import re

import pytest
from playwright.sync_api import Page, expect

from server.engines.scripted import Text
from tests.e2e.axe import faults
from tests.e2e.served import plays
from tests.e2e.visit import Visit
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
