"""The tree of a book: by keys, by pointer, its numbers, states, bin and the day's goal."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.visit import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TEXT = "雨下了一夜。老板把缺角的铜铃挂回檐下。\n铃舌早就没了。"


def bound(visit: Visit, *volumes: tuple[str, list[str]], loose: tuple[str, ...] = ()) -> str:
    """A work with these volumes and chapters, opened at its last chapter."""
    ok = visit.served.ok
    work = str(ok("POST", "/api/works", json={"title": "檐下铃"})["id"])
    root = f"/api/works/{work}"
    for title in loose:
        ok("POST", f"{root}/chapters", json={"title": title, "text": TEXT})
    for name, chapters in volumes:
        volume = ok("POST", f"{root}/volumes", json={"title": name})["id"]
        for title in chapters:
            body = {"title": title, "text": TEXT, "volume_id": volume}
            ok("POST", f"{root}/chapters", json=body)
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
    visit.open(f"#/w/{work}")
    tree(visit).wait_for()
    expect(visit.page.locator(".ProseMirror")).to_contain_text("铃舌")
    return work


def tree(visit: Visit) -> Locator:
    return visit.page.get_by_role("tree", name="目录")


def row(visit: Visit, name: str) -> Locator:
    return tree(visit).get_by_role("treeitem", name=re.compile(name))


def told(visit: Visit) -> str:
    """The book's order as the server has it: `a b|c`, loose chapters first."""
    work = visit.page.url.split("/w/")[1].split("/")[0]
    root = f"/api/works/{work}"
    chapters = visit.served.ok("GET", f"{root}/chapters")
    volumes = visit.served.ok("GET", f"{root}/volumes")
    groups: list[str | None] = [None, *(v["id"] for v in volumes)]
    return "|".join(
        " ".join(c["name"] for c in chapters if c["volume_id"] == group) for group in groups
    )


def comes(visit: Visit, order: str) -> None:
    visit.until(lambda: told(visit) == order, f"{order}, it is {told(visit)}")


def shown(visit: Visit) -> list[str]:
    labels: list[str] = (
        tree(visit)
        .get_by_role("treeitem")
        .evaluate_all(
            "rows => rows.map(row => [...row.querySelectorAll('.k, .t')]"
            ".map(part => part.textContent).filter(Boolean).join(' '))"
        )
    )
    return labels


def test_keys_walk_fold_and_open(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口", "渡簿"]), ("卷二", ["夜渡"]))
    assert shown(visit) == ["卷一", "第一章 渡口", "第二章 渡簿", "卷二", "第三章 夜渡"]
    row(visit, "夜渡").focus()
    press = visit.page.keyboard.press
    press("Home")
    expect(row(visit, "^卷一")).to_be_focused()
    press("ArrowLeft")
    expect(row(visit, "^卷一")).to_have_attribute("aria-expanded", "false")
    expect(row(visit, "渡簿")).to_have_count(0)
    press("ArrowRight")
    press("ArrowRight")
    expect(row(visit, "渡口")).to_be_focused()
    press("2")
    expect(row(visit, "渡簿")).to_be_focused()
    press("Enter")
    expect(row(visit, "渡簿")).to_have_attribute("aria-current", "page")
    press("ArrowLeft")
    expect(row(visit, "^卷一")).to_be_focused()
    press("End")
    expect(row(visit, "夜渡")).to_be_focused()


def test_keys_move_over_volumes_and_say_so(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口", "渡簿"]), ("卷二", ["夜渡"]))
    row(visit, "渡簿").focus()
    visit.page.keyboard.press("Alt+Shift+ArrowDown")
    expect(row(visit, "渡簿")).to_be_focused()
    said = visit.page.locator("p.sr[role=status]")
    expect(said).to_have_text("第二章 渡簿 移到卷二第 1 章")
    comes(visit, "|渡口|渡簿 夜渡")
    visit.page.keyboard.press("Alt+Shift+ArrowDown")
    comes(visit, "|渡口|夜渡 渡簿")
    expect(row(visit, "渡簿")).to_contain_text("第三章")
    visit.page.keyboard.press("Alt+Shift+ArrowDown")
    expect(said).to_have_text("已经到头了。")
    row(visit, "^卷二").focus()
    visit.page.keyboard.press("Alt+Shift+ArrowUp")
    comes(visit, "|夜渡 渡簿|渡口")
    expect(row(visit, "渡口")).to_contain_text("第三章")


def drag(visit: Visit, source: Locator, target: Locator, part: float) -> None:
    """By small steps, as a hand does; `part` is how far down the target it is let go."""
    start, end = source.bounding_box(), target.bounding_box()
    assert start is not None
    assert end is not None
    x, y = start["x"] + 70, start["y"] + 12
    mouse = visit.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y + 4, steps=3)
    mouse.move(x, end["y"] + end["height"] * part, steps=24)
    expect(visit.page.locator(".tree i.line")).to_be_visible()
    mouse.up()


def test_chapters_and_volumes_are_dragged(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口", "渡簿"]), ("卷二", ["夜渡"]), loose=("楔子",))
    drag(visit, row(visit, "夜渡"), row(visit, "渡口"), 0.2)
    comes(visit, "楔子|夜渡 渡口 渡簿|")
    expect(row(visit, "夜渡")).to_contain_text("第二章")
    drag(visit, row(visit, "渡簿"), row(visit, "^卷二"), 0.8)
    comes(visit, "楔子|夜渡 渡口|渡簿")
    drag(visit, row(visit, "^卷二"), row(visit, "^卷一"), 0.3)
    comes(visit, "楔子|渡簿|夜渡 渡口")
    drag(visit, row(visit, "渡口"), row(visit, "楔子"), 0.2)
    comes(visit, "渡口 楔子|渡簿|夜渡")


def test_a_refused_order_goes_back(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口", "渡簿"]))
    visit.expected.append("500")
    visit.page.route("**/order", lambda route: route.fulfill(status=500, body="{}"))
    row(visit, "渡簿").focus()
    visit.page.keyboard.press("Alt+Shift+ArrowUp")
    expect(visit.page.get_by_role("alert")).to_be_visible()
    visit.until(lambda: shown(visit)[1:] == ["第一章 渡口", "第二章 渡簿"], "the old order")
    assert told(visit) == "|渡口 渡簿"


def test_names_are_written_over_in_place(visit: Visit) -> None:
    work = bound(visit, ("卷一", ["渡口", "渡簿"]))
    row(visit, "渡口").focus()
    visit.page.keyboard.press("F2")
    field = tree(visit).get_by_role("textbox", name="章名")
    expect(field).to_be_focused()
    field.fill("旧船")
    field.press("Escape")
    expect(row(visit, "渡口")).to_be_focused()
    visit.page.keyboard.press("F2")
    field.fill("旧船")
    field.press("Enter")
    expect(row(visit, "第一章 旧船")).to_be_focused()
    visit.until(lambda: told(visit) == "|旧船 渡簿", "the name at the server")
    row(visit, "^卷一").focus()
    visit.page.keyboard.press("F2")
    tree(visit).get_by_role("textbox", name="卷名").fill("归渡")
    visit.page.keyboard.press("Enter")
    expect(row(visit, "^归渡")).to_be_visible()
    volumes = f"/api/works/{work}/volumes"
    visit.until(lambda: visit.served.ok("GET", volumes)[0]["title"] == "归渡", "the volume's name")


def test_a_chapter_goes_to_the_bin_and_comes_back(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口", "渡簿", "夜渡"]))
    expect(row(visit, "夜渡")).to_have_attribute("aria-current", "page")
    row(visit, "夜渡").focus()
    visit.page.keyboard.press("Delete")
    comes(visit, "|渡口 渡簿")
    expect(row(visit, "渡簿")).to_have_attribute("aria-current", "page")
    visit.page.get_by_role("button", name="撤销").click()
    comes(visit, "|渡口 渡簿 夜渡")
    expect(row(visit, "第三章 夜渡")).to_be_visible()

    row(visit, "渡口").focus()
    visit.page.keyboard.press("Delete")
    comes(visit, "|渡簿 夜渡")
    visit.page.get_by_role("button", name="这本书的更多").click()
    visit.page.get_by_role("menuitem", name="回收处").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="放回：渡口").click()
    expect(visit.page.get_by_text("回收处是空的。")).to_be_visible()
    comes(visit, "|渡口 渡簿 夜渡")


def test_a_volume_goes_and_its_chapters_stay(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口"]), ("卷二", ["渡簿"]), ("卷三", ["夜渡"]))
    row(visit, "^卷二").focus()
    visit.page.keyboard.press("Delete")
    comes(visit, "|渡口 渡簿|夜渡")
    visit.page.get_by_role("button", name="撤销").click()
    comes(visit, "|渡口|渡簿|夜渡")
    expect(row(visit, "^卷二")).to_be_visible()


def test_a_state_is_chosen_and_told_by_its_shape(visit: Visit) -> None:
    work = bound(visit, ("卷一", ["渡口", "渡簿"]))
    row(visit, "渡口").click(button="right")
    visit.page.get_by_role("menuitemcheckbox", name="已完成").click()
    expect(row(visit, "已完成 第一章 渡口")).to_be_focused()
    row(visit, "渡簿").focus()
    visit.page.keyboard.press("Shift+F10")
    visit.page.get_by_role("menuitemcheckbox", name="已锁定").click()
    expect(row(visit, "已锁定 第二章 渡簿").locator("svg").first).to_be_visible()
    expect(visit.page.locator(".ProseMirror")).to_have_attribute("contenteditable", "false")

    def states() -> list[str]:
        return [c["status"] for c in visit.served.ok("GET", f"/api/works/{work}/chapters")]

    visit.until(lambda: states() == ["done", "locked"], "both states at the server")


def test_a_new_chapter_stands_behind_the_open_one(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口", "渡簿"]))
    row(visit, "渡口").click()
    expect(row(visit, "渡口")).to_have_attribute("aria-current", "page")
    visit.page.keyboard.press("Control+Alt+KeyN")
    comes(visit, "|渡口  渡簿")
    expect(row(visit, "^草稿 第二章")).to_have_attribute("aria-current", "page")
    expect(row(visit, "第三章 渡簿")).to_be_visible()


def test_an_empty_book_offers_a_beginning(visit: Visit) -> None:
    work = visit.served.ok("POST", "/api/works", json={"title": "新书"})["id"]
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
    visit.open(f"#/w/{work}")
    visit.page.get_by_role("button", name="从第一章写起").click()
    expect(row(visit, "第一章")).to_have_attribute("aria-current", "page")
    visit.page.locator(".ProseMirror").click()
    visit.page.keyboard.type("雨下了一夜。")
    expect(row(visit, "草稿 第一章 6")).to_be_visible()


def test_the_day_is_measured_against_a_goal(visit: Visit) -> None:
    bound(visit, ("卷一", ["渡口"]))
    contents = visit.page.get_by_role("navigation", name="目录")
    contents.get_by_role("button", name=re.compile("今日")).click()
    dialog = visit.page.get_by_role("dialog", name="每天的目标")
    expect(dialog.get_by_role("img", name=re.compile("最近 30 天里有 1 天写了字"))).to_be_visible()
    dialog.get_by_label("每天写多少字").fill("100")
    dialog.get_by_role("button", name="保存").click()
    meter = contents.get_by_role("meter")
    before = int(meter.get_attribute("aria-valuenow") or "0")
    assert 0 < before < 100
    visit.page.locator(".ProseMirror").click()
    visit.page.keyboard.type("江面起了雾")
    expect(meter).to_have_attribute("aria-valuenow", str(before + 5), timeout=60_000)


def test_a_book_of_two_thousand_chapters_keeps_few_rows_on_the_page(visit: Visit) -> None:
    text = "\n".join(f"第{n}章 夜{n}\n\n雨下了一夜。灯亮着。" for n in range(1, 2001))
    ok = visit.served.ok
    upload = ok("POST", "/api/imports", files={"file": ("长书.txt", text.encode())})["upload"]
    work = ok("POST", f"/api/imports/{upload}/commit", json={})["work"]
    visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
    visit.open(f"#/w/{work}")
    expect(row(visit, "第2000章")).to_have_attribute("aria-current", "page")
    assert len(shown(visit)) < 80
    row(visit, "第2000章").focus()
    visit.page.keyboard.press("Home")
    expect(row(visit, "第1章")).to_be_focused()
    visit.page.keyboard.type("990")
    expect(row(visit, "第990章")).to_be_focused()
    assert len(shown(visit)) < 80
    visit.page.get_by_role("searchbox", name="筛选章节").fill("夜1990")
    expect(row(visit, "第1990章")).to_be_visible()
    assert shown(visit) == ["第1990章 夜1990"]
    # The service can only be closed in time when it has read the book.
    assert visit.served.desk.indexer.fresh(work, 120)
