"""Site spam, encoding damage and unwanted words go; clean text stays to the last character."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.cleaning import REASONS, Cleaner, Rules, keywords_in
from training.data.damage import lost, mend
from training.data.spam import find_spam, without
from training.errors import BadInput
from training.types import Chat, Item, Origin, Preference, Text, Turn

COMMON = (
    "的一是了不在有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家她么"
    "起后然而里开头手看天心面向声走问见前"
)
SIGNS = "，。！？；：、…—“”‘’（）《》「」 \n\u3000abcWWW.0123456789"
prose = st.text(st.sampled_from(COMMON * 4 + SIGNS), max_size=120)
sayings = st.sampled_from([
    "“你上网查，www.abc.com，首发就在那里。”他说。", "他打开电脑，输入了 www.abc.com。",
    "他在书末写道，求月票，然后关了电脑。", "上一章说到，行者去借芭蕉扇。", "她收藏了三方砚台。",
    "未完待续的故事，谁也不想听。", "“烫烫烫！”她缩回了手。", "请记住，城南柳巷三号。",
    "目录", "她说：“天才一秒记住本站地址，这种话你也信？”", "À la recherche du temps perdu，他念。",
    "он сказал：Привет。", "ハイ、分かりました。", "👩‍👩‍👧 看灯去了。", "邨、龘、㐂都是字。",
])  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(prose | sayings, min_size=1, max_size=6).map("\n".join))
def test_clean_text_is_never_touched(text: str) -> None:
    cleaner = Cleaner()
    items: list[Item] = [
        Text(text + "字"),
        Chat((Turn("user", text), Turn("assistant", text + "答"))),
        Preference((Turn("user", text),), text + "甲", text + "乙"),
    ]
    for item in items:
        assert cleaner.clean(item) is item
    assert cleaner.report() == {"seen": 3, "changed": 0, "dropped": 0, "removed": []}


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_comes_is_either_kept_or_counted(one: str, other: str) -> None:
    cleaner = Cleaner()
    item = Chat((Turn("user", one + "问"), Turn("assistant", other + "答")))
    if cleaner.clean(item) is not item:
        assert cleaner.report()["removed"]


SPAM = {
    "site_notice": [
        "天才一秒记住本站地址：www.qingdeng-read.com。",
        "请记住本书首发域名：ｗｗｗ．ａｂｃｄｅｆ．ｃｏｍ。",
        "手机用户请浏览m.moxiang.cc阅读，更优质的阅读体验。",
        "（本章未完，请点击下一页继续阅读）",
        "正在手打中，请稍等片刻，内容更新后，请重新刷新页面，即可获取最新更新！",
        "喜欢《雨夜渡口》请大家收藏：(www.yuye8.com)《雨夜渡口》青灯读书更新速度全网最快。",
        "百度搜索“青灯小说网”看最新章节！",
        "【青灯小说网首发】",
        "关注公众号：砚边小站，看书领红包！",
        "书友群：123456789，欢迎加入。",
        "章节错误,点此举报(免注册)。",
        "最新章节全文无弹窗免费阅读尽在青灯读书www。qingdeng。com！",
    ],
    "site_address": ["更新最快的地方在 http://www.qingdeng.net/book/12.html 。"],
}
LINES = {
    "navigation": ["上一章 | 返回目录 | 下一章", "上一页 目录 下一页"],
    "chapter_end": ["（本章完）", "未完待续……", "【本章结束】"],
    "begging": ["PS：今天三更，求月票求推荐票！", "求收藏，求推荐票，谢谢大家支持！",
                "各位书友，新书上传，求收藏求推荐！", "感谢诸位，第三更送到，月票砸过来！"],
    "site_notice": ["『加入书签，方便阅读』", "-->>本章未完，点击下一页继续阅读"],
}  # fmt: skip
BEFORE, AFTER = "他转过身来，望着江面。", "她没有说话，只把灯挑亮了些。"


@pytest.mark.parametrize("spam", [spam for many in SPAM.values() for spam in many])
def test_a_site_s_sentence_goes_and_its_neighbours_stay(spam: str) -> None:
    text = BEFORE + spam + AFTER
    assert without(text, find_spam(text)) == BEFORE + AFTER


@pytest.mark.parametrize(
    ("reason", "spam"),
    [(reason, spam) for table in (SPAM, LINES) for reason, many in table.items() for spam in many],
)
@pytest.mark.parametrize(
    ("before", "after"), [("{}\n", "\n{}"), ("{}\r\n", "\r\n{}"), ("", "\n{}"), ("{}\n", "")]
)
def test_a_site_s_line_goes_with_its_line_end(
    reason: str, spam: str, before: str, after: str
) -> None:
    text = before.format(BEFORE) + spam + after.format(AFTER)
    spans = find_spam(text)
    expected = before.format(BEFORE) + after.format(AFTER).lstrip("\r\n")
    assert without(text, spans).rstrip("\r\n") == expected.rstrip("\r\n")
    assert {span.reason for span in spans} == {reason}


@settings(deadline=None, max_examples=100)
@given(st.lists(prose | st.sampled_from([s for many in SPAM.values() for s in many]), max_size=5))
def test_spans_are_in_order_and_inside(parts: list[str]) -> None:
    text = "".join(parts)
    at = 0
    for span in find_spam(text):
        assert at <= span.start < span.end <= len(text)
        at = span.end


GOOD = "江上起了薄雾，渡口的灯一盏一盏亮起来。她把信折好，压在砚台底下。"


@pytest.mark.parametrize(
    "bad",
    [GOOD.encode().decode("latin-1"), GOOD.encode("gbk").decode("latin-1"),
     "".join(chr(b) if b in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([b]).decode("cp1252")
             for b in GOOD.encode())],
    ids=["utf-8 as latin-1", "gbk as latin-1", "utf-8 as windows"],
)  # fmt: skip
def test_what_was_taken_for_latin_is_read_again(bad: str) -> None:
    text, mended = mend(f"{BEFORE}\n{bad}\n{AFTER}")
    assert text == f"{BEFORE}\n{GOOD}\n{AFTER}"
    assert {each.reason for each in mended} == {"mojibake"}


def _in_gbk(pair: str) -> bool:
    try:
        return bool(pair.encode().decode("gbk"))
    except UnicodeDecodeError:
        return False


PAIRS = [a + b for a in COMMON for b in COMMON if _in_gbk(a + b)]
"""Two characters of UTF-8 are three of GBK, if they are any."""


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(PAIRS), min_size=4, max_size=20).map("".join))
def test_utf8_taken_for_gbk_is_read_again(text: str) -> None:
    assert mend(text.encode().decode("gbk"))[0] == text


def test_what_is_lost_is_found() -> None:
    odd = GOOD[:-1].encode().decode("gbk", "replace")
    for bad in ("他说\ufffd\ufffd。", "锟斤拷锟斤拷", "烫烫烫烫烫烫烫烫烫烫", odd,
                GOOD.encode().decode("cp1252", "ignore")):  # fmt: skip
        assert list(lost(bad)), bad
    assert list(lost("“烫烫烫！”屯屯在锟铻旁。")) == []


def test_invisible_signs_go_and_those_of_emoji_stay() -> None:
    text, mended = mend("\ufeff他\u200b来\x00了。👩\u200d👧\r\n\t她")
    assert text == "他来了。👩\u200d👧\r\n\t她"
    assert [each.reason for each in mended] == ["invisible"] * 3


def reasons(cleaner: Cleaner) -> dict[str, Any]:
    return {each["reason"]: each for each in cleaner.report()["removed"]}


def test_every_removal_is_counted_with_an_example() -> None:
    cleaner = Cleaner(Rules(keywords=("违禁",)))
    book = Text("\n".join([BEFORE, SPAM["site_notice"][0], "这一行有违禁的字。", AFTER,
                "坏了\ufffd的一行", *[BEFORE] * 9]), Origin("书.txt", "第一章"))  # fmt: skip
    kept = cleaner.clean(book)
    assert isinstance(kept, Text)
    assert kept.text == "\n".join([BEFORE, AFTER, *[BEFORE] * 9])
    assert kept.origin == book.origin
    told = reasons(cleaner)
    assert set(told) == {"site_notice", "keyword", "damaged"} <= set(REASONS)
    assert told["keyword"]["example"] == "这一行有违禁的字。"
    assert (told["keyword"]["source"], told["keyword"]["place"]) == ("书.txt", "第一章")
    assert told["site_notice"]["characters"] == len(SPAM["site_notice"][0]) + 1
    assert (cleaner.changed, cleaner.dropped) == (1, 0)
    json.dumps(cleaner.report())


def chat(question: str, answer: str) -> Chat:
    return Chat((Turn("user", question), Turn("assistant", answer)), Origin("甲", "第 1 条"))


def test_conversations_go_as_a_whole_where_half_would_be_wrong() -> None:
    cleaner = Cleaner(Rules(keywords=("违禁",)))
    assert cleaner.clean(chat("问", "答\ufffd")) is None
    assert cleaner.clean(chat("违禁的问", "答")) is None
    assert cleaner.clean(chat("问", SPAM["site_notice"][1])) is None
    assert cleaner.clean(chat("问", "答。" + SPAM["site_notice"][1])) == chat("问", "答。")
    assert cleaner.clean(Preference((Turn("user", "问"),), "甲\ufffd", "乙")) is None
    told = reasons(cleaner)
    assert {reason: each["items"] for reason, each in told.items()} == {
        "damaged": 2, "keyword": 1, "site_notice": 0, "empty": 1,
    }  # fmt: skip
    assert (cleaner.seen, cleaner.changed, cleaner.dropped) == (5, 1, 4)


def test_a_book_that_is_mostly_damaged_goes_and_tags_of_pages_too() -> None:
    cleaner = Cleaner()
    assert cleaner.clean(Text("好。\n坏\ufffd了一整行的文字")) is None
    page = Text("<p>他来了。</p><p>&nbsp;&nbsp;她走了。<br/>\n灯灭了。</p>完")
    kept = cleaner.clean(page)
    assert isinstance(kept, Text)
    assert kept.text == "他来了。\n\xa0\xa0她走了。\n灯灭了。\n完"
    talk = chat("&nbsp; 是什么？", "<br> 是换行。")
    assert cleaner.clean(talk) is talk


def test_rules_can_be_left_out(tmp_path: Path) -> None:
    item = chat("问", "答\ufffd" + SPAM["site_notice"][1])
    assert Cleaner(Rules(spam=False, damage=False)).clean(item) is item
    words = tmp_path / "词.txt"
    words.write_text("\ufeff# 说明\n违禁\n\n另一个词\n", "utf-8")
    assert keywords_in(words) == ("违禁", "另一个词")
    with pytest.raises(BadInput, match=r"词\.txt"):
        words.write_bytes("违禁".encode("gbk"))
        keywords_in(words)


def test_real_novels_are_left_alone(shared_data: Path) -> None:
    """Public-domain editions without spam: nothing of them may go but two tags of a page."""
    told = []
    for path in sorted((shared_data / "novels").glob("*.txt")):
        cleaner = Cleaner()
        cleaner.clean(Text(path.read_text("utf-8"), Origin(path.name)))
        told += [(each["reason"], each["source"], each["example"])
                 for each in cleaner.report()["removed"]]  # fmt: skip
    assert told == [("html", "三侠五义.txt", "<br/>")]
