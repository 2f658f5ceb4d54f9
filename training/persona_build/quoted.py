"""A card from the script's own words: who is who, what is counted, and what the role says.

Nothing is made up: every sentence is the script's, or a count of it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from pydantic import BaseModel

from training.persona_build.part import Line, Part

MOST_KNOWN = 5
"""People and places that the description names."""
MOST_ACQUAINTANCES = 40
LONGEST_QUOTE = 60
QUOTES = 3
_SELF = (
    "臣妾|嫔妾|妾身|奴婢|奴才|本宫|本座|本王|哀家|朕|寡人|微臣|老臣|臣|末将|在下|小人|小的|草民|民女|"
    "贫僧|老孙|俺老孙|俺|老夫|老身|咱家|咱|洒家|孤|我"
)
_SAYS_I = re.compile(rf"(?:^|[，。！？；：、])({_SELF})")
_TELLS_OF_SELF = re.compile(
    rf"(?:{_SELF})(?:是|从|自|向来|一向|生来|不会|不爱|最|怕|喜欢|记得|小时|只)"
)
_END = re.compile(r"([呢吧吗啊呀罢了哪嘛么哩咧哇])[。！？…”]*$")


class Draft(BaseModel):
    """What of a card is written; the rest of it is chosen and counted."""

    summary: str
    description: str
    personality: str
    scenario: str
    first_message: str


def quoted(part: Part, voice: Sequence[Line]) -> Draft:
    return Draft(
        summary=_summary(part),
        description="\n".join(_description(part)),
        personality=_manner(part),
        scenario=_scenario(part),
        first_message=greetings(part, voice, 1)[0],
    )


def greetings(part: Part, voice: Sequence[Line], count: int) -> list[str]:
    """What the role opens scenes with, the scene's place before it; else what is typical."""
    opening = [line for line in part.lines if line.opens and len(line.text) >= MOST_KNOWN]
    lines = [*opening, *voice, *part.lines]
    told = [
        f"（{place}。）{line.told}" if (place := part.scenes[line.scene].place) else line.told
        for line in lines
    ]
    return list(dict.fromkeys(told))[:count]


def acquaintances(part: Part) -> Iterator[tuple[str, str]]:
    """(name, what the role and they have to do with each other), for a lorebook."""
    for name, together in part.company[:MOST_ACQUAINTANCES]:
        if len(name) < 2:
            continue
        where = Counter(s.place for s in part.scenes if name in s.people and s.place)
        words = _quotes(line.text for line in part.lines if name in line.to)
        often = f"，多在{where.most_common(1)[0][0]}" if where else ""
        told = f"{part.name}对{name}说过：{words}" if words else ""
        yield name, f"{part.name}和{name}在 {together} 场戏里说过话{often}。{told}"


def _summary(part: Part) -> str:
    told = part.described or f"《{part.source}》里的人物"
    return f"{told}；{len(part.scenes)} 场戏，{len(part.lines)} 句话。"


def _description(part: Part) -> Iterator[str]:
    also = f"，又称{'、'.join(part.also)}" if part.also else ""
    yield f"{{{{char}}}}是《{part.source}》里的人物{also}。"
    if part.described:
        yield f"{part.described}。"
    if part.places:
        yield f"常在{_joined(part.places)}。"
    if part.company:
        yield f"来往最多的是{_joined(part.company)}。"
    words = _quotes(line.text for line in part.lines if _TELLS_OF_SELF.search(line.text))
    if words:
        yield f"{{{{char}}}}这样说自己：{words}"


def _quotes(texts: Iterable[str]) -> str:
    """The longest that still go by as quotes, in quotation marks."""
    fit = dict.fromkeys(t for t in texts if len(t) <= LONGEST_QUOTE and not set(t) & set("“”\n"))
    return "".join(f"“{text}”" for text in sorted(fit, key=len)[-QUOTES:])


def _manner(part: Part) -> str:
    """How the role speaks beside the others of the script."""
    own, others = [line.text for line in part.lines], part.others
    length = median(map(len, own))
    ordinary = median(map(len, others)) if others else length
    size = (
        "比旁人短"
        if length < 0.8 * ordinary
        else "比旁人长"
        if length > 1.25 * ordinary
        else "和旁人差不多"
    )
    told = [f"一次说 {length:.0f} 字上下，{size}"]
    if _share_asking(own) > 1.25 * _share_asking(others):
        told.append("爱反问")
    names = Counter(name for text in own for name in _SAYS_I.findall(text)).most_common(2)
    if names:
        told.append(f"自称{'、'.join(f'“{name}”' for name, _ in names)}")
    ends = Counter(found[1] for text in own if (found := _END.search(text))).most_common(2)
    if ends:
        told.append(f"句末常用{'、'.join(f'“{end}”' for end, _ in ends)}")
    return f"{'；'.join(told)}。"


def _share_asking(texts: Sequence[str]) -> float:
    return sum("？" in text or "?" in text for text in texts) / max(1, len(texts))


def _scenario(part: Part) -> str:
    return f"{part.places[0][0]}。{{{{user}}}}来见{{{{char}}}}。" if part.places else ""


def _joined(counted: Sequence[tuple[str, int]]) -> str:
    return "、".join(name for name, _ in counted[:MOST_KNOWN])
