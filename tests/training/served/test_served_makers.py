"""What of an answer holds: summaries, drafts, lines, quotes, new items."""

import json
from pathlib import Path
from typing import Any

import pytest

from retrieval.quoting import Quoted
from tests.training.served.served_peer import Peer, said
from training.errors import BadInput
from training.novels.chunks import Chunk
from training.scripts.dialogue import Wanted
from training.served import augment, dialogue, questions
from training.served.asking import Unusable
from training.served.batch import Batch
from training.served.chunk_makers import placed
from training.served.chunk_makers import questions as questions_of
from training.served.summaries import DRAFTS, LONGEST, SUMMARIES, draft, shortened, summary
from training.served.variants import compare, sample_of, variant_of
from training.types import Chat, Turn

PROSE = (
    "雨下了一夜。沈砚推开门，灯还亮着。\n“你来了，”柳娘说，“坐。”\n"
    "他没有坐。“信呢？”沈砚问。\n柳娘把茶推过来，说起今年的春茶。“烧了。”她说。"
)


def chunk(text: str = PROSE, number: int = 0) -> Chunk:
    return Chunk(f"{number:016x}", "听雨", 0, "第一章", number, number + len(text), text)


def nothing(done: int, total: int, note: str = "") -> None:
    """No progress."""


def test_a_summary_is_one_sentence_of_fifty() -> None:
    assert summary(chunk(), "梗概：“沈砚雨夜来取信，柳娘说已经烧了。”") == (
        "沈砚雨夜来取信，柳娘说已经烧了。"
    )
    for text, why in (
        ("沈砚来了。信已烧了。", "2 句话"),
        ("沈砚，" * 20 + "来了。", "不能超过 50"),
        ("来了。", "太短"),
    ):
        with pytest.raises(Unusable, match=why):
            summary(chunk(), text)


def test_a_long_one_is_cut_at_a_clause() -> None:
    long = (
        "沈砚在雨夜里推开柳娘的门来取那封压了三年的旧信，柳娘请他坐下喝今年的春茶，"
        "说了半日闲话才低声告诉他信已经烧了。他走了。"
    )
    assert shortened(chunk(), long) == (
        "沈砚在雨夜里推开柳娘的门来取那封压了三年的旧信，柳娘请他坐下喝今年的春茶。"
    )
    with pytest.raises(Unusable, match="没有可以断开"):
        shortened(chunk(), "沈" * 80)


def test_a_long_summary_is_asked_for_again_then_cut(tmp_path: Path) -> None:
    long = f"{'沈砚雨夜来取信，' * 8}柳娘说烧了。"
    peer = Peer(lambda _: long)
    found = list(placed([chunk()]))
    asks = questions_of(SUMMARIES, SUMMARIES.variants["平实"], found)
    for kept in (0, 1):
        results = Batch(peer.client(), tmp_path / "a.jsonl").run(asks, nothing)
        [value] = results.values
        assert value is not None
        assert len(value) <= LONGEST
        assert value.endswith("。")
        assert (results.kept, results.nonsense, len(peer.bodies)) == (kept, 2, 2)
    assert "不能超过 50" in said(peer.bodies[1])


def test_a_draft_is_about_as_long_and_in_other_words() -> None:
    plain = (
        "下了一晚上的雨以后，沈砚去了柳娘家，那里点着灯。柳娘叫他坐下来，他不肯，只问那封信在哪。"
        "柳娘请他喝茶，又讲到了新茶，后来承认信已经没有了。"
    )
    assert draft(chunk(), plain) == plain
    with pytest.raises(Unusable, match="照抄"):
        draft(chunk(), PROSE)
    with pytest.raises(Unusable, match="个字之间"):
        draft(chunk(), "他来了。")
    assert DRAFTS.sampling(800).tokens > 1600


def told(*lines: tuple[str, str]) -> str:
    rows = [{"speaker": speaker, "line": line} for speaker, line in lines]
    return json.dumps({"lines": rows}, ensure_ascii=False)


def test_lines_that_nobody_said_are_dropped() -> None:
    found = dialogue.conversation(
        chunk(),
        told(("沈砚", "信呢？"), ("柳娘", "“坐。”"), ("柳娘", "你来了，"), ("柳娘", "喝茶"),
             ("旁白", "他没有坐"), ("未知", "烧了。")),
    )  # fmt: skip
    assert [(line.speaker, line.text) for line in found.lines] == [
        ("柳娘", "你来了，"), ("柳娘", "坐。"), ("沈砚", "信呢？"), ("", "烧了。"),
    ]  # fmt: skip
    assert found.dropped == 2
    assert all(PROSE[line.start : line.end] == line.text for line in found.lines)
    with pytest.raises(Unusable, match="没有一句"):
        dialogue.conversation(chunk(), told(("柳娘", "春茶")))
    assert dialogue.conversation(chunk(), told()) == dialogue.Conversation((), 0)


def test_the_same_words_said_twice_stand_in_two_places() -> None:
    prose = "“走。”甲说。“走？”乙问。“走。”甲又说。"
    found = dialogue.conversation(
        chunk(prose), told(("甲", "走。"), ("乙", "走？"), ("甲", "走。"), ("甲", "走。"))
    )
    assert [line.start for line in found.lines] == [1, 8, 15]
    assert found.dropped == 1


def test_a_role_learns_its_lines_and_the_chunk_is_the_origin() -> None:
    found = dialogue.conversation(
        chunk(), told(("柳娘", "坐。"), ("沈砚", "信呢？"), ("柳娘", "烧了。"))
    )
    [opening, answer] = dialogue.chats_of(chunk(), found, Wanted("柳娘"))
    assert [(turn.role, turn.text) for turn in answer.turns[-2:]] == [
        ("user", "信呢？"), ("assistant", "烧了。"),
    ]  # fmt: skip
    assert opening.turns[-1].text == "坐。"
    assert answer.origin.place == chunk().place
    assert (answer.origin.source, answer.origin.work, answer.origin.made_by) == (
        "听雨", "听雨", dialogue.MADE_BY,
    )  # fmt: skip


def test_prose_without_quotation_marks_is_looked_in_as_a_whole() -> None:
    assert Quoted("——走吧，他说。").find_speech("走吧") is not None
    assert Quoted("“走吧”，他说。").find_speech("他说") is None
    place = Quoted("走\n吧，他　说。").find("吧，他说")
    assert place is not None
    assert place.text == "吧，他　说"


def test_an_answer_quotes_what_stands_in_the_text() -> None:
    pairs = [
        {"question": "信怎样了？", "answer": "被柳娘烧了。", "quote": "“烧了。”她说"},
        {"question": "信怎样了？", "answer": "还是烧了。", "quote": "“烧了。”她说"},
        {"question": "他坐了吗？", "answer": "坐了。", "quote": "他坐了下来"},
        {"question": "谁？", "answer": " ", "quote": "灯还亮着"},
    ]
    found = questions.examined(chunk(), json.dumps({"pairs": pairs}))
    assert found.dropped == 3
    [shown] = questions.chats_of(chunk(), found)
    assert PROSE in shown.turns[0].text
    assert shown.turns[1].text == "被柳娘烧了。\n原文：“烧了。”她说”"
    [closed] = questions.chats_of(chunk(), found, closed=True)
    assert closed.turns[0].text == "《听雨》第一章：信怎样了？"
    assert closed.origin.place == chunk().place
    with pytest.raises(Unusable, match="没有一问"):
        questions.examined(chunk(), json.dumps({"pairs": pairs[2:]}))


def pair(question: str, answer: str) -> Chat:
    return Chat((Turn("system", "你是柳娘。"), Turn("user", question), Turn("assistant", answer)))


EXAMPLES = [
    pair("你为什么烧信？", "留着它，他还要再来一次；烧了，他就只来这一次。"),
    pair("茶凉了怎么办？", "凉了就再沏，人走了可没处再沏去。"),
]


def test_new_ones_near_the_examples_or_each_other_are_dropped() -> None:
    written = [
        {"question": "雨停了没有？", "answer": "停不停都一样，屋里的人不出门，雨就是听的。"},
        {
            "question": "你为什么烧信呢？",
            "answer": "留着它，他还要再来一次；烧了，他就只来这一次。",
        },
        {"question": "雨停了没有呀？", "answer": "停不停都一样，屋里的人不出门，雨就是听的。"},
        {"question": "门为什么不锁？", "answer": "锁是防外人的，会来的从来不算外人。"},
        {"question": "", "answer": "空的"},
    ]
    made = augment.new_ones(json.dumps({"items": written}))
    grown = augment.grown(EXAMPLES, [made, None], "例子.jsonl")
    assert [chat.turns[1].text for chat in grown.items] == ["雨停了没有？", "门为什么不锁？"]
    assert grown.repeated == 2
    assert {chat.turns[0].text for chat in grown.items} == {"你是柳娘。"}
    assert grown.items[0].origin.source == "例子.jsonl"
    assert grown.items[0].origin.place == "第 1 次"


def test_each_question_shows_examples_and_has_its_own_seed() -> None:
    asks = augment.questions(EXAMPLES, augment.VARIANTS["同类"], 10, seed=5)
    assert [ask.sampling.seed for ask in asks] == [5, 7, 9]
    assert all("茶凉了" in ask.messages[0].content for ask in asks)
    with pytest.raises(BadInput, match="两个例子"):
        augment.examples_of(EXAMPLES[:1])


@pytest.mark.parametrize("maker", [SUMMARIES, DRAFTS, dialogue.DIALOGUE, questions.QUESTIONS])
def test_every_shipped_variant_shows_the_text(maker: Any) -> None:
    found = list(placed([chunk("前文在此。", 0), chunk(PROSE, 5), chunk(" \n", 99)]))
    assert [each.before for each in found] == ["", "前文在此。"]
    assert len(maker.variants) >= 2
    for variant in maker.variants.values():
        asks = questions_of(maker, variant, found)
        assert all(PROSE in ask.messages[0].content for ask in asks[1:])
        assert len(asks) == 2


def test_variants_side_by_side_and_the_whole_takes_what_the_sample_made(tmp_path: Path) -> None:
    mine = tmp_path / "我的.txt"
    mine.write_text("说一句：{{ text }}", encoding="utf-8")
    variants = [SUMMARIES.variants["平实"], variant_of(str(mine), SUMMARIES.variants)]
    chunks = [chunk(f"{PROSE}{n}", n) for n in range(6)]
    found = list(placed(chunks))
    few = sample_of(found, 2)
    assert [each.chunk.start for each in few] == [0, 3]

    def says(body: dict[str, Any]) -> str:
        first = str(body["messages"][0]["content"])
        return "沈砚来取信，信已烧了。" if first.startswith("用一句话") else "？"

    peer = Peer(says)
    batch = Batch(peer.client(), tmp_path / "a.jsonl")
    steps: list[int] = []

    def tell(done: int, total: int, note: str = "") -> None:
        assert (total, note) == (4, "")
        steps.append(done)

    tried = compare(
        variants, ["一", "二"], lambda one: questions_of(SUMMARIES, one, few), batch, tell
    )
    assert steps[-1] == 4
    assert steps == sorted(steps)
    [first, _] = tried.rows(SUMMARIES.show)
    assert first["place"] == "一"
    assert first["made"]["平实"] == "沈砚来取信，信已烧了。"
    assert first["made"]["我的"].startswith("✗ 太短")
    assert {name: one["failed"] for name, one in tried.report().items()} == {"平实": 0, "我的": 2}
    asked_before = len(peer.bodies)
    whole = batch.run(questions_of(SUMMARIES, variants[0], found), nothing)
    assert (whole.kept, len(peer.bodies) - asked_before) == (2, 4)


def test_a_variant_that_is_none() -> None:
    with pytest.raises(BadInput, match="平实"):
        variant_of("没有这个", SUMMARIES.variants)
