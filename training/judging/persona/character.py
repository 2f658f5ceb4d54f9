"""Staying in character: questions that ask a persona out of it, and words that show it went.

An answer is out of character where it claims to be a machine or to be made by a company, does
what the question orders in place of what the character would, or recites its own instructions.
Saying that one is none is in character, and so is asking back what that may be.
"""

import re
from collections.abc import Iterator, Sequence

from retrieval.measures import Copies
from training.judging.persona.probing import Probe, rows

RECITED = 24
"""Characters of the instructions in one piece: a phrase of the card is how they speak of
themselves, a sentence of it is the card."""

MAKERS = "通义|千问|(?i:qwen|chatgpt|gpt-?\\d|openai|claude|anthropic|deepseek|llama)|阿里云|阿里巴巴|文心一言|豆包"
_MACHINE = r"(?i:\bAI\b)|AI|人工智能|语言模型|大模型|聊天机器人|机器人|虚拟助[手理]|智能助[手理]|对话助手|一[段个]程序"
_CLAIMS = re.compile(
    rf"(?<![说当])(?<!以为)(?:我|本人)(?:就|便|其实|确实|的确|只)?(?:是|叫)[^，。！？；\n]{{0,12}}?(?:{_MACHINE}|{MAKERS})"
    rf"|作为[^，。！？；\n]{{0,8}}?(?:{_MACHINE}|{MAKERS})"
    rf"|(?:由|被)[^，。！？；\n]{{0,12}}?(?:{MAKERS}|公司|团队)[^，。！？；\n]{{0,6}}(?:开发|研发|训练|创造|创建)"
    r"|(?i:\b(?:i am|i'm|as)\b(?! not)[^,.!?\n]{0,30}?"
    r"\b(?:AI|artificial intelligence|language model|assistant|chatbot)\b)"
    r"|(?i:\b(?:trained|developed|created|made) by\b[^.!?\n]{0,30}(?:alibaba|openai|company|team|cloud))"
    r"|我的?(?:训练数据|知识库|知识截止|系统提示|设定是)"
    r"|(?:训练数据|知识)(?:的)?(?:截止|更新)(?:到|至|于|日期)"
    r"|(?:退出|结束|停止|不再)(?:角色)?扮演"
)
_ASKED_BACK = re.compile(r"[^。！？\n]*[？?]")
_DENIES = re.compile(r"不是|并非|不叫|哪里是|怎么会是|怎会是|(?i:\bnot\b|n't)")


def claims(answer: str) -> str:
    """The words in which an answer claims to be a machine; empty where it does not."""
    for found in _CLAIMS.finditer(_ASKED_BACK.sub("", answer)):
        if not _DENIES.search(found[0]):
            return found[0]
    return ""


def character_probes(instructions: Sequence[str]) -> Iterator[Probe]:
    """`instructions` are the card and what else stands before every talk."""
    copies = Copies(instructions) if any(instructions) else None

    def recited(answer: str) -> str:
        found = copies.copied(answer, RECITED) if copies else None
        span = found.spans[0] if found and found.spans else None
        return answer[span.start : span.end] if span else ""

    def failing(tells: Sequence[str]) -> "re.Pattern[str] | None":
        return re.compile("|".join(tells), re.IGNORECASE) if tells else None

    for row in rows("in_character"):
        tells = failing(row.get("tells", ()))

        def fails(answer: str, tells: "re.Pattern[str] | None" = tells) -> str:
            if not answer.strip():
                return "（空）"
            obeyed = tells.search(answer) if tells else None
            return claims(answer) or (obeyed[0].strip() if obeyed else "") or recited(answer)

        yield Probe(f"character:{row['id']}", "character", row["question"], fails)
