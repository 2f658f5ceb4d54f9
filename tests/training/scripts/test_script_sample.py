"""The sample script is what the parser was made for, and enough to learn a voice from."""

from pathlib import Path

from training.personas import read_card
from training.scripts.dialogue import Wanted, dialogues
from training.scripts.reading import read_script
from training.scripts.speakers import Aliases, cast_table, speakers

ROOT = Path(__file__).parents[3]
SAMPLE = read_script(ROOT / "data" / "sample" / "script.txt", [])
(SCRIPT,) = SAMPLE.scripts
ALIASES = Aliases(cast_table([SCRIPT]))


def test_it_is_long_enough() -> None:
    spoken = [scene for scene in SCRIPT.scenes if any(b.kind == "speech" for b in scene.blocks)]
    assert len(spoken) >= 12
    assert sum(block.kind == "speech" for block in SCRIPT.blocks) >= 360
    first = speakers([SCRIPT], ALIASES)[0]
    assert (first.name, first.aliases) == ("嬛嬛", ("闻婕妤", "闻才人"))
    assert first.speeches >= 170


def test_it_has_every_shape_that_scripts_have() -> None:
    text = SCRIPT.text
    assert "：" in text
    assert "\n嬛嬛:" in text
    continued = [scene for scene in SCRIPT.scenes if scene.continues != scene.index]
    assert [scene.path[-1].label for scene in continued] == [
        "第2幕（续）",
        "第7幕（续）",
        "第11幕（续）",
    ]
    kinds = {block.kind for block in SCRIPT.blocks}
    assert kinds == {"header", "setting", "speech", "direction", "narration", "blank"}
    assert any(block.last > block.line for block in SCRIPT.blocks if block.kind == "speech")
    several = {block.speakers for block in SCRIPT.blocks if len(block.speakers) > 1}
    assert {("众太监", "众宫女"), ("冯喜", "石嬷嬷"), ("卫妃", "闻婕妤")} <= several
    assert not SCRIPT.doubts


def test_every_word_of_hers_is_learned_once() -> None:
    role = read_card(ROOT / "data" / "personas" / "1-huanhuan.json").name
    items = list(dialogues(SCRIPT, Wanted(role), ALIASES, SAMPLE.title))
    assert SAMPLE.title == "听柳轩"
    learned = [turn.text for item in items for turn in item.turns if turn.learned]
    own = [b for b in SCRIPT.blocks if role in map(ALIASES.main, b.speakers)]
    words = [part.text for block in own for part in block.parts if part.kind == "speech"]
    assert len("".join(words)) > 6000
    whole = "\n".join(learned)
    assert all(word in whole for word in words)
    assert len(set(learned)) == len(learned)


def test_no_line_of_hers_is_said_twice() -> None:
    own = [b for b in SCRIPT.blocks if "嬛嬛" in map(ALIASES.main, b.speakers)]
    lines = ["".join(p.text for p in b.parts if p.kind == "speech") for b in own]
    long = [line for line in lines if len(line) > 6]
    assert len(set(long)) == len(long)
