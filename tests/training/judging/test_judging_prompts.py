"""What every side is asked: the prompts that tuning taught, and the live ones with recall."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from retrieval.measures.copied import LEAST
from retrieval.types import ChapterText, Message, continues
from tests.training.tiny import SENTENCES, chats, make_base
from training.context import BEGUN
from training.judging.cases import cases_of, evenly, learned_texts
from training.judging.generating import LocalWriter
from training.judging.model import Model, load_pair
from training.judging.prompting import Counter, Prompts, prompt_ids
from training.judging.recall import Recall, chapters_of_books, chapters_of_items
from training.judging.sides import Side
from training.served.client import Sampling
from training.tuning import masks
from training.tuning.config import Recipe
from training.types import Chat, Item, Origin, Preference, Text, Turn

TALK = Chat(
    (
        Turn("system", "你是嬛嬛。"),
        Turn("user", "雨停了吗？"),
        Turn("assistant", "停了。"),
        Turn("user", "那封信压在哪里？"),
        Turn("assistant", "压在砚台底下。"),
    ),
    Origin("剧本.txt", "第三幕"),
)
LONG = Text("".join(SENTENCES) * 3, Origin("书.txt", "第一章", work="渡口"))


def recipe(**changes: object) -> Recipe:
    return Recipe.parse({"name": "a", "base": "b", "data": "c"} | changes)


def memory(tmp_path: Path, *chapters: str) -> Recall:
    return Recall(
        tmp_path / "index",
        [ChapterText(str(n), n, f"第{n + 1}章", text) for n, text in enumerate(chapters)],
    )


def prompts(model: Model, **how: object) -> Prompts:
    given = {"limit": 900, "length": 100} | how
    return Prompts(model.template, given.pop("recipe", recipe()), **given)  # type: ignore


# --- cases ----------------------------------------------------------------------------------


def test_a_conversation_is_asked_for_its_last_answer() -> None:
    (case,) = cases_of([TALK], 5, 100)
    assert case.turns == TALK.turns[:-1]
    assert (case.reference, case.asked) == ("压在砚台底下。", "那封信压在哪里？")


def test_a_text_is_asked_for_what_follows_its_beginning() -> None:
    (case,) = cases_of([LONG], 5, 40)
    assert LONG.text.startswith(case.before + case.reference)
    assert case.before[-1] in "。”？"
    assert 40 <= len(case.reference) < 40 + max(map(len, SENTENCES))
    assert len(case.before) <= len(LONG.text) / 2


def test_nothing_is_asked_that_has_no_answer() -> None:
    unanswerable: list[Item] = [
        Chat((Turn("assistant", "先开口。"),)),
        Chat(
            (Turn("user", "问"), Turn("tool", "{}"), Turn("user", "再问"), Turn("assistant", "答"))
        ),
        Text("只有一句话。"),
        Preference((Turn("user", "问"),), None, "不要的"),
    ]
    assert cases_of(unanswerable, 9, 100) == []
    chosen = Preference((Turn("user", "问"),), "要的", "不要的")
    assert [case.reference for case in cases_of([chosen], 9, 100)] == ["要的"]


@pytest.mark.parametrize("count", [1, 3, 7, 100])
def test_cases_are_drawn_evenly_and_once(count: int) -> None:
    items = chats(7)
    drawn = evenly(items, count)
    places = [items.index(each) for each in drawn]
    assert places == sorted(set(places))
    assert len(drawn) == min(count, 7)
    assert places[0] == 0


def test_cases_are_known_by_prompt_and_answer() -> None:
    other = Chat((*TALK.turns[:-1], Turn("assistant", "压在枕头底下。")))
    ids = {case.id for case in cases_of([TALK, other, TALK], 9, 100)}
    assert len(ids) == 2


def test_what_was_learned_is_the_authors() -> None:
    unlearned = Chat((Turn("user", "问"), Turn("assistant", "旧", False), Turn("assistant", "新")))
    items: list[Item] = [unlearned, Text("正文"), Preference((Turn("user", "问"),), "要", "不要")]
    assert learned_texts(items) == ["新", "正文", "要"]


# --- prompts --------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["keep", "none", "served", "text: 你是沈砚。"])
def test_without_recall_a_side_is_asked_exactly_as_tuning_taught(pair, system: str) -> None:
    model, chosen = pair[0], recipe(system=system)
    (case,) = cases_of([TALK], 1, 100)
    asked = prompt_ids(model.template, prompts(model, recipe=chosen).messages(case, False))
    last = Chat((*TALK.turns[:2], Turn("assistant", "停了。", False), *TALK.turns[3:]))
    (example,) = masks.conversation(last, model.template, chosen)
    assert asked == example.ids[: len(asked)].tolist()
    assert example.learned.tolist().index(True) == len(asked)


def test_what_is_recalled_stands_in_the_turn_that_is_answered(pair, tmp_path: Path) -> None:
    passage = "她把一封信折好，压在案上，没有再看一眼，门外的雪还没有停。"
    recall = memory(tmp_path, "江上起了薄雾，渡口的灯亮起来。" * 8, passage)
    (case,) = cases_of([TALK], 1, 100)
    asked = prompts(pair[0], recall=recall, persona="嬛嬛").messages(case, True)
    assert [m.role for m in asked] == ["system", "user", "assistant", "user"]
    assert asked[0].content == "你是嬛嬛。"
    assert passage in asked[-1].content
    assert asked[-1].content.startswith("（嬛嬛知道的")
    assert asked[-1].content.endswith("那封信压在哪里？")
    bare = Chat(TALK.turns[1:])
    (case,) = cases_of([bare], 1, 100)
    assert prompts(pair[0], recall=recall).messages(case, True)[0].role == "user"


def test_a_text_is_gone_on_with_through_the_live_prompt(pair, tmp_path: Path) -> None:
    passage = "城门外的官道上立着一块石碑，碑上的字早已看不清了，沈家的人马从这里经过。"
    recall = memory(tmp_path, passage * 2)
    (case,) = cases_of([LONG], 1, 100)
    alone = prompts(pair[0], recall=recall).messages(case, False)
    asked = prompts(pair[0], recall=recall).messages(case, True)
    assert continues(asked)
    assert asked[-1].content == alone[-1].content
    assert case.before.endswith(asked[-1].content)
    assert "《渡口》" in asked[0].content
    assert passage in asked[1].content
    assert passage not in "".join(m.content for m in alone)


def test_the_answer_is_never_recalled(pair, tmp_path: Path) -> None:
    (case,) = cases_of([Text("".join(SENTENCES))], 1, 100)
    other = "官道上的人马停了下来，旗子在雪里一动不动，谁也不说话。"
    recall = memory(tmp_path, f"……{case.reference}", other)
    found = recall.find(case)
    assert [one.passage.text for one in found] == [other]
    assert recall.kept_out == 1
    assert len(case.reference) > LEAST
    shown = "".join(m.content for m in prompts(pair[0], recall=recall).messages(case, True))
    assert case.reference not in shown


def test_prompts_fit_their_window(pair, tmp_path: Path) -> None:
    recall = memory(tmp_path, *(f"{sentence}" * 9 for sentence in SENTENCES))
    model = pair[0]
    for case in cases_of([LONG, TALK], 2, 100):
        for limit in (300, 500):
            messages = prompts(model, recall=recall, limit=limit).messages(case, True)
            assert Counter(model.template).count_messages(messages) <= limit


def test_chapters_come_from_books_or_from_what_was_trained_on(tmp_path: Path) -> None:
    (tmp_path / "书.txt").write_text(
        "第一章 渡口\n\n天色将晚。\n\n第二章 雪\n\n雪停了。\n", "utf-8"
    )
    (tmp_path / "二.md").write_text("# 别的\n\n没有人。\n", "utf-8")
    books = chapters_of_books([tmp_path / "书.txt", tmp_path / "二.md"])
    assert [c.order for c in books] == list(range(len(books)))
    assert [c.text.strip() for c in books] == ["天色将晚。", "雪停了。", "没有人。"]
    (script, novel) = chapters_of_items([TALK, LONG, TALK])
    assert script.text.count("压在砚台底下。") == 2
    assert "你是嬛嬛。" not in script.text
    assert (novel.title, novel.text) == ("渡口", LONG.text)


def test_an_answer_that_the_prompt_begins_is_gone_on_with(pair, tmp_path: Path) -> None:
    """As `yanchi data context` makes them: recall is in the prompt already."""
    answer = "".join(SENTENCES)
    made = Chat(
        (Turn("system", "写小说"), Turn("user", "（渡口）旧事。接着写"), Turn("assistant", answer)),
        Origin("书", "第一章", "context/1 found"),
        extra={BEGUN: len(SENTENCES[0])},
    )
    (case,) = cases_of([made], 1, 100)
    assert (case.begun, case.reference) == (SENTENCES[0], "".join(SENTENCES[1:]))
    assert case.recalls
    recall = memory(tmp_path, "渡口的灯一盏一盏亮起来，江上的薄雾散了。")
    asked = prompts(pair[0], recall=recall).messages(case, True)
    assert asked == prompts(pair[0]).messages(case, False)
    assert continues(asked)
    (example,) = masks.conversation(made, pair[0].template, recipe())
    ids = prompt_ids(pair[0].template, asked)
    assert pair[0].tokenizer.decode(example.ids[: len(ids)].tolist()) == pair[0].tokenizer.decode(
        ids
    )


# --- writing --------------------------------------------------------------------------------


def test_a_batch_writes_what_each_prompt_alone_would(pair) -> None:
    model = pair[0]
    asked: Sequence[tuple[Message, ...]] = [
        (Message("user", sentence),) for sentence in SENTENCES
    ] + [(Message("user", "接着写"), Message("assistant", "雨下了"))]
    greedy = Sampling(tokens=12, temperature=0)
    together = dict(LocalWriter(model, batch=4).write(asked, greedy))
    alone = dict(LocalWriter(model, batch=1).write(asked, greedy))
    assert together == alone
    assert set(together) == set(range(len(asked)))
    tuned = dict(LocalWriter(pair[1], batch=4).write(asked, greedy))
    assert tuned != together
    drawn = Sampling(tokens=12, temperature=1.0, seed=5)
    again = [dict(LocalWriter(model).write(asked, drawn)) for _ in range(2)]
    assert again[0] == again[1] != together


@pytest.mark.parametrize("template", ["qwen2.5", "qwen3"])
def test_an_answer_goes_on_as_the_template_itself_would_have_it(tmp_path, template) -> None:
    """The engine goes on with the template's own `continue_final_message`."""
    model, _ = load_pair(make_base(tmp_path, template), None)
    messages = (Message("system", "你写小说。"), Message("user", "接着写"),
                Message("assistant", "雨下了整整三日，"))  # fmt: skip
    rendered = model.tokenizer.apply_chat_template(
        [{"role": m.role, "content": m.content} for m in messages],
        continue_final_message=True, tokenize=False, enable_thinking=False,
    )  # fmt: skip
    assert model.tokenizer.decode(prompt_ids(model.template, messages)) == rendered


def test_sides_are_two_by_two() -> None:
    assert {(side.tuned, side.recalling) for side in Side} == {
        (False, False), (True, False), (False, True), (True, True),
    }  # fmt: skip
