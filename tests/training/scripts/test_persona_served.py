"""What a persona is trained with is what the desk sends: letter by letter."""

import json
from pathlib import Path
from typing import Any

import pytest

from retrieval.conversation import Turn as Said
from retrieval.template import CONVERSATION, load_template
from server.models import Conversation, Persona
from server.personas.prompt import Said as SaidSoFar
from server.personas.prompt import prompt_for
from server.personas.standing import Standing
from training.errors import BadInput
from training.personas import Card, as_served, read_card
from training.types import Turn

CARDS = sorted((Path(__file__).parents[3] / "data" / "personas").glob("*.json"))
TURNS = (
    Turn("user", "你来了？"),
    Turn("assistant", "来了。", False),
    Turn("user", "坐。"),
    Turn("assistant", "好。", True),
)


class Words:
    """A token a character."""

    def count(self, texts: Any) -> list[int]:
        return [len(text) for text in texts]

    def count_messages(self, messages: Any) -> int:
        return sum(len(message.content) for message in messages)


@pytest.mark.parametrize("file", CARDS, ids=lambda file: file.stem)
@pytest.mark.parametrize("user", ["我", "小顾"])
def test_a_talk_is_rendered_as_the_desk_renders_it(file: Path, user: str) -> None:
    told = json.loads(file.read_text("utf-8"))
    known = {key: told[key] for key in told if key in Persona.model_fields and key != "slug"}
    desk = prompt_for(
        Persona(slug="a", **known),
        Conversation(persona_id="a", user_name=user),
        Standing(),
        SaidSoFar([Said(str(n), turn.role, turn.text) for n, turn in enumerate(TURNS[:-1])]),  # type: ignore[arg-type]
        template=load_template(CONVERSATION),
        tokens=Words(),
        limit=10**6,
    )
    trained = as_served(read_card(file), TURNS, user)
    assert [(m.role, m.content) for m in desk.messages] == [(t.role, t.text) for t in trained[:-1]]
    assert trained[-1] == TURNS[-1]
    assert [turn.learned for turn in trained if turn.role == "assistant"] == [False, True]


def test_a_card_of_another_format_is_read(tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    data = {
        "name": "阿檀",
        "description": "看门人",
        "post_history_instructions": "少说。",
        "examples": "x",
    }
    file.write_text(json.dumps({"spec": "chara_card_v2", "data": data}), encoding="utf-8")
    assert read_card(file) == Card("阿檀", "看门人", post_history="少说。")


@pytest.mark.parametrize("text", ["[1]", "{", '{"name": " "}', '{"data": 3}'])
def test_what_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "card.json"
    file.write_text(text)
    with pytest.raises(BadInput, match="人物卡"):
        read_card(file)
