"""A question's prompt, and quotes that are believed only where they stand."""

import pytest

from retrieval.answering import NOTHING, Excerpt, asked, read_answer
from server.engines.scripted import ScriptedTokenCounter

INN = Excerpt("《讲义》 第 3 页", "渡口的船只剩一条。\n老周头蹲在船头抽烟，说水大，不渡。")
RAIN = Excerpt("正文 第一章", "雨下了一夜。沈砚把伞靠在门边，没有进屋。")
BOTH = (INN, RAIN)


def test_an_answer_rests_on_the_texts_own_words() -> None:
    said = "答：因为水大。\n引[1]：“老周头蹲在船头抽烟， 说水大，不渡”"
    answer = read_answer(said, BOTH)
    assert answer.found
    assert answer.text == "因为水大。"
    (quote,) = answer.quotes
    assert INN.text[quote.start :].startswith(quote.text)
    assert quote.text == "老周头蹲在船头抽烟，说水大，不渡"


def test_a_quote_across_a_line_break_is_the_texts_own() -> None:
    (quote,) = read_answer("一条。\n引[1]：只剩一条。老周头蹲在船头", BOTH).quotes
    assert quote.text == "只剩一条。\n老周头蹲在船头"


def test_a_quote_under_a_wrong_number_is_found_where_it_stands() -> None:
    (quote,) = read_answer("没有进屋。\n引[1]：“沈砚把伞靠在门边”", BOTH).quotes
    assert quote.excerpt == 1


@pytest.mark.parametrize(
    "said",
    [
        "因为他病了。\n引[1]：“老周头病了，不渡”",
        "因为他病了。",
        "因为水大。\n引[1]：“水大”",
        "他说“水太大了，改日再渡”。",
    ],
)
def test_without_a_quote_that_stands_there_is_no_answer(said: str) -> None:
    assert not read_answer(said, BOTH).found


def test_what_was_invented_is_told() -> None:
    answer = read_answer("水大。\n引[1]：说水大，不渡\n引[2]：明日一早再来", BOTH)
    assert answer.found
    assert answer.invented == ("明日一早再来",)


def test_quotes_in_the_sentence_count_where_no_line_gives_any() -> None:
    assert read_answer("书里写“雨下了一夜”，所以是雨夜。", BOTH).quotes[0].excerpt == 1


def test_an_ellipsis_parts_two_quotes() -> None:
    quotes = read_answer("见引文。\n引[1]：渡口的船只剩一条……说水大，不渡", BOTH).quotes
    assert [quote.text for quote in quotes] == ["渡口的船只剩一条", "说水大，不渡"]


@pytest.mark.parametrize(
    "said", [NOTHING, f"{NOTHING}。", f"“{NOTHING}”", f"答案：{NOTHING}相关的话。"]
)
def test_an_honest_nothing_is_nothing(said: str) -> None:
    answer = read_answer(said, BOTH)
    assert (answer.found, answer.text, answer.invented) == (False, "", ())


def test_the_prompt_holds_as_many_passages_as_fit_and_the_first_always() -> None:
    tokens = ScriptedTokenCounter()
    many = [Excerpt(f"第 {n} 页", "水" * 200) for n in range(20)]
    messages, taken = asked("谁不渡？", many, tokens, 1500)
    assert 1 < taken < 20
    assert tokens.count_messages(messages) <= 1500
    assert f"[{taken}]" in messages[-1].content
    assert f"[{taken + 1}]" not in messages[-1].content
    assert asked("谁不渡？", many, tokens, 10)[1] == 1
