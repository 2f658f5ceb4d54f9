"""Whether what a model said is a recap: its faults, in a sentence for an author.

Small models answer with the instruction, turn in circles, chat with the reader or bring in
people from elsewhere. What fails here is not kept; the extractive recap stands instead.
"""

import re
from collections import Counter
from collections.abc import Iterable

from retrieval.chunk import last_sentence_end, sentences

SHORTEST = 15
"""Characters below which nothing has been told."""
TOO_LONG = 1.3
"""Times the wanted length that are still kept whole."""
COPIED = 12
"""Characters in a row of the instruction that are no accident."""
VERBATIM, MOST_VERBATIM = 20, 0.5
"""A run of so many characters is the text's own; of a recap of a text no more than this share."""
LOOP = 8
"""Characters in a row that stand three times in a text that turns in circles."""
KNOWN_PAIRS = 0.25
"""Share of its pairs of characters that a recap of a text has in common with it, at least.
The outlines of our sample, written by people, have 0.37 to 0.46 with their chapter, 0.16 to
0.43 with another one: this tells off what is about something else, not every mistake."""

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_LEAD_IN = re.compile(
    r"^(?:好的[，,。!！]?|以下是[^：:\n]{0,30}[：:]|(?:本章|本段|这一章|前情|内容)?(?:的)?"
    r"(?:前情)?(?:提要|概要|摘要|梗概|总结|回顾)[^：:\n]{0,6}[：:])\s*"
)
_CHAT = re.compile(
    r"作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型|助手)|希望(?:对您|对你|这)|(?:如果)?您(?:需要|还有)"
)
_MARKS = re.compile(r"^[#>*\-\s]+|\*\*|`+", re.MULTILINE)
_VERB = "说道问答笑哭叫喊想看听走跑站坐把被让叫对向跟和与在从到是有给要去来"
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜戚谢邹喻柏水窦章苏潘葛奚范彭郎鲁韦"
    "昌马苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄穆萧"
    "尹姚邵汪祁毛狄米贝明臧计伏成戴谈宋庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟"
    "徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫经房裘缪解应宗丁宣邓单杭洪包左石崔吉龚程嵇邢裴陆荣翁"
)
_NAME = re.compile(
    rf"(?:^|[，。；：、！？“‘\s])([{_SURNAMES}][\u4e00-\u9fff]{{1,2}}?)(?=[{_VERB}])"
)


def clean(said: str, limit: int) -> str:
    """What a model said, without its thoughts, lead-in, marks of Markdown and an unfinished last
    sentence; cut after a sentence where it is too long."""
    text = _LEAD_IN.sub("", _MARKS.sub("", _THOUGHT.sub("", said)).strip())
    text = " ".join(text.split())
    if len(text) > limit * TOO_LONG:
        text = text[: int(limit * TOO_LONG)]
    end = last_sentence_end(text)
    return text[:end] if end >= SHORTEST else text


def fault(
    text: str,
    source: str,
    instruction: str,
    limit: int,
    names: Iterable[str] = (),
    *,
    may_copy: bool = False,
) -> str | None:
    """Why a cleaned text is no recap of `source`; None where it is one.

    `names` are what the people of the book are called; `instruction` is what was asked,
    without the source. `may_copy`: the source is itself made of recaps, whose words may stay.
    """
    if len(text) < SHORTEST:
        return "模型没有写出内容"
    if len(text) > limit * TOO_LONG or last_sentence_end(text) < len(text):
        return "模型没有写完"
    if _CHAT.search(text):
        return "模型没有写前情，而是和读者说起了话"
    if _copies(text, instruction, source):
        return "模型照抄了要求"
    if _circles(text):
        return "模型来回重复"
    if not may_copy and _verbatim(text, source) > MOST_VERBATIM:
        return "模型只是照抄了一段原文"
    if stranger := _stranger(text, source, names):
        return f"模型写了原文里没有的“{stranger}”"
    if _common(text, source) < KNOWN_PAIRS:
        return "模型写的和原文对不上"
    return None


def _copies(text: str, instruction: str, source: str) -> bool:
    runs = (instruction[n : n + COPIED] for n in range(len(instruction) - COPIED + 1))
    return any(run in text and run not in source for run in runs if run.strip())


def _circles(text: str) -> bool:
    runs = Counter(text[n : n + LOOP] for n in range(len(text) - LOOP + 1))
    if runs and max(runs.values()) >= 3:
        return True
    told = Counter(text[a:b].strip() for a, b in sentences(text))
    return any(n > 1 and len(sentence) >= SHORTEST for sentence, n in told.items())


def _verbatim(text: str, source: str) -> float:
    """Share of the text that stands in the source in long runs."""
    copied = [False] * len(text)
    for n in range(len(text) - VERBATIM + 1):
        if text[n : n + VERBATIM] in source:
            copied[n : n + VERBATIM] = [True] * VERBATIM
    return sum(copied) / len(text)


def _stranger(text: str, source: str, names: Iterable[str]) -> str | None:
    """A name in the text that the source does not have: one of the book's, or what looks like
    one (a surname, one or two characters, then what people do)."""
    for name in names:
        if len(name) > 1 and name in text and name not in source:
            return name
    for match in _NAME.finditer(text):
        if match[1] not in source:
            return match[1]
    return None


def _common(text: str, source: str) -> float:
    pairs = [text[n : n + 2] for n in range(len(text) - 1) if text[n : n + 2].isalnum()]
    return sum(pair in source for pair in pairs) / len(pairs) if pairs else 0.0
