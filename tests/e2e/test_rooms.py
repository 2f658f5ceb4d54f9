"""Search, settings, models, the walk, and a reload while the service is away."""

import re
from typing import Any

import pytest

from tests.e2e.visit import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RAIN = "雨下了一夜。𠮷老板把缺角的铜铃挂回檐下，铃舌早就没了。\n屋里的灯亮着，她在等他。"
FERRY = "渡口的船只剩一条。铜铃响了一声，老周头抬起头来，说水大，不渡。"


def book(visit: Visit) -> tuple[str, list[str]]:
    return visit.served.book(("第一章　雨夜", RAIN), ("第二章　渡口", FERRY))


def no_tour(visit: Visit) -> None:
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")


def search(visit: Visit, words: str) -> Any:
    visit.page.keyboard.press("Control+KeyK")
    field = visit.page.get_by_role("combobox", name="全书搜索")
    field.fill(words)
    return field


def test_a_search_leads_to_the_very_words(visit: Visit) -> None:
    no_tour(visit)
    work, chapters = book(visit)
    visit.open(f"#/w/{work}/{chapters[1]}")
    visit.page.get_by_role("link", name="写作").wait_for()

    search(visit, "铃舌")
    found = visit.page.get_by_role("option").filter(has_text="铃舌")
    found.first.wait_for()
    assert "字面" in found.first.inner_text()
    assert found.first.locator("mark").first.inner_text() == "铃舌"
    found.first.click()

    sentence = "𠮷老板把缺角的铜铃挂回檐下，铃舌早就没了。"
    start = RAIN.index(sentence)
    span = f"{chapters[0]}/{start}-{start + len(sentence)}"
    visit.until(lambda: visit.page.url.endswith(span), f"the address {span}")
    visit.page.locator(".ProseMirror").filter(has_text="铃舌").wait_for()
    assert visit.page.get_by_role("dialog").count() == 0


def test_exact_words_are_counted_by_chapter_and_chosen_by_keys(visit: Visit) -> None:
    no_tour(visit)
    _, chapters = book(visit)
    visit.open("#/settings")
    field = search(visit, "铜铃")
    visit.page.get_by_role("button", name="逐字").click()
    visit.page.get_by_role("dialog").get_by_text("2 处，在 2 章里").wait_for()
    field.press("ArrowDown")
    field.press("Enter")
    start = FERRY.index("铜铃")
    visit.page.wait_for_url(re.compile(rf"{chapters[1]}/{start}-{start + 2}$"))


def test_the_shelf_asks_which_work_and_remembers_what_was_searched(visit: Visit) -> None:
    no_tour(visit)
    book(visit)
    other = visit.served.ok("POST", "/api/works", json={"title": "别的书"})["id"]
    visit.served.ok("POST", f"/api/works/{other}/chapters", json={"title": "灯塔", "text": "海。"})
    visit.open()
    search(visit, "灯塔")
    visit.page.get_by_label(re.compile("^在哪部作品里")).click()
    visit.page.get_by_role("option", name="别的书").click()
    row = visit.page.get_by_role("option").filter(has_text="灯塔")
    row.first.click()
    visit.until(lambda: other in visit.page.url, "the other book")
    search(visit, "")
    visit.page.get_by_text("最近搜过").wait_for()
    assert visit.page.get_by_role("option", name="灯塔").count() == 1


def test_commands_answer_to_their_names(visit: Visit) -> None:
    no_tour(visit)
    visit.open()
    search(visit, ">夜砚").press("Enter")
    visit.until(
        lambda: visit.page.locator("html").get_attribute("data-theme") == "dark", "the dark theme"
    )
    search(visit, ">模型").press("Enter")
    visit.page.get_by_role("heading", name="模型").wait_for()


def test_shortcuts_are_listed_and_esc_closes_them(visit: Visit) -> None:
    no_tour(visit)
    visit.open()
    visit.page.get_by_role("link", name="书架").first.wait_for()
    visit.page.keyboard.press("Control+Slash")
    sheet = visit.page.get_by_role("dialog", name="键盘快捷键")
    sheet.get_by_text("全书搜索").wait_for()
    visit.page.keyboard.press("Escape")
    sheet.wait_for(state="detached")


def test_the_look_is_chosen_seen_and_kept(visit: Visit) -> None:
    no_tour(visit)
    visit.open("#/settings/look")
    size = visit.page.get_by_label("字号")
    size.focus()
    for _ in range(4):
        size.press("ArrowRight")
    sample = visit.page.locator(".manuscript")
    told = "element => getComputedStyle(element).fontSize"
    visit.until(lambda: sample.evaluate(told) == "22px", "a larger sample")
    visit.page.get_by_role("button", name="旧笺").last.click()
    visit.page.reload()
    sample.wait_for()
    assert sample.evaluate(told) == "22px"
    assert visit.page.locator("html").get_attribute("data-theme") == "sepia"


def test_shares_are_told_in_all_and_kept_for_the_work(visit: Visit) -> None:
    no_tour(visit)
    work, _ = book(visit)
    visit.open("#/settings/budget")
    share = visit.page.get_by_label("设定的份额")
    share.focus()
    for _ in range(5):
        share.press("ArrowRight")
    visit.page.get_by_text("合计 105%").wait_for()
    visit.page.get_by_role("button", name="保存").click()

    def kept() -> Any:
        return visit.served.ok("GET", f"/api/works/{work}")["defaults"].get("budget")

    visit.until(lambda: kept() == {"lore": 0.2}, "the work's own share")
    visit.page.get_by_role("button", name="恢复原样").click()
    visit.page.get_by_role("button", name="保存").click()
    visit.until(lambda: kept() == {}, "the default shares")


def test_a_broken_template_is_told_in_place_and_a_good_one_counts(visit: Visit) -> None:
    no_tour(visit)
    visit.expected.append("422")
    visit.open("#/settings/templates")
    system = visit.page.get_by_label("系统：模型是谁，守什么规矩")
    shipped = system.input_value()
    system.fill("{% if %}")
    visit.page.get_by_role("button", name="存为新的一版").click()
    visit.page.get_by_role("alert").filter(has_text="第 1 行").wait_for()

    system.fill(f"只写白话。\n{shipped}")
    visit.page.get_by_role("button", name="存为新的一版").click()
    visit.page.get_by_text("现在用的是所有作品共用的").wait_for()
    assert visit.served.ok("GET", "/api/templates/continuation")["origin"] == "desk"

    visit.page.get_by_role("button", name="改回下面一层").click()
    visit.page.get_by_text("现在用的是自带的").wait_for()
    assert system.input_value() == shipped
    visit.page.get_by_role("button", name="与现在比").first.click()
    removed = visit.page.locator("pre .removed")
    assert "只写白话。" in removed.first.inner_text()


def test_an_adapter_is_loaded_and_taken_out(visit: Visit) -> None:
    no_tour(visit)
    folder = visit.served.desk.settings.adapters_dir / "su-plain"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    visit.open("#/models")
    visit.page.get_by_role("button", name="载入 su-plain").click()
    visit.page.get_by_role("button", name="撤下 su-plain").wait_for()
    assert [a["name"] for a in visit.served.ok("GET", "/api/adapters")] == ["su-plain"]
    visit.page.get_by_role("button", name="撤下 su-plain").click()
    visit.page.get_by_role("button", name="载入 su-plain").wait_for()


def test_the_lamp_says_what_the_engine_does(visit: Visit) -> None:
    no_tour(visit)
    visit.open()
    lamp = visit.page.get_by_role("button", name=re.compile("就绪"))
    lamp.click()
    told = visit.page.get_by_role("dialog", name="模型")
    told.get_by_text("可以续写了").wait_for()
    visit.page.keyboard.press("Escape")
    told.wait_for(state="hidden")


def test_a_newcomer_is_shown_round_once(visit: Visit) -> None:
    book(visit)
    visit.open()
    visit.page.get_by_role("button", name="带我看看").click()
    card = visit.page.get_by_role("dialog", name="引导")
    card.get_by_text("目录").wait_for()
    card.get_by_role("button", name="下一步").click()
    card.get_by_text("点进去就写").wait_for()
    visit.page.keyboard.press("Escape")
    card.wait_for(state="detached")
    visit.open()
    visit.page.reload()
    visit.page.get_by_role("link", name="书架").first.wait_for()
    assert visit.page.get_by_role("button", name="带我看看").count() == 0
    visit.open("#/settings/about")
    visit.page.get_by_role("button", name="再走一遍引导").click()
    card.wait_for()


def test_a_reload_while_the_service_is_away_opens_the_page(visit: Visit) -> None:
    no_tour(visit)
    visit.expected += ["ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "Failed to fetch"]
    visit.open("#/settings/look")
    visit.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    visit.until(
        lambda: visit.page.evaluate("() => navigator.serviceWorker.controller !== null"),
        "the worker in charge",
    )
    visit.context.set_offline(True)
    visit.page.reload()
    visit.page.get_by_text("雨是后半夜停的").wait_for()
    visit.page.get_by_role("link", name="训练").click()  # a room that was not open before
    visit.page.get_by_role("heading", name="练一副声线").wait_for()
    kept = visit.page.evaluate(
        """async () => {
          const caught = await Promise.all((await caches.keys()).map(async (name) =>
            (await (await caches.open(name)).keys()).map((request) => request.url)));
          return caught.flat();
        }"""
    )
    assert kept
    assert not [url for url in kept if "/api/" in url]
    visit.context.set_offline(False)
