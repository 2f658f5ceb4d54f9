"""The story room: people, relations, outline, lore, threads, time, recaps, in a real browser."""

import io
import json
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.e2e.visit import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RAIN = "雨下了一夜。沈砚把缺角的铜铃挂回檐下，铃舌早就没了。\n屋里的灯亮着，阿蘅在等他。"
FERRY = "渡口的船只剩一条。铜铃响了一声，沈砚抬起头来。"


class Room:
    """Somebody in the story room of a book of two chapters and two characters."""

    def __init__(self, visit: Visit) -> None:
        visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
        self.visit, self.page = visit, visit.page
        self.work, self.chapters = visit.served.book(
            ("第一章　雨夜", RAIN), ("第二章　渡口", FERRY)
        )
        sheet = {"身份": "渡口的先生", "外貌": "左手有伤"}
        self.shen = self.post("characters", name="沈砚", sheet=sheet)["id"]
        self.heng = self.post("characters", name="阿蘅")["id"]

    def ok(self, method: str, path: str, **how: Any) -> Any:
        return self.visit.served.ok(method, f"/api/works/{self.work}/{path}", **how)

    def post(self, path: str, **body: Any) -> Any:
        return self.ok("POST", path, json=body)

    def open(self, place: str) -> Locator:
        self.visit.open(f"#/w/{self.work}/story/{place}")
        main = self.page.locator("main[aria-label]")
        expect(main).to_be_visible()
        return main

    def saved(self) -> None:
        expect(self.page.get_by_role("navigation", name="故事的各页")).to_contain_text("都已保存")

    def person(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ok("GET", f"characters/{self.shen}")
        return found


@pytest.fixture
def room(visit: Visit) -> Room:
    return Room(visit)


def test_a_sheet_is_saved_as_it_is_typed_in_the_authors_order(room: Room) -> None:
    room.open(f"cast/{room.shen}")
    sheet = room.page.get_by_role("article", name="沈砚")
    sheet.get_by_role("textbox", name="别名").fill("沈先生")
    sheet.get_by_role("textbox", name="别名").press("Enter")
    sheet.get_by_role("textbox", name="新的标签").fill("秘密")
    sheet.get_by_role("textbox", name="新的标签").press("Enter")
    sheet.get_by_role("textbox", name="秘密", exact=True).fill("他听得见铃")
    sheet.get_by_role("button", name="秘密：上移").click()
    sheet.get_by_role("textbox", name="标签：外貌").fill("样貌")
    sheet.get_by_role("textbox", name="标签：外貌").press("Tab")
    room.saved()
    person = room.visit.until(lambda: room.person()["aliases"] and room.person(), "the aliases")
    assert person["aliases"] == ["沈先生"]
    assert list(person["sheet"].items()) == [
        ("身份", "渡口的先生"), ("秘密", "他听得见铃"), ("样貌", "左手有伤"),
    ]  # fmt: skip


def test_what_is_typed_while_the_service_is_away_is_saved_when_it_is_back(room: Room) -> None:
    room.visit.expected.append("ERR_")
    room.open(f"cast/{room.shen}")
    name = room.page.get_by_role("textbox", name="名字", exact=True)
    expect(name).to_have_value("沈砚")
    room.page.route("**/characters/*", lambda route: route.abort("connectionrefused"))
    name.fill("沈砚之")
    expect(room.page.get_by_text("连不上服务，1 处改动留在本机")).to_be_visible()
    assert room.person()["name"] == "沈砚"
    room.page.unroute("**/characters/*")
    room.page.reload()
    expect(name).to_have_value("沈砚之")
    room.saved()
    assert room.person()["name"] == "沈砚之"


def test_a_refused_change_is_told_and_can_be_given_up(room: Room) -> None:
    fact = room.post("facts", entity="沈砚", attribute="手", value="有伤", character_id=room.shen)
    room.visit.expected.append("422")
    room.open(f"cast/{room.shen}")
    room.page.get_by_role("button", name="手 有伤").click()
    room.page.get_by_role("button", name=re.compile("^出处在哪一章")).click()
    room.page.get_by_role("button", name="第二章 渡口").click()
    room.page.get_by_role("textbox", name="出处", exact=True).fill("书里没有这句话")
    room.page.get_by_role("button", name="记下出处").click()
    expect(room.page.get_by_text("没能保存：")).to_be_visible()
    room.page.get_by_role("button", name="放弃这处改动").click()
    room.saved()
    found = [f for f in room.ok("GET", "facts") if f["id"] == fact["id"]]
    assert found[0]["evidence"] == ""


def test_a_deleted_character_can_be_had_back(room: Room) -> None:
    room.open(f"cast/{room.shen}")
    row = room.page.get_by_role("link", name="沈砚")
    room.page.get_by_role("button", name="删掉这个人物").click()
    expect(row).to_have_count(0)
    room.page.get_by_role("button", name="撤销").click()
    expect(row).to_be_visible()
    assert room.person()["name"] == "沈砚"
    row.click()
    room.page.get_by_role("button", name="删掉这个人物").click()
    left = lambda: [c["name"] for c in room.ok("GET", "characters")] == ["阿蘅"]  # noqa: E731
    room.visit.until(left, "the deletion")


def test_a_portrait_is_seen_and_taken_away(room: Room) -> None:
    room.open(f"cast/{room.shen}")
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), (160, 60, 40)).save(picture, "PNG")
    file = {"name": "沈砚.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    room.page.get_by_label("头像", exact=True).set_input_files(files=[file])  # type: ignore[list-item]
    drawn = "() => [...document.querySelectorAll('article img')].some((i) => i.naturalWidth === 64)"
    room.page.wait_for_function(drawn)
    room.page.get_by_role("button", name="去掉头像").click()
    expect(room.page.locator("article img")).to_have_count(0)
    assert room.person()["portrait"] is False


def test_a_change_over_the_story_begins_behind_words(room: Room) -> None:
    room.open(f"cast/{room.shen}")
    room.page.get_by_role("button", name="添一段变化").click()
    room.page.get_by_role("button", name="从：从开头起").click()
    pick = room.page.get_by_role("dialog", name="从")
    pick.get_by_role("button", name="第一章 雨夜").click()
    pick.get_by_role("textbox", name="从哪句话后面算起").fill("没有的话")
    pick.get_by_role("button", name="就从这里").click()
    expect(pick.get_by_role("alert")).to_have_text("这一章里没有这几个字。")
    pick.get_by_role("textbox", name="从哪句话后面算起").fill("铃舌早就没了。")
    pick.get_by_role("button", name="就从这里").click()
    expect(room.page.get_by_role("button", name="从：第一章")).to_be_visible()
    room.saved()
    row = room.ok("GET", "progressions")[0]
    assert RAIN[: row["since_offset"]].endswith("铃舌早就没了。")


def test_relations_are_the_same_in_the_graph_and_in_the_list(room: Room) -> None:
    bond = room.post(
        "relations", a=room.shen, b=room.heng, label="故人", since_chapter_id=room.chapters[1]
    )
    room.open("relations")
    drawn = room.page.get_by_role("link", name="沈砚 与 阿蘅：故人")
    expect(drawn).to_be_attached()
    room.page.get_by_role("slider", name="截至").fill("0")
    expect(drawn).to_have_count(0)
    room.page.get_by_role("slider", name="截至").fill("1")
    expect(drawn).to_be_attached()
    room.page.get_by_role("button", name="名单").click()
    room.page.get_by_role("link", name="沈砚 — 阿蘅 故人").click()
    room.page.get_by_role("textbox", name="阿蘅 对沈砚来说是").fill("仇人")
    room.page.get_by_role("checkbox", name="反过来也一样").uncheck()
    room.saved()
    found = room.ok("GET", "relations")[0]
    assert (found["id"], found["label"], found["mutual"]) == (bond["id"], "仇人", False)


def test_the_outline_is_moved_by_keys_and_by_the_pointer(room: Room) -> None:
    volume = room.post("outline", kind="volume", title="卷一")["id"]
    for n, title in enumerate(("起", "承", "转")):
        room.post("outline", kind="chapter", title=title, parent_id=volume, position=n)

    def order() -> list[str]:
        rows = [n for n in room.ok("GET", "outline") if n["parent_id"] == volume]
        return [n["title"] for n in sorted(rows, key=lambda n: n["position"])]

    room.open("outline")
    tree = room.page.get_by_role("tree", name="大纲")
    tree.get_by_role("treeitem", name="转").focus()
    room.page.keyboard.press("Alt+Shift+ArrowUp")
    room.visit.until(lambda: order() == ["起", "转", "承"], "the move by keys")
    expect(tree.get_by_role("treeitem", name="转")).to_be_focused()
    target = tree.get_by_role("treeitem", name="起")
    box = target.bounding_box()
    assert box
    above = {"x": box["width"] / 2, "y": 3}
    tree.get_by_role("treeitem", name="承").drag_to(target, target_position=above)  # type: ignore[arg-type]
    room.visit.until(lambda: order() == ["承", "起", "转"], "the drop")


def test_a_beat_is_added_and_ticked_off(room: Room) -> None:
    chapter = room.post("outline", kind="chapter", title="起")["id"]
    room.open(f"outline/{chapter}")
    room.page.get_by_role("textbox", name="下一个节拍").fill("铃响了")
    room.page.get_by_role("textbox", name="下一个节拍").press("Enter")
    room.page.get_by_role("checkbox", name="写完了：铃响了").check()
    expect(room.page.get_by_role("treeitem", name="起")).to_contain_text("1/1 节拍")
    room.saved()
    beat = next(n for n in room.ok("GET", "outline") if n["kind"] == "beat")
    assert (beat["summary"], beat["parent_id"], beat["done"]) == ("铃响了", chapter, True)


def test_an_entry_is_written_and_tried_before_it_is_used(room: Room) -> None:
    room.open("lore")
    room.page.get_by_role("button", name="新建一本").click()
    room.page.get_by_role("textbox", name="名字", exact=True).fill("渡口")
    room.page.get_by_role("textbox", name="新条目的名字").fill("缺角铜铃")
    room.page.get_by_role("textbox", name="新条目的名字").press("Enter")
    keys = room.page.get_by_role("textbox", name="触发词")
    keys.fill("铜铃，铃舌")
    keys.press("Enter")
    room.page.get_by_role("textbox", name="内容").fill("没有铃舌，风来也不响。")
    room.page.get_by_text("高级", exact=True).click()
    room.page.get_by_role("spinbutton", name="可能性 %").fill("100")
    room.page.get_by_role("link", name="试触发").click()
    room.page.get_by_role("button", name="试一试").click()
    hits = room.page.get_by_role("region", name="会带上 1 条")
    expect(hits).to_contain_text("缺角铜铃")
    expect(hits).to_contain_text("铜铃")
    book = room.ok("GET", "lorebooks")[0]
    entry = room.ok("GET", f"lorebooks/{book['id']}/entries")[0]
    assert (book["name"], entry["keys"]) == ("渡口", ["缺角铜铃", "铜铃", "铃舌"])
    room.page.get_by_role("button", name="设定集：更多").click()
    with room.page.expect_download() as download:
        room.page.get_by_role("menuitem", name="导出为 World Info").click()
    kept = json.loads(download.value.path().read_text("utf-8"))
    assert [e["content"] for e in kept["entries"].values()] == ["没有铃舌，风来也不响。"]


def test_a_thread_is_planted_and_answered(room: Room) -> None:
    room.open("threads")
    room.page.get_by_role("textbox", name="新伏笔叫什么").fill("铃为什么响")
    room.page.get_by_role("textbox", name="新伏笔叫什么").press("Enter")
    sheet = room.page.get_by_role("article", name="铃为什么响")
    notes = sheet.get_by_role("form", name="记一笔")
    notes.get_by_role("button", name="故事里的位置").click()
    pick = room.page.get_by_role("dialog", name="故事里的位置")
    pick.get_by_role("button", name="第一章 雨夜").click()
    pick.get_by_role("button", name="就从这里").click()
    notes.get_by_role("button", name="记一笔").click()
    expect(sheet).to_contain_text("按下面的记录：埋下")
    room.post(
        f"threads/{room.ok('GET', 'threads')[0]['id']}/events",
        kind="resolve", chapter_id=room.chapters[1],
    )  # fmt: skip
    room.page.reload()
    expect(sheet).to_contain_text("按下面的记录：收了")
    spark = sheet.get_by_role("img", name="铃为什么响：第一章埋下，第二章收束")
    expect(spark).to_be_visible()
    room.page.get_by_role("button", name="没收的").click()
    expect(room.page.get_by_text("没有找到。")).to_be_visible()


def test_a_scene_out_of_order_moves_in_the_storys_time(room: Room) -> None:
    room.open("timeline")
    room.page.get_by_role("button", name="添一个插叙的场景").click()
    room.page.get_by_role("textbox", name="叫什么").fill("那年的铃")
    room.page.get_by_role("button", name="发生在哪一章之后：第一章").click()
    room.page.get_by_role("button", name="全书开始以前").click()
    room.saved()
    lines = room.page.get_by_role("list", name="时间线").get_by_role("listitem")
    told = lambda: [line.inner_text() for line in lines.all()]  # noqa: E731
    room.visit.until(lambda: "那年的铃" in " ".join(told()[:2]), "the scene before the book")
    room.page.get_by_role("link", name="对照图").click()
    chart = room.page.get_by_role("img", name="左边是讲述的先后，右边是故事里的先后；1 个场景")
    expect(chart).to_contain_text("那年的铃")


def test_a_recap_by_hand_is_kept_and_given_back(room: Room) -> None:
    chapter = room.chapters[0]
    listed = lambda: room.ok("GET", "recaps")["recaps"]  # noqa: E731
    room.visit.until(lambda: any(r["target_id"] == chapter for r in listed()), "the recaps")
    room.open(f"recaps/chapter-{chapter}")
    text = room.page.get_by_role("textbox", name="提要")
    text.fill("沈砚挂回了铜铃。")
    room.page.reload()
    expect(text).to_have_value("沈砚挂回了铜铃。")
    expect(room.page.get_by_text("改动还没有存")).to_be_visible()
    room.page.get_by_role("button", name="存为自己写的").click()
    expect(room.page.get_by_role("article").get_by_text("自己写的", exact=True)).to_be_visible()
    mine = next(r for r in listed() if r["target_id"] == chapter and r["level"] == "chapter")
    assert (mine["text"], mine["maker"]) == ("沈砚挂回了铜铃。", "author")
    room.page.get_by_role("button", name="交还给程序").click()
    expect(room.page.get_by_role("button", name="让模型写这一条")).to_be_visible()


def test_nothing_is_wider_than_a_small_page(room: Room) -> None:
    room.page.set_viewport_size({"width": 360, "height": 800})
    room.post("relations", a=room.shen, b=room.heng, label="故人")
    node = room.post("outline", kind="chapter", title="起")["id"]
    thread = room.post("threads", title="铃为什么响")["id"]
    places = (f"cast/{room.shen}", "relations", f"outline/{node}", "lore", f"threads/{thread}",
              "timeline", "timeline/chart", "recaps", "documents")  # fmt: skip
    wider = {}
    for place in places:
        room.open(place)
        room.page.wait_for_load_state("networkidle")
        wider[place] = room.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert not {place: by for place, by in wider.items() if by > 0}
