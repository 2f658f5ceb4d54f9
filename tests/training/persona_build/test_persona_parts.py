"""What is read of a role, which lines are chosen, and what a card says of them."""

import json
from pathlib import Path

import pytest

from tests.training.served.served_peer import Peer
from training.errors import BadInput
from training.persona_build.drafting import checked, drafted
from training.persona_build.folder import card, scenes_text, slug_for
from training.persona_build.part import Part, part_of
from training.persona_build.quoted import Draft, quoted
from training.persona_build.voice import chosen
from training.scripts.dialogue import require
from training.scripts.reading import read_script
from training.scripts.speakers import Aliases, cast_table
from training.served.asking import Nonsense, Unusable

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "script.txt"


@pytest.fixture(scope="module")
def part() -> Part:
    file = read_script(SAMPLE, [])
    aliases = Aliases(cast_table(file.scripts))
    return part_of([file], require("嬛嬛", file.scripts, aliases), aliases)


def test_every_speech_of_the_role_is_read_under_all_names(part: Part) -> None:
    file = read_script(SAMPLE, [])
    speaker = require("嬛嬛", file.scripts, Aliases(cast_table(file.scripts)))
    assert sum(len(line.text) for line in part.lines) == speaker.characters
    with_them = [
        scene
        for script in file.scripts
        for scene in script.scenes
        if any({"嬛嬛", *speaker.aliases} & set(block.speakers) for block in scene.blocks)
    ]
    assert len(part.scenes) == len(with_them)
    assert part.described == "听柳轩的主人，入宫第四年"
    assert set(part.also) == {"闻才人", "闻婕妤"}
    assert part.company[0][0] == "青穗"
    assert part.places[0][0] == "听柳轩外间"


def test_lines_know_to_whom_and_where(part: Part) -> None:
    line = next(each for each in part.lines if each.text.startswith("停的那一步"))
    assert line.told.startswith("（针从叶子背面挑出来")
    assert line.to == ("青穗",)
    assert part.scenes[line.scene].name == "第一集 第1幕"
    assert not line.opens


def test_samples_are_the_roles_own_lines_once_each_and_always_the_same(part: Part) -> None:
    own = [line.text for line in part.lines]
    picked = chosen(own, part.others, 12)
    texts = [own[n] for n in picked]
    assert len(set(texts)) == 12
    assert all(8 <= len(text) <= 60 for text in texts)
    assert picked == chosen(own, part.others, 12)


def test_samples_are_typical_of_the_speaker_and_unlike_each_other() -> None:
    plain = [f"今天第{n}回说的是天气和饭菜。" for n in range(40)]
    own = [*plain[:20], *(f"俺老孙第{n}棒打的是妖精！" for n in range(10)),
           *(f"呆子，师父又被妖精捉去第{n}次了！" for n in range(10))]  # fmt: skip
    texts = [own[n] for n in chosen(own, plain, 6)]
    assert all("妖精" in text for text in texts)
    assert any("俺老孙" in text for text in texts)
    assert any("呆子" in text for text in texts)


@pytest.mark.parametrize("own", [[], ["走。"], ["走。", "走。", "来。"]])
def test_few_and_short_lines_are_what_there_is(own: list[str]) -> None:
    assert sorted(own[n] for n in chosen(own, ["别的话。"], 5)) == sorted(set(own))


def test_a_card_of_quotes_says_nothing_of_its_own(part: Part) -> None:
    voice = [part.lines[n] for n in chosen([x.text for x in part.lines], part.others, 8)]
    told = card(part, quoted(part, voice), voice, slug="tingliu", made_by="剧本原文摘录")
    script = SAMPLE.read_text("utf-8")
    assert all(line.split("\n")[0] in script for line in told["examples"])
    assert "听柳轩的主人" in told["description"]
    for greeting in (told["first_message"], *told["alternates"]):
        assert greeting.split("。）", 1)[-1].split("\n")[0] in script
    names = [entry["name"] for entry in told["lore"]]
    assert names[0] == "青穗"
    assert "嬛嬛" not in names
    assert "自称“我”" in told["personality"]
    assert "原文摘录起草" in told["notes"]


def test_the_scenes_are_a_text_with_a_heading_each(part: Part) -> None:
    text = scenes_text(part)
    assert text.count("\n## ") == len(part.scenes)
    assert "同场：陆采女、青穗" in text
    assert all(line.told.split("\n")[0] in text for line in part.lines)


@pytest.mark.parametrize(
    ("name", "given", "slug"),
    [("嬛嬛", "huanhuan", "huanhuan"), ("Sun Wukong", "", "sun-wukong")],
)
def test_slugs(name: str, given: str, slug: str) -> None:
    assert slug_for(name, given) == slug
    assert slug_for("嬛嬛") == slug_for("嬛嬛") != slug_for("青穗")
    with pytest.raises(BadInput, match="小写字母"):
        slug_for("嬛嬛", "嬛嬛")


GOOD = {
    "summary": "听柳轩的主人。", "description": "{{char}}住在听柳轩。", "personality": "谨慎。",
    "scenario": "{{user}}来了。", "first_message": "（抬头。）坐。",
}  # fmt: skip


def test_a_model_drafts_from_what_the_role_says(part: Part) -> None:
    peer = Peer(lambda _: json.dumps(GOOD, ensure_ascii=False))
    with peer.client() as client:
        draft = drafted(part, part.lines[:20], client)
    assert draft == Draft(**GOOD)
    (body,) = peer.bodies
    assert part.lines[0].text in body["messages"][0]["content"]
    assert body["response_format"]["type"] == "json_schema"


def test_a_model_that_talks_nonsense_is_no_draft(part: Part) -> None:
    with Peer(lambda _: "好的。").client() as client, pytest.raises(Nonsense):
        drafted(part, part.lines[:20], client)


@pytest.mark.parametrize(
    "change",
    [{"summary": " "}, {"description": "有个人。"}, {"scenario": "{{random}}来了。"},
     {"personality": "很" * 700}],
)  # fmt: skip
def test_drafts_that_may_not_stand(part: Part, change: dict[str, str]) -> None:
    with pytest.raises(Unusable):
        checked(part, Draft(**(GOOD | change)))
