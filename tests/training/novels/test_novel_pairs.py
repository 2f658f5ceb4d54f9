"""What is asked for a chunk and what is answered, task by task."""

import json
from pathlib import Path

import pytest

from tests.training.novels.test_novel_chunks import book_of
from training.errors import BadInput
from training.novels.chunks import Chunk, chunks_of
from training.novels.made import Made, read_made
from training.novels.pairs import Wanted, last_sentences, pairs, plain, round_length
from training.novels.tasks import TASKS, task_of
from training.types import Chat, Refusal

FIRST = "".join(f"他在第{n}天写了一封信。" for n in range(20))
SECOND = "".join(f"她在第{n}天回了一封信。" for n in range(20))
CHUNKS = list(chunks_of(book_of(FIRST, SECOND), 60, 80))
SUMMARIES = {chunk.id: Made(f"梗概{n}", f"草稿{n}") for n, chunk in enumerate(CHUNKS)}


def made(*tasks: str, **how: object) -> list[Chat]:
    wanted = Wanted([task_of(task) for task in tasks], shortest=1, **how)  # type: ignore[arg-type]
    return list(pairs(CHUNKS, wanted, SUMMARIES))


def asked(chat: Chat) -> tuple[str, ...]:
    return tuple(turn.text for turn in chat.turns[:-1])


def test_a_title_is_answered_with_how_its_chapter_begins() -> None:
    found = made("开篇", format="joined")
    firsts = [next(chunk for chunk in CHUNKS if chunk.chapter == n) for n in (0, 1)]
    assert [chat.turns[-1].text for chat in found] == [chunk.text for chunk in firsts]
    for chat, chunk in zip(found, firsts, strict=True):
        assert chat.turns[0].text.endswith(f"。\n{chunk.title}")
        assert chat.origin.made_by.endswith("开篇")


def test_going_on_asks_with_the_text_before_and_answers_with_the_chunk() -> None:
    found = made("续写", before=70)
    firsts = {chunk.chapter: chunk for chunk in reversed(CHUNKS)}
    expected = [chunk for chunk in CHUNKS if chunk is not firsts[chunk.chapter]]
    assert [chat.turns[-1].text for chat in found] == [chunk.text for chunk in expected]
    for chat, chunk in zip(found, expected, strict=True):
        before = chat.turns[-2].text
        text = (FIRST, SECOND)[chunk.chapter]
        assert text[: chunk.start].endswith(before)
        assert 50 < len(before) <= 70
        assert before.startswith(("他", "她"))


def test_the_texts_before_may_reach_across_chapters() -> None:
    found = made("续写", before=70, across=True)
    assert len(found) == len(CHUNKS) - 1
    opening = next(chat for chat in found if chat.turns[-1].text.startswith("她在第0天"))
    assert opening.turns[-2].text.endswith("他在第19天写了一封信。\n\n第2章")


def test_a_book_does_not_go_on_from_another() -> None:
    chunks = [*chunks_of(book_of(FIRST, title="一")), *chunks_of(book_of(SECOND, title="二"))]
    assert list(pairs(chunks, Wanted([TASKS["续写"]], across=True))) == []


def test_the_seeds_instruction_with_the_answers_own_length() -> None:
    chat = made("按梗概写")[0]
    answer = chat.turns[-1].text
    length = round_length(len(answer))
    assert asked(chat) == (
        f"你是一个熟读各类小说的专家，请你根据要求写一段{length}字左右的小说。", "梗概0",
    )  # fmt: skip
    assert [round_length(n) for n in (3, 74, 76, 812)] == [50, 50, 100, 800]


def test_joined_is_instruction_line_break_and_input() -> None:
    apart, joined = made("按梗概写")[0], made("按梗概写", format="joined")[0]
    assert [turn.role for turn in apart.turns] == ["system", "user", "assistant"]
    assert [turn.role for turn in joined.turns] == ["user", "assistant"]
    assert joined.turns[0].text == "\n".join(asked(apart))
    both = made("按梗概写", format="apart", system="你是作者。")[0]
    assert both.turns[0].text == f"你是作者。\n\n{asked(apart)[0]}"


def test_all_tasks_of_a_chunk_stand_together() -> None:
    found = made("扩写", "改写", "按梗概写")
    assert [chat.origin.made_by for chat in found[:3]] == [
        "novel-pairs/1 扩写", "novel-pairs/1 改写", "novel-pairs/1 按梗概写",
    ]  # fmt: skip
    assert "前文" not in asked(found[0])[1]
    assert asked(found[3])[1].startswith("前文：\n他在第0天")
    assert asked(found[3])[1].endswith("梗概：\n梗概1")
    assert asked(found[4])[1] == "草稿1"


def test_origins_keep_books_together() -> None:
    chat = made("续写")[0]
    assert chat.origin.work == chat.origin.source == "书"
    assert chat.origin.place == CHUNKS[1].place


def test_what_is_not_there_is_refused_with_its_place() -> None:
    refusals: list[Refusal] = []
    told = {CHUNKS[0].id: Made("梗概")}
    wanted = Wanted([TASKS["按梗概写"], TASKS["改写"]], shortest=1)
    assert len(list(pairs(CHUNKS, wanted, told, refusals))) == 1
    assert refusals[0] == Refusal("书", None, CHUNKS[0].place, "改写：没有可改写的草稿，请先生成")
    assert len(refusals) == 2 * len(CHUNKS) - 1


def test_short_and_blank_chunks_are_not_learned() -> None:
    refusals: list[Refusal] = []
    chunks = list(chunks_of(book_of("好。", "\n\n")))
    assert list(pairs(chunks, Wanted([TASKS["续写"]]), {}, refusals)) == []
    assert [refusal.reason for refusal in refusals] == ["只有 2 字，少于 100 字"]
    assert [text.text for text in plain(chunks)] == ["好。"]


def test_an_authors_own_templates() -> None:
    task = task_of("续写", "接着写《{{ book }}》{{ chapter }}。", "{{ before[-4:] }}")
    chat = next(pairs(CHUNKS, Wanted([task], shortest=1)))
    assert asked(chat) == ("接着写《书》第1章。", "一封信。")
    with pytest.raises(BadInput, match="读不懂"):
        task_of("续写", "{{ 坏")
    with pytest.raises(BadInput, match="可以写的是 length、before"):
        next(pairs(CHUNKS, Wanted([task_of("续写", "{{ nobody }}")], shortest=1)))
    with pytest.raises(BadInput, match="没有“诗”这种任务"):
        task_of("诗")


@pytest.mark.parametrize(
    ("most", "end"),
    [(100, "一。二二。三三三。"), (7, "二二。三三三。"), (6, "三三三。"), (2, "三。")],
)
def test_the_last_sentences_that_fit(most: int, end: str) -> None:
    assert last_sentences("一。二二。三三三。", most) == end


def test_summaries_are_read_by_id(tmp_path: Path) -> None:
    file = tmp_path / "made.jsonl"
    ids = [chunk.id for chunk in CHUNKS]
    rows = [
        {"id": ids[0], "summary": " 一 "}, {"id": ids[0], "draft": "稿"}, {"id": "gone", "summary": "x"},
        {"id": ids[1], "summary": " "}, {"summary": "x"}, {"id": ids[2], "summary": "旧"},
        {"id": ids[2], "summary": "新", "model": "a"},
    ]  # fmt: skip
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join([*lines, '{"id": "', "[1]", ""]), encoding="utf-8")
    refusals: list[Refusal] = []
    assert read_made(file, CHUNKS, refusals) == {ids[0]: Made("一", "稿"), ids[2]: Made("新")}
    assert [(r.row, r.field) for r in refusals] == [
        (3, "id"), (4, "summary"), (5, "id"), (8, ""), (9, "id"),
    ]  # fmt: skip


def test_summaries_of_another_book_are_refused_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "made.jsonl"
    file.write_text('{"id": "gone", "summary": "x"}\n')
    with pytest.raises(BadInput, match="没有一条梗概属于这些片段"):
        read_made(file, CHUNKS, [])


def test_plain_texts_are_the_chunks() -> None:
    texts: list[Chunk] = CHUNKS
    assert "".join(text.text for text in plain(texts)) == FIRST + SECOND
