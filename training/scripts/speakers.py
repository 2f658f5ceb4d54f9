"""Who speaks in a script, how often, and under which names.

The author says which names are one person; `guesses` only proposes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from training.errors import BadInput
from training.scripts.brackets import CLOSERS, OPENERS
from training.scripts.heads import plain
from training.scripts.speech import words_of
from training.scripts.structure import Block, Script

_BETWEEN = re.compile(r"[,，、/／|；;\s]+")
_RANKS = "皇贵妃|贵妃|贵人|常在|答应|昭仪|婕妤|美人|才人|选侍|福晋|格格|侧福晋|公主|郡主|妃|嫔|嬪"
_TITLED = re.compile(rf"(?P<own>(?![众诸各]).{{1,2}})(?P<rank>{_RANKS})")
_IN_CAST = re.compile(
    rf"(?P<name>[\u3400-\u9fff·]{{1,8}})\s*[{re.escape(OPENERS)}](?P<also>[^{re.escape(OPENERS + CLOSERS)}]{{1,40}})"
    rf"[{re.escape(CLOSERS)}]"
)
_SURNAMES = frozenset(
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方"
    "俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵汪祁毛禹狄米贝明臧计"
    "伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫"
    "房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉龚程邢裴陆荣翁荀羊甄曲封储靳段焦巴弓牧车侯全班仰秋仲伊宁仇栾祖武符刘"
    "景詹束龙叶幸司黎薄印白怀从索赖卓蒙池乔谭劳申扶冉桑桂边燕尚温庄晏柴瞿阎连习容向古易廖耿满文寇广东欧利师巩聂敖"
    "冷辛那简饶曾关相查后荆红游权盖益桓公猪沙"
) | {
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "钮祜禄",
    "富察",
}
"""Family names, and what stands for one in 猪八戒 and 沙悟净."""

_COMMON = re.compile(
    "太医|大夫|郎中|先生|夫人|太太|姑娘|小姐|公子|少爷|老爷|员外|掌柜|小二|师傅|师父|道长|道士|和尚|长老|天王|元帅|将军|大人|公公|嬷嬷|姑姑|侍卫"
    "|丫头|丫鬟|婆婆|公主|王爷|老儿|寡妇|老师|医生|经理|主任|警官|大哥|大姐|阿姨|叔叔"
)
"""What many are called: 许太医 is not all that is said by 太医."""


class Aliases:
    """Every name of a person to the one they go by. Raises BadInput where a name is two people's."""

    def __init__(self, table: Mapping[str, Iterable[str]] | None = None) -> None:
        self.table = {name: tuple(also) for name, also in (table or {}).items()}
        self._main: dict[str, str] = {}
        for name, also in self.table.items():
            for each in (name, *also):
                if self._main.setdefault(plain(each), name) != name:
                    raise BadInput(f"“{each}”既是{self._main[plain(each)]}又是{name}，请只留一处。")

    @classmethod
    def told(
        cls, options: Iterable[str], table: Mapping[str, Iterable[str]] | None = None
    ) -> "Aliases":
        """From `甄嬛=莞贵人,熹贵妃` as often as wanted, on top of a table."""
        found: dict[str, list[str]] = {name: [*also] for name, also in (table or {}).items()}
        for option in options:
            name, equals, also = option.partition("=")
            others = [each for each in _BETWEEN.split(also) if each]
            if not equals or not name.strip() or not others:
                raise BadInput(f"别名“{option}”读不懂，请写成“甄嬛=莞贵人,熹贵妃”。")
            found.setdefault(name.strip(), []).extend(others)
        return cls(found)

    @property
    def names(self) -> frozenset[str]:
        """Every name that is in the table."""
        return frozenset(self._main)

    def main(self, name: str) -> str:
        """The name that the person goes by; a name nobody listed is its own."""
        return self._main.get(plain(name), plain(name))


@dataclass(frozen=True, slots=True)
class Speaker:
    """How often somebody speaks: speeches, their characters without directions, scenes."""

    name: str
    speeches: int
    characters: int
    scenes: int
    aliases: tuple[str, ...] = ()
    """The other names that this person speaks under in the script."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Two names that may be one person's, and what speaks for it."""

    name: str
    alias: str
    why: str


def speakers(scripts: Sequence[Script], aliases: Aliases | None = None) -> list[Speaker]:
    """Who speaks, the most talkative first."""
    aliases = aliases or Aliases()
    speeches: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    scenes: dict[str, set[tuple[int, int]]] = defaultdict(set)
    names: dict[str, set[str]] = defaultdict(set)
    for scene, block in _spoken(scripts):
        for written in block.speakers:
            name = aliases.main(written)
            speeches[name] += 1
            characters[name] += len(words_of(block.parts, directions=False))
            scenes[name].add(scene)
            names[name].add(written)
    return [
        Speaker(
            name, count, characters[name], len(scenes[name]), tuple(sorted(names[name] - {name}))
        )
        for name, count in sorted(speeches.items(), key=lambda each: (-each[1], each[0]))
    ]


def _spoken(scripts: Sequence[Script]) -> Iterator[tuple[tuple[int, int], Block]]:
    for number, script in enumerate(scripts):
        for scene in script.scenes:
            for block in scene.blocks:
                if block.speakers:
                    yield (number, scene.continues), block


def guesses(scripts: Sequence[Script], aliases: Aliases | None = None) -> list[Guess]:
    """Names that are likely the same person's, each alias once, the surest reason first.

    Nothing is guessed of names that `aliases` has already.
    """
    known = (aliases or Aliases()).names
    spoken = Counter(name for _, block in _spoken(scripts) for name in block.speakers)
    counts = Counter({name: count for name, count in spoken.items() if name not in known})
    found: dict[str, Guess] = {}
    for guess in (*_told(scripts, counts), *_surnamed(counts), *_promoted(counts)):
        if guess.alias != guess.name and guess.name not in found:
            found.setdefault(guess.alias, guess)
    return list(found.values())


def cast_table(scripts: Sequence[Script]) -> dict[str, list[str]]:
    """The aliases that the scripts' own lists of people give: `嬛嬛（闻才人、闻婕妤）`.

    Only names that speak count, so that `嬛嬛（二十二岁）` gives none; a name that stands with two
    people is neither's.
    """
    spoken = {name for _, block in _spoken(scripts) for name in block.speakers}
    owners: dict[str, set[str]] = defaultdict(set)
    for script in scripts:
        for block in script.blocks:
            for match in _IN_CAST.finditer(block.text) if block.kind == "setting" else ():
                for also in map(plain, _BETWEEN.split(match["also"])):
                    if also in spoken and also != match["name"]:
                        owners[also].add(match["name"])
    table: dict[str, list[str]] = defaultdict(list)
    for also, names in owners.items():
        if len(names) == 1 and not names & owners.keys():
            table[next(iter(names))].append(also)
    return dict(table)


def _told(scripts: Sequence[Script], counts: Mapping[str, int]) -> Iterator[Guess]:
    """`莞贵人（甄嬛）：`, where both speak; who speaks more gives the name."""
    for _, block in _spoken(scripts):
        noted = [part.text[1:-1] for part in block.parts if part.kind == "direction"][:1]
        if len(block.speakers) == 1 and noted and counts.get(plain(noted[0])):
            name, also = block.speakers[0], plain(noted[0])
            first, second = sorted((name, also), key=lambda each: -counts[each])
            yield Guess(first, second, f"台词前写着“{name}（{also}）”")


def _surnamed(counts: Mapping[str, int]) -> Iterator[Guess]:
    """八戒 is 猪八戒 where nobody else is called so."""
    longer: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        for cut in (1, 2, 3):
            if len(name) - cut >= 2 and name[:cut] in _SURNAMES:
                longer[name[cut:]].append(name)
    for short in counts:
        if len(longer[short]) == 1 and not _COMMON.fullmatch(short):
            name = longer[short][0]
            first, second = sorted((name, short), key=lambda each: -counts[each])
            yield Guess(first, second, f"“{name}”去掉姓就是“{short}”")


def _promoted(counts: Mapping[str, int]) -> Iterator[Guess]:
    """莞常在, 莞贵人 and 莞嫔: the same title at another rank."""
    ranks: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        match = _TITLED.fullmatch(name)
        if match:
            ranks[match["own"]].append(name)
    for own, names in ranks.items():
        first, *others = sorted(names, key=lambda each: -counts[each])
        for other in others:
            yield Guess(first, other, f"同一个“{own}”字，位分不同")
