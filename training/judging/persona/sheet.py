"""What a card and a sheet say of a person, as questions, and answers that say something else.

Only what contradicts is told: who dodges a question does not contradict. Every rule looks for a
value that an answer names outright (“我叫…”, “…岁”, “住在…”) and compares it with the sheet.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from retrieval.measures.letters import bare
from retrieval.numerals import NUMERAL, number_of
from training.judging.persona.character import MAKERS
from training.judging.persona.probing import Probe

OTHERS = 3
"""People whose name the persona is offered for its own."""
MOST_FACTS = 12
_WORD = r"[\u3400-\u9fff·A-Za-z]"
_NAMED = re.compile(
    rf"(?:我(?:的)?(?:本名|名字)?(?:就)?(?:叫做|叫|名叫|名唤)|(?:我的)?名字(?:就)?(?:叫做?|是)|姓名[是：:])[“「]?"
    rf"(?!什么|做|人|我|你|他|她|不)({_WORD}{{2,8}})"
)
_MAKER = re.compile(rf"我(?:是|叫)[^，。！？\n]{{0,10}}?({MAKERS})")
_AGE = re.compile(rf"({NUMERAL})岁")
_MY_AGE = re.compile(
    rf"(?:我|今年|年方|刚满|已经|虚岁|快|是|有|^)[^，。！？\n]{{0,4}}?({NUMERAL})岁"
)
_HOME = re.compile(rf"(?:住在|家在|家住)(?![这那哪何什])({_WORD}{{2,10}})")
_KIN = "父亲|母亲|祖父|祖母|哥哥|弟弟|姐姐|妹妹|丈夫|妻子|儿子|女儿"
_SEX = re.compile(
    r"(?:我|本人)(?:是|乃)(?:一?[个名位]|堂堂)?(?:小)?(男|女)|身为(男|女)|(男|女)儿身"
)
_YES = re.compile(r"^\W*(?:是的|是啊|正是|对[，。啊！]|没错|不错[，。])")
_NO = re.compile(r"不是|并非|认错|弄错|不对")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`text` is all that is said of them, the lorebook too; `description` the card's own words.
    `facts` are (what of them, value), `rivals` what the same is for others."""

    names: tuple[str, ...]
    description: str
    text: str
    others: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    rivals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def sheet_probes(sheet: Sheet) -> Iterator[Probe]:
    for part in (_name, _other_names, _age, _sex, _home, _kin, _facts):
        yield from part(sheet)


def _name(sheet: Sheet) -> Iterator[Probe]:
    def fails(answer: str) -> str:
        if found := _MAKER.search(answer):
            return found[0]
        for named in _NAMED.finditer(answer):
            if not any(own in named[1] or named[1] in own for own in sheet.names):
                return named[0]
        return ""

    def denies(answer: str) -> str:
        found = re.search(rf"我(?:并|可|才)?不(?:是|叫){re.escape(sheet.names[0])}", answer)
        return found[0] if found else fails(answer)

    told = "、".join(sheet.names)
    yield Probe("sheet:name-1", "sheet", "你叫什么名字？", fails, f"名字：{told}")
    yield Probe(
        "sheet:name-2", "sheet", "还没请教，该怎么称呼？你到底是谁？", fails, f"名字：{told}"
    )
    yield Probe("sheet:name-3", "sheet", f"你是不是{sheet.names[0]}？", denies, f"名字：{told}")


def _other_names(sheet: Sheet) -> Iterator[Probe]:
    others = [name for name in sheet.others if name not in sheet.names and len(name) > 1]
    for number, other in enumerate(others[:OTHERS], 1):
        says = re.compile(rf"我(?:就|正|便)?(?:是|叫){re.escape(other)}(?!的)")

        def fails(answer: str, says: re.Pattern[str] = says) -> str:
            first = re.split(r"[。！？\n]", answer.strip(), maxsplit=1)[0]
            found = says.search(answer) or (None if _NO.search(first) else _YES.search(answer))
            return found[0] if found else ""

        question = f"我认得你，你就是{other}吧？"
        told = f"不是{other}，是{sheet.names[0]}"
        yield Probe(f"sheet:other-{number}", "sheet", question, fails, told)


def _age(sheet: Sheet) -> Iterator[Probe]:
    """The age that stands in the sentence which first says who it is."""
    told = (
        found
        for sentence in re.split(r"[。！？\n]", sheet.description)
        if _is_about(sentence, sheet) and (found := _AGE.search(sentence))
    )
    found = next(told, None)
    if found is None:
        return
    own = number_of(found[1])

    def fails(answer: str) -> str:
        ages = [(each[0], number_of(each[1])) for each in _MY_AGE.finditer(answer)]
        if any(age == own for _, age in ages):
            return ""
        return ages[0][0] if ages else ""

    yield Probe("sheet:age", "sheet", "你今年多大年纪？", fails, f"年纪：{found[0]}")


def _is_about(sentence: str, sheet: Sheet) -> bool:
    return any(name in sentence[:12] for name in (*sheet.names, "她", "他"))


def _sex(sheet: Sheet) -> Iterator[Probe]:
    """Where the card calls them by one pronoun only."""
    counts = {sex: len(re.findall(f"{word}(?!们)", sheet.description))
              for sex, word in (("女", "她"), ("男", "他"))}  # fmt: skip
    told = [sex for sex, count in counts.items() if count]
    if len(told) != 1:
        return

    def fails(answer: str) -> str:
        found = [(each[0], each[1] or each[2] or each[3]) for each in _SEX.finditer(answer)]
        return next((words for words, sex in found if sex != told[0]), "")

    yield Probe("sheet:sex", "sheet", "你是男子还是女子？", fails, f"性别：{told[0]}")


def _home(sheet: Sheet) -> Iterator[Probe]:
    if found := _HOME.search(sheet.description):
        fails = _Rule(_HOME, sheet.text)
        yield Probe("sheet:home", "sheet", "你住在哪里？", fails, f"住处：{found[1]}")


def _kin(sheet: Sheet) -> Iterator[Probe]:
    for kin in _KIN.split("|"):
        says = re.compile(rf"(?<!谁的)(?<!他的)(?<!她的){kin}(?:是|任|做过?|当)({_WORD}{{2,12}})")
        if found := says.search(sheet.text):
            other = _Rule(says, sheet.text)
            none = re.compile(rf"我(?:从来)?没有{kin}|我不曾有{kin}")

            def fails(answer: str, none: re.Pattern[str] = none, other: "_Rule" = other) -> str:
                denied = none.search(answer)
                return denied[0] if denied else other(answer)

            yield Probe(f"sheet:kin-{kin}", "sheet", f"你{kin}是做什么的？", fails, found[0])


def _facts(sheet: Sheet) -> Iterator[Probe]:
    """What the story says of them; another's value of the same, and not their own, contradicts."""
    for number, (what, value) in enumerate(sheet.facts[:MOST_FACTS], 1):
        rivals = [
            each for each in sheet.rivals.get(what, ()) if each not in value and value not in each
        ]

        def fails(answer: str, value: str = value, rivals: Sequence[str] = rivals) -> str:
            if bare(value) in bare(answer):
                return ""
            return next((each for each in rivals if bare(each) in bare(answer)), "")

        if rivals:
            told = f"{what}：{value}"
            yield Probe(f"sheet:fact-{number}", "sheet", f"你的{what}是什么？", fails, told)


class _Rule:
    """The first value named by a pattern no two neighbouring characters of which the sheet has."""

    def __init__(self, says: re.Pattern[str], text: str) -> None:
        self._says, self._text = says, bare(text)

    def __call__(self, answer: str) -> str:
        for found in self._says.finditer(answer):
            value = found[1]
            if not any(value[n : n + 2] in self._text for n in range(len(value) - 1)):
                return found[0]
        return ""
