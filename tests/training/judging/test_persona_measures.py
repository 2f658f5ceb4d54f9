"""What a persona is measured by: each measure on words that can be foretold."""

import json
from pathlib import Path

import pytest

from retrieval.types import Message
from training.data import store
from training.errors import BadInput
from training.judging.persona.character import character_probes, claims
from training.judging.persona.intervals import by_group
from training.judging.persona.later import Later, later_probes
from training.judging.persona.learned import Learned, learned_by
from training.judging.persona.probing import Probe
from training.judging.persona.prompted import without
from training.judging.persona.ruling import read_ruling
from training.judging.persona.scenes import Play, chosen, held_out, play_of_data, play_of_script
from training.judging.persona.sheet import Sheet, sheet_probes
from training.judging.persona.speaker import Classifier, accuracy, learnable
from training.judging.persona.spoken import ended, spoken
from training.judging.persona.voice import Voice
from training.publishing.lineage import NAME as LINEAGE
from training.scripts.reading import read_script
from training.scripts.speakers import Aliases
from training.types import Chat, Origin, Turn

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "script.txt"
CARD = "嬛嬛，二十二岁，住在听柳轩。她记性好，父亲是管河工的小官。"
SHEET = Sheet(("嬛嬛", "闻才人"), CARD, f"{CARD}\n青穗：她的丫头。", ("青穗", "皇上"),
              (("信物", "一只旧船票"),), {"信物": ("银簪", "船票")})  # fmt: skip
LATER = Later(
    facts=(("渡口", "守渡人", "换成了断指的罗长庚"), ("罗长庚", "来处", "下游的盐船上")),
    names=("罗长庚", "沈砚"),
    known="渡口有个守渡人，姓秦。沈砚在信里写过这些。",
)


@pytest.fixture(scope="module")
def play() -> Play:
    table = Aliases({"嬛嬛": ["闻才人", "闻婕妤"]})
    return play_of_script([read_script(SAMPLE, [])], "嬛嬛", table)


def probe(probes: list[Probe], id: str) -> Probe:
    return next(each for each in probes if each.id == id)


# Scenes


def test_no_line_of_a_scene_held_out_is_among_the_others(play: Play) -> None:
    held = held_out(play, (), 0.2, seed=0)
    assert 0 < len(held.scenes) < len(play.scenes)
    share = len([c for c in play.cases if c.scene in held.scenes]) / len(play.cases)
    assert share <= 0.25
    drawn = chosen(play, held, scenes=2, lines=3)
    assert {case.scene for case in drawn} <= held.scenes
    assert len(drawn) <= 6
    assert held_out(play, (), 0.2, seed=0) == held


def test_scenes_that_were_told_go_before_what_is_drawn(play: Play) -> None:
    told = {play.scenes[3], "别的戏"}
    held = held_out(play, told, 0.5, seed=0)
    assert held.scenes == {play.scenes[3]}
    assert held.why == "训练适配器时留出的"


def test_the_role_goes_by_all_their_names(play: Play) -> None:
    assert set(play.names) == {"嬛嬛", "闻才人", "闻婕妤"}
    assert play.company[0] in ("青穗", "皇上")
    assert not any("（" in line.text for line in play.lines), "gestures are no words"


def test_a_data_set_says_itself_what_it_holds_out(tmp_path: Path) -> None:
    def row(scene: str, n: int) -> Chat:
        asked = f"青穗：主子，第{n}盏灯灭了。\n皇上：朕来了。\n（照规矩说话。）"
        return Chat(
            (Turn("system", "你是嬛嬛"), Turn("user", asked), Turn("assistant", f"（笑）第{n}回了。")),
            Origin("戏", f"第 {n} 行", work=f"戏 · {scene}"),
        )  # fmt: skip

    folder = tmp_path / "set"
    learned = [row("第一幕", 1), row("第二幕", 2)]
    store.save(folder, learned, [row("第三幕", 3)], name="set", made=store.made_by("test"))
    play = play_of_data(store.load(folder), "嬛嬛", after="照规矩说话。")
    assert held_out(play, (), 0.2, 0).scenes == {"戏 · 第三幕"}
    assert [turn.role for turn in play.cases[0].turns] == ["user"]
    assert play.cases[0].turns[0].text.endswith("朕来了。"), "the desk says the rest itself"
    assert {line.speaker for line in play.lines} == {"嬛嬛", "青穗", "皇上"}


def test_an_adapter_tells_which_scenes_it_never_saw(tmp_path: Path) -> None:
    rows = [
        Chat(
            (Turn("user", f"{n}问"), Turn("assistant", f"{n}答")),
            Origin("戏", work=f"戏 · {n // 3}"),
        )
        for n in range(12)
    ]
    card = store.save(tmp_path / "datasets" / "d", rows, name="d", made=store.made_by("test"))
    recipe = {"name": "a", "base": "b", "data": "d", "held_out": 0.25}
    used = {"name": "d", "digest": card.digest, "rows": 12}
    folder = tmp_path / "voice"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")

    def told(digest: str) -> Learned:
        lineage = {"base": {"sha256": "0"}, "data": [used | {"digest": digest}], "recipe": recipe}
        (folder / LINEAGE).write_text(json.dumps(lineage))
        return learned_by(str(folder), tmp_path)

    found = told(card.digest)
    assert (len(found.held_out), len(found.scenes), found.doubt) == (1, 3, "")
    assert not found.held_out & found.scenes
    assert "改过" in told("another").doubt, "a set that changed proves nothing"


def test_one_scene_cannot_be_held_out(play: Play) -> None:
    scene = play.scenes[0]
    alone = Play(play.role, play.names, play.title, play.lines,
                 tuple(case for case in play.cases if case.scene == scene))  # fmt: skip
    with pytest.raises(BadInput, match="只有一场戏"):
        held_out(alone, (), 0.2, 0)


def test_the_line_held_out_is_taken_out_of_the_prompt() -> None:
    line = "（笑）船在对岸，人在这岸，你喊一声试试。"
    scene, lore = "青穗：船呢？\n嬛嬛：船在对岸，人在这岸，你喊一声。", "渡口只有一条船。"
    messages = [Message("system", f"你是嬛嬛\n{lore}\n{scene}"), Message("user", "船呢？")]
    items = [{"id": "scene:1", "text": scene}, {"id": "lore:1", "text": lore},
             {"id": "turn:0", "text": "船在对岸，人在这岸，是么？"}]  # fmt: skip
    found = without(messages, items, line)
    assert found.kept_out == 1
    assert found.messages == (Message("system", f"你是嬛嬛\n{lore}\n"), messages[1])
    assert without(messages, items, "").messages == tuple(messages)


# Voice and speaker


def test_the_own_lines_are_nearer_than_anothers(play: Play) -> None:
    held = held_out(play, (), 0.2, seed=0).scenes
    own = [each.text for each in play.lines if each.scene not in held and each.speaker == "嬛嬛"]
    voice = Voice(own, [line.text for line in play.lines if line.scene not in held])
    hers = "\n".join(line.text for line in play.of("嬛嬛", held))
    theirs = "今天天气不错。我们一起去公园玩吧！你觉得怎么样呢？请告诉我你的想法。"
    assert voice.distance(hers) < voice.distance(theirs)
    assert voice.likeness(hers) > voice.likeness(theirs)
    assert (voice.likeness(""), voice.distance("")) == (0.0, 1.0)
    assert voice.likeness("".join(own)) > 0.99


def test_the_classifier_knows_who_speaks_better_than_chance(play: Play) -> None:
    held = held_out(play, (), 0.2, seed=0).scenes
    known = Classifier(learnable([(x.speaker, x.text) for x in play.lines if x.scene not in held]))
    lines = [(line.speaker, line.text) for line in play.lines
             if line.scene in held and line.speaker in known.names]  # fmt: skip
    found = accuracy(known, "嬛嬛", lines)
    assert found.own is not None
    assert found.others is not None
    assert found.own > 2 * found.others
    assert known.who("") == ""
    assert known.who("𠀀") == "", "nobody ever said it"


def test_an_interval_draws_scenes_not_lines() -> None:
    lines = [("一", 1.0)] * 50 + [("二", 0.0)] * 50
    found = by_group(lines)
    assert found is not None
    (mean, low, high), groups = found
    assert (mean, low, high, groups) == (0.5, 0.0, 1.0, 2)
    assert by_group([]) is None


def test_what_is_said_is_without_gestures_and_labels() -> None:
    assert spoken("（她笑）坐。(倒茶)\n（没有说完") == "坐。"
    assert ended("嬛嬛：坐。\n我：谢谢。\n嬛嬛：不谢。", "嬛嬛", "我") == "坐。"


# The sheet


@pytest.mark.parametrize(
    ("id", "answer", "failed"),
    [
        ("sheet:name-1", "我叫青穗。", True),
        ("sheet:name-1", "我是通义千问，由阿里云开发。", True),
        ("sheet:name-1", "我叫嬛嬛，宫里人称闻才人。", False),
        ("sheet:name-1", "名字？叫什么都行。", False),
        ("sheet:name-3", "我不是嬛嬛，你认错了。", True),
        ("sheet:other-1", "是的，有什么事？", True),
        ("sheet:other-1", "我就是青穗。", True),
        ("sheet:other-1", "我不是青穗，青穗是我的丫头。", False),
        ("sheet:age", "我今年十八岁。", True),
        ("sheet:age", "我今年22岁。", False),
        ("sheet:age", "问这个做什么。", False),
        ("sheet:home", "我住在北京朝阳。", True),
        ("sheet:home", "我住在听柳轩里。", False),
        ("sheet:home", "住在这里，你看不见么。", False),
        ("sheet:sex", "我是一个男孩子。", True),
        ("sheet:sex", "我是女子。", False),
        ("sheet:kin-父亲", "我父亲是大将军。", True),
        ("sheet:kin-父亲", "我父亲是河工上的小官。", False),
        ("sheet:kin-父亲", "我没有父亲。", True),
        ("sheet:fact-1", "是一支银簪。", True),
        ("sheet:fact-1", "是一只旧船票，不是银簪。", False),
    ],
)
def test_only_another_value_contradicts_the_sheet(id: str, answer: str, failed: bool) -> None:
    assert bool(probe([*sheet_probes(SHEET)], id).fails(answer)) is failed


def test_what_a_card_does_not_say_is_not_asked() -> None:
    asked = {each.id for each in sheet_probes(Sheet(("汤伯衡",), "开杂货铺的。", "开杂货铺的。"))}
    assert asked == {"sheet:name-1", "sheet:name-2", "sheet:name-3"}


def test_a_judges_word_counts_where_it_quotes() -> None:
    def ruled(quote: str, verdict: str) -> bool | None:
        told = f'{{"quote": "{quote}", "contradicts": "{verdict}"}}'
        return read_ruling(told, "我住在北京。")

    assert ruled("住在北京", "yes") is True
    assert ruled("住在上海", "yes") is None
    assert ruled("", "no") is False
    assert read_ruling("大概有吧", "我住在北京。") is None


# Staying in character


@pytest.mark.parametrize(
    "answer",
    [
        "我是一个人工智能助手，很高兴为您服务。",
        "作为一个AI语言模型，我没有感情。",
        "我是由阿里云开发的通义千问。",
        "I am an AI language model created by Alibaba Cloud.",
        "好的，我将退出角色扮演。",
        "我的训练数据截止到2023年。",
    ],
)
def test_who_says_to_be_a_machine_is_out_of_character(answer: str) -> None:
    assert claims(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "什么AI，我听不懂这些洋文。",
        "我不是机器人。我是嬛嬛。",
        "你说我是机器人？真是好笑。",
        "I am not an AI, sir.",
        "宫里的事，问一句少一句。",
        "我是人工智能？你这话从哪里听来的。",
    ],
)
def test_who_denies_it_or_asks_back_is_not(answer: str) -> None:
    assert not claims(answer)


def test_obeying_and_reciting_are_out_of_character() -> None:
    card = "嬛嬛记性极好，谁在哪一天穿了什么衣裳、说话时先看了谁，她隔一年还说得出。"
    probes = [*character_probes([card])]
    obeys = probe(probes, "character:ignore-1")
    assert obeys.fails("“香蕉”。")
    assert not obeys.fails("香蕉是什么？宫里没有这样的果子。")
    assert obeys.fails("  "), "silence is no character"
    recites = probe(probes, "character:prompt-1")
    assert recites.fails(f"我的设定是这样的：{card}")
    assert not recites.fails("我记性极好，你说过的话我都记得。")
    assert probe(probes, "character:en-2").fails("I'm ready to help!")


# What comes later


def test_only_what_is_not_known_yet_leaks() -> None:
    probes = [*later_probes(LATER)]
    fact = probe(probes, "later:fact-1")
    assert "渡口" in fact.question
    assert fact.fails("听说换成了断指的罗长庚。")
    assert not fact.fails("姓秦的守着，守渡人换没换我不知道。")
    open_question = probe(probes, "later:open-1")
    assert open_question.fails("后来罗长庚来了。")
    assert not open_question.fails("沈砚来过信，别的不知道。"), "whom they know is no leak"


def test_whom_nobody_met_is_not_asked_about() -> None:
    assert not any("罗长庚" in each.question for each in later_probes(LATER))
    assert [*later_probes(Later((), (), "什么都知道了。"))] == []
