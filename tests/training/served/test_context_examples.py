"""Context-aware examples: the desk's own prompt, and nothing of what comes later."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from retrieval import prompt
from retrieval.book import Book
from retrieval.context import candidates_for
from retrieval.readers import read_book
from retrieval.static_model import LightEmbeddings
from retrieval.template import load_template
from retrieval.types import Group, Message, Stood, TokenCounter
from training.context import BEGUN, Context, Shares, Wanted, messages
from training.data.items import item_from_json, item_to_json
from training.errors import BadInput
from training.judging.recall import EMBEDDER
from training.novels.chunks import Chunk, chunks_of
from training.novels.made import Made
from training.types import Chat

NOVEL = Path(__file__).parents[3] / "data" / "sample" / "novel.md"
LIMIT = 3000


class Characters(TokenCounter):
    """One token a character."""

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def count_messages(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content) + 4 for message in messages)


@pytest.fixture(scope="module")
def book() -> Book:
    return read_book(NOVEL.read_bytes(), NOVEL.name)


@pytest.fixture(scope="module")
def context(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Context:
    return Context(book, tmp_path_factory.mktemp("index"), LightEmbeddings(EMBEDDER))


@pytest.fixture(scope="module")
def chunks(book: Book) -> list[Chunk]:
    return list(chunks_of(book))


def examples(context: Context, chunks: Sequence[Chunk], shares: Shares) -> list[Chat]:
    return list(context.examples(chunks, Wanted(LIMIT, shares), Characters()))


def test_the_messages_are_those_of_the_live_prompt(context: Context, chunks: list[Chunk]) -> None:
    at = {chunk.place: chunk for chunk in chunks}
    found = examples(context, chunks, Shares(1, 0, 0))
    assert len(found) > len(chunks) // 2
    for chat in found:
        brief = context.brief(at[chat.origin.place])
        brief = replace(brief, found=context.found(brief, LIMIT))
        live = prompt.build(
            candidates_for(brief)[0], tokens=Characters(), limit=LIMIT,
            template=load_template("continuation"), stood=Stood(),
            variables={"title": "平安不收钱", "length": brief.length},
        )  # fmt: skip
        begun = int(chat.extra.get(BEGUN, 0))
        asked = [(turn.role, turn.text) for turn in chat.turns[:-1]]
        if begun:
            asked.append(("assistant", chat.turns[-1].text[:begun]))
        assert asked == [(each.role, each.content) for each in live.messages]
        assert live.tokens <= LIMIT
        if chat.origin.place.startswith(chunks[-1].title):
            assert any(placed.item.group is Group.PASSAGES for placed in live.kept)


def test_nothing_at_or_after_the_place_is_seen(
    book: Book, context: Context, chunks: list[Chunk]
) -> None:
    """No passage of what comes later, whole or in part, stands in any prompt."""
    at = {chunk.place: chunk for chunk in chunks}
    for shares in (Shares(1, 0, 0), Shares(0, 1, 0)):
        for chat in examples(context, chunks, shares):
            here = at[chat.origin.place]
            begun = int(chat.extra.get(BEGUN, 0))
            asked = "".join(turn.text for turn in chat.turns[:-1]) + chat.turns[-1].text[:begun]
            past = "".join(one.text for one in book.chapters[: here.chapter])
            past += book.chapters[here.chapter].text[: here.start]
            rest = [book.chapters[here.chapter].text[here.start :]]
            rest += [one.text for one in book.chapters[here.chapter + 1 :]]
            for text in rest:
                for start in range(0, len(text) - 24, 12):
                    piece = text[start : start + 24].strip()
                    assert len(piece) < 16 or piece not in asked or piece in past, piece


def test_the_answer_is_the_books_and_goes_on_from_the_prompt(
    book: Book, context: Context, chunks: list[Chunk]
) -> None:
    at = {chunk.place: chunk for chunk in chunks}
    began = 0
    for chat in examples(context, chunks, Shares(1, 0, 0)):
        chunk, begun = at[chat.origin.place], int(chat.extra.get(BEGUN, 0))
        answer = chat.turns[-1].text
        assert answer in book.chapters[chunk.chapter].text
        assert answer[begun:].strip() == chunk.text.strip()
        assert chat.origin.work == "平安不收钱"
        began += bool(begun)
        assert bool(begun) == (chunk.start > 0)
        assert item_from_json(item_to_json(chat)) == chat
    assert began


def test_distractors_are_of_the_past_and_beside_what_was_found(
    context: Context, chunks: list[Chunk], book: Book
) -> None:
    for chunk in [one for one in chunks if one.chapter == len(book.chapters) - 1][1:4]:
        brief = context.brief(chunk)
        found = context.found(brief, LIMIT)
        mixed = context.distracted(brief, found, LIMIT, Random(1))
        others = [one for one in mixed if one not in found]
        assert len(others) == len(mixed) - len(others) == (len(found) + 1) // 2
        assert {one.passage for one in found[:2]} < {one.passage for one in mixed}
        here = brief.view.position
        assert here is not None
        assert all(one.passage.ends <= here for one in others)
        prompts = [
            messages(replace(brief, found=one), LIMIT, Characters())[1].content
            for one in (found, mixed, [])
        ]
        assert len(set(prompts)) == 3
        assert ["书中相关段落" in one for one in prompts] == [True, True, False]


def test_the_same_seed_gives_the_same_examples(context: Context, chunks: list[Chunk]) -> None:
    few = chunks[-3:]
    mixed = examples(context, few, Shares(0, 1, 0))
    assert {chat.origin.made_by for chat in mixed} == {"context/1 distracted"}
    assert examples(context, few, Shares(0, 1, 0)) == mixed


def test_shares_and_what_is_asked(context: Context, chunks: list[Chunk]) -> None:
    kinds = Counter(
        chat.origin.made_by for chat in examples(context, chunks, Shares(0.4, 0.3, 0.3))
    )
    assert set(kinds) == {"context/1 found", "context/1 distracted", "context/1 empty"}
    made = {chunks[1].id: Made("他去送信，路上遇见了雨。")}
    wanted = Wanted(LIMIT, Shares(), made)
    [chat] = context.examples(chunks[1:2], wanted, Characters())
    assert "这一段要写：他去送信，路上遇见了雨。" in chat.turns[1].text
    with pytest.raises(BadInput, match="份额"):
        Shares(0, 0, 0)


def test_the_first_words_of_a_book_are_not_asked_for(context: Context, chunks: list[Chunk]) -> None:
    assert examples(context, chunks[:1], Shares()) == []
    brief = context.brief(next(chunk for chunk in chunks if chunk.chapter == 1))
    assert brief.opens_chapter
    assert brief.before.strip()
    assert messages(brief, LIMIT, Characters())[-1].role == "user"
