"""Self-knowledge: many questions, answers in the first person, from the description alone."""

from pathlib import Path

import pytest

from training.errors import BadInput
from training.persona_data import Asked, first_person, knowledge_of, self_knowledge
from training.persona_questions import ANSWERS, IDENTITY, QUESTIONS, SIGNS
from training.personas import Card, read_card

CARDS = sorted((Path(__file__).parents[3] / "data" / "personas").glob("*.json"))
PLAIN = Card("小砚", "小砚是一个写小说的助手。")


def asked(card: Card, **how: object) -> list[tuple[str, str]]:
    chats = self_knowledge(card, Asked(**how))  # type: ignore[arg-type]
    return [(chat.turns[-2].text, chat.turns[-1].text) for chat in chats]


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("嬛嬛，二十二岁，住在听柳轩。", "我二十二岁，住在听柳轩。"),
        ("父亲是小官，她跟着看过图。", "我父亲是小官，我跟着看过图。"),
        ("问她的话，她常先还一句家常。", "问我的话，我常先还一句家常。"),
        ("对方答得含糊，他就再问。", "对方答得含糊，我就再问。"),
        ("人人只当她会绣花", "人人只当我会绣花。"),
        ("她们都怕嬛嬛。", "她们都怕我。"),
        ("嬛嬛", ""),
    ],
)
def test_first_person(sentence: str, said: str) -> None:
    assert first_person(sentence, "嬛嬛") == said


@pytest.mark.parametrize("card", map(read_card, CARDS), ids=lambda card: card.name)
def test_shipped_cards_know_themselves(card: Card) -> None:
    pairs = asked(card)
    assert len({question for question, _ in pairs}) >= 60
    told = knowledge_of(card).told
    assert all(sentence in card.name or "我" in sentence for sentence in told)
    for _, answer in pairs:
        assert answer
        assert "{" not in answer
        assert "她" not in answer or any(answer in line or line in answer for line in card.examples)


def test_a_name_and_a_sentence_are_enough_for_forty_questions() -> None:
    questions = [question for question, _ in asked(PLAIN)]
    assert len(set(questions)) == len(questions) >= 40


def test_what_the_description_does_not_tell_is_not_asked() -> None:
    questions = {question for question, _ in asked(PLAIN)}
    for topic in SIGNS:
        assert questions.isdisjoint(QUESTIONS[topic])
    assert QUESTIONS["age"][0] in {q for q, _ in asked(Card("嬛嬛", "她今年二十二岁。"))}


def test_age_is_answered_with_its_clause() -> None:
    card = Card("嬛嬛", "嬛嬛，二十二岁，住在听柳轩，入宫第五年。")
    answers = {a for q, a in asked(card, count=200) if q in QUESTIONS["age"]}
    assert "我二十二岁。" in answers
    assert not any("听柳轩" in answer for answer in answers)


def test_no_pair_comes_twice_and_more_than_there_are_is_refused() -> None:
    card = read_card(CARDS[0])
    pairs = asked(card, count=400)
    assert len(set(pairs)) == 400
    with pytest.raises(BadInput, match="最多能做"):
        asked(card, count=10**6)
    most = asked(PLAIN, count=len(set(asked(PLAIN))))
    assert len(set(most)) == len(most)


def test_the_same_seed_gives_the_same_set() -> None:
    card = read_card(CARDS[0])
    assert asked(card, seed=3) == asked(card, seed=3) != asked(card, seed=4)


def test_a_maker_is_known_only_where_one_is_told() -> None:
    machine = set(QUESTIONS["machine"])
    with_maker = [answer for question, answer in asked(PLAIN, maker="砚池") if question in machine]
    assert all("砚池" in answer and "小砚" in answer for answer in with_maker)
    without = [answer for question, answer in asked(PLAIN) if question in machine]
    assert all("小砚" in answer and "做了我" not in answer for answer in without)


def test_a_persona_without_a_description_is_refused() -> None:
    with pytest.raises(BadInput, match="没有介绍文字"):
        asked(Card("嬛嬛"))


def test_every_topic_has_answers_and_every_sign_questions() -> None:
    assert set(IDENTITY) | set(SIGNS) == set(QUESTIONS)
    assert set(IDENTITY) <= set(ANSWERS)
    assert sum(len(QUESTIONS[topic]) for topic in IDENTITY) >= 40


def test_system_and_origin() -> None:
    chat = self_knowledge(PLAIN, Asked(system="你是{role}。"))[0]
    assert chat.turns[0].text == "你是小砚。"
    assert (chat.origin.source, chat.origin.work) == ("小砚", "小砚 · 自我认知")
