"""Of a chunk, its summary in one sentence, or a flat draft that is to be rewritten."""

import re
from collections.abc import Sequence

from retrieval.chunk import sentences
from retrieval.measures import Copies
from training.novels.chunks import Chunk
from training.served.asking import Unusable
from training.served.chunk_makers import Maker
from training.served.client import Sampling
from training.served.variants import shipped

LONGEST = 50
"""Characters of a summary."""
SHORTEST = 6
"""Characters that can say who did what; a summary cut at a clause keeps at least so many."""
_LABEL = re.compile(r"^(?:一句话)?(?:梗概|概括|摘要|总结)[是为]?[：:]\s*")
_AROUND = '“”"「」『』*# \t\u3000'
_CLAUSE = "，、；：—,;"

DRAFT_LENGTHS = (0.3, 1.6)
"""How long a draft may be beside its chunk."""
DRAFT_COPIED = 0.6
"""So large a part of a draft that stands in the chunk word for word leaves nothing to rewrite."""


def summary(_: Chunk, text: str) -> str:
    """Raises Unusable: not one sentence of at most LONGEST characters."""
    told = _bare(text)
    count = len(_sentences(told))
    if len(told) < SHORTEST:
        raise Unusable("太短，没有说出谁做了什么")
    if count > 1:
        raise Unusable(f"有 {count} 句话，只要一句")
    if len(told) > LONGEST:
        raise Unusable(f"有 {len(told)} 个字，不能超过 {LONGEST} 个字")
    return told


def shortened(chunk: Chunk, text: str) -> str:
    """The first sentence, cut at the last clause that leaves it short enough."""
    found = _sentences(_bare(text))
    first = found[0].strip() if found else ""
    if len(first) > LONGEST:
        cuts = [n for n, mark in enumerate(first[:LONGEST]) if mark in _CLAUSE]
        if not cuts or cuts[-1] < SHORTEST:
            raise Unusable(f"有 {len(first)} 个字，也没有可以断开的地方")
        first = f"{first[: cuts[-1]].rstrip(_CLAUSE)}。"
    return summary(chunk, first)


def draft(chunk: Chunk, text: str) -> str:
    """Raises Unusable: of another length than the chunk, or the chunk's own words."""
    told, whole = text.strip(), chunk.text.strip()
    least, most = (round(share * len(whole)) for share in DRAFT_LENGTHS)
    if not least <= len(told) <= most:
        raise Unusable(f"有 {len(told)} 个字，应在 {least} 到 {most} 个字之间")
    copied = Copies([whole]).copied(told, least=12).share
    if copied > DRAFT_COPIED:
        raise Unusable(f"有 {copied:.0%} 照抄了原文，要换成平直的话")
    return told


def _bare(text: str) -> str:
    return _LABEL.sub("", " ".join(text.split()).strip(_AROUND)).strip(_AROUND)


def _sentences(text: str) -> Sequence[str]:
    return [text[start:end] for start, end in sentences(text)]


SUMMARIES: Maker[str] = Maker(
    "summaries",
    shipped(
        平实="用一句话概括下面这段小说，不超过 50 个字：谁，做了什么，结果怎样。"
        "不评论，不说“本段”“作者”，只写这一句话。\n\n{{ text }}",
        承前="{% if before %}前文：\n{{ before }}\n\n{% endif %}正文：\n{{ text }}\n\n"
        "用一句话概括正文里发生的事，不超过 50 个字。人物写名字，不写“他”“她”；"
        "前文只用来认人，不要概括前文。只写这一句话。",
    ),
    summary,
    str,
    lambda _: Sampling(tokens=120, temperature=0.3),
    shortened,
)

DRAFTS: Maker[str] = Maker(
    "drafts",
    shipped(
        平直="用平直的大白话把下面这段小说重写一遍，约 {{ length }} 字：事情和次序不变，"
        "对话的意思不变，去掉描写、比喻和修辞。只写重写后的文字。\n\n{{ text }}",
        流水="把下面这段小说改写成流水账，约 {{ length }} 字：一件事一件事地说，不用形容词，"
        "不用原文的句子，人物的话改成转述。只写改写后的文字。\n\n{{ text }}",
    ),
    draft,
    str,
    lambda length: Sampling(tokens=2 * length + 64, temperature=0.7),
)
