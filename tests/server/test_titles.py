"""What chapters are called, counted or by their own titles."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.numerals import number_of
from server.models import Work
from server.titles import TitleRow, called, full_titles
from tests.server.conftest import Client

KINDS = st.sampled_from(["preface", "chapter", "chapter", "extra", "afterword"])
TITLES = st.text(st.sampled_from("第一二12章回、 　雨夜"), max_size=8)
CHAPTERS = st.lists(st.tuples(KINDS, TITLES), max_size=30).map(
    lambda rows: [TitleRow(str(n), *row) for n, row in enumerate(rows)]
)


@given(CHAPTERS)
def test_chapters_are_counted_and_nothing_else_is(chapters: list[TitleRow]) -> None:
    names = called(Work(title="书", numbering="auto", unit="回"), chapters)
    labels = [names[c.id].label for c in chapters if c.kind == "chapter"]
    assert [label[0] + label[-1] for label in labels] == ["第回"] * len(labels)
    assert [number_of(label[1:-1]) for label in labels] == list(range(1, len(labels) + 1))
    assert not any(names[c.id].label for c in chapters if c.kind != "chapter")


@given(CHAPTERS)
def test_a_title_of_one_s_own_is_never_changed(chapters: list[TitleRow]) -> None:
    work = Work(title="书", numbering="own")
    assert full_titles(work, chapters) == {c.id: c.title for c in chapters}
    for chapter in chapters:
        name = called(work, chapters)[chapter.id]
        assert chapter.title.startswith(name.label)
        assert chapter.title.endswith(name.name)


def test_a_number_in_a_counted_title_gives_way_to_the_count() -> None:
    rows = [
        TitleRow("a", "preface", "楔子"),
        TitleRow("b", "chapter", "第九章 雨夜"),
        TitleRow("c", "extra", "番外一"),
        TitleRow("d", "chapter", ""),
        TitleRow("e", "chapter", "第三章　渡口"),
    ]
    titles = full_titles(Work(title="书", numbering="auto", unit="章"), rows)
    # A title that says its very number stays as it was written, with the author's own blank.
    assert list(titles.values()) == ["楔子", "第一章 雨夜", "番外一", "第二章", "第三章　渡口"]


def test_counted_labels_follow_the_order_and_reach_search_and_prompts(api: Client) -> None:
    work, ids = api.book({"雨夜": "雨下了一夜。", "空砚": "墨干了。", "渡口": "船只剩一条。"})
    root = f"/api/works/{work}/chapters"

    def labels() -> list[str]:
        return [f"{c['label']} {c['name']}" for c in api.ok("GET", root)]

    assert labels() == ["第一章 雨夜", "第二章 空砚", "第三章 渡口"]
    api.ok("POST", root, json={"title": "楔子", "kind": "preface", "position": 0})
    moved = api.ok("PATCH", f"{root}/{ids[2]}", json={"position": 1})
    assert (moved["label"], moved["name"], moved["title"]) == ("第一章", "渡口", "渡口")
    assert labels() == [" 楔子", "第一章 渡口", "第二章 雨夜", "第三章 空砚"]
    api.ok("PATCH", f"/api/works/{work}", json={"unit": "回"})
    assert api.ok("GET", f"{root}/{ids[1]}")["label"] == "第三回"
    assert api.desk.indexer.fresh(work, 100)
    found = api.ok("GET", f"/api/works/{work}/search", params={"q": "船只剩一条"})
    assert "第一回 渡口" in str(found)
    prompt = api.ok("POST", f"{root}/{ids[1]}/context", json={})
    assert "第三回 空砚" in str(prompt["messages"])
    text = api.http.get(f"/api/works/{work}/export?format=txt").text
    assert "\n第二回 雨夜\n" in text


def test_an_imported_book_keeps_its_own_numbers(api: Client) -> None:
    text = "第五章　雨夜\n\n雨下了一夜。\n\n第七章　渡口\n\n船只剩一条。\n".encode()
    upload = api.ok("POST", "/api/imports", files={"file": ("书.txt", text)})["upload"]
    work = api.ok("POST", f"/api/imports/{upload}/commit", json={})["work"]
    assert api.ok("GET", f"/api/works/{work}")["numbering"] == "own"
    found = api.ok("GET", f"/api/works/{work}/chapters")
    assert [(c["label"], c["name"]) for c in found] == [("第五章", "雨夜"), ("第七章", "渡口")]


def test_a_chapter_may_have_no_name(api: Client) -> None:
    work, _ = api.book({"雨夜": "雨。"})
    made = api.ok("POST", f"/api/works/{work}/chapters", json={})
    assert (made["title"], made["label"], made["name"]) == ("", "第二章", "")
