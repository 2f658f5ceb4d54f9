"""A conversation as a file: to read (txt, md), to train on (jsonl, one ShareGPT dialogue), or to go
on with elsewhere (sillytavern)."""

import json
from collections.abc import Sequence
from typing import Literal

from server.errors import Invalid
from server.models import ChatMessage, Conversation
from server.personas.files import export_chat
from server.personas.macros import fill
from server.personas.members import Present
from server.personas.prompt import company as told_company
from server.personas.tree import path

Format = Literal["txt", "md", "jsonl", "sillytavern"]
MEDIA_TYPES: dict[Format, str] = {
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "jsonl": "application/jsonl",
    "sillytavern": "application/jsonl",
}


def extension(form: Format) -> str:
    return "jsonl" if form == "sillytavern" else form


def export(
    company: Sequence[Present],
    talk: Conversation,
    rows: Sequence[ChatMessage],
    form: Format,
    speaker_id: str | None = None,
) -> str:
    """The path that is on the page; `rows`: all that was said, `company`: all who took part,
    `speaker_id`: whose words training learns, those with whom it began where None. Raises
    Invalid."""
    names = {member.row.persona_id: member.name for member in company}
    if form == "sillytavern":
        return export_chat(names, talk, rows)
    said = path(rows, talk.leaf_id)
    if form == "jsonl":
        trained = as_training(company, talk, said, speaker_id or talk.persona_id)
        return json.dumps(trained, ensure_ascii=False) + "\n"
    lines = [(_name(names, talk, message), message.text.strip()) for message in said]
    if form == "md":
        turns = [f"**{name}**\n\n{text}" for name, text in lines]
        return "\n\n".join([f"# {talk.title or '、'.join(names.values())}", *turns]) + "\n"
    return "\n\n".join(f"{name}：{text}" for name, text in lines) + "\n"


def as_training(
    company: Sequence[Present], talk: Conversation, said: Sequence[ChatMessage], speaker_id: str
) -> dict[str, object]:
    """A ShareGPT dialogue: human and gpt in turn, the human first, gpt last. gpt is the speaker;
    among several everybody else is human, by name, as they stand in the speaker's prompts.

    What the persona opened with is told in the system's text; what was not answered is left out.
    """
    persona = next((m.persona for m in company if m.row.persona_id == speaker_id), None)
    if persona is None:
        raise Invalid("这段对谈里没有这个人物，没有可学的话。", code="not_a_member")
    names = {member.row.persona_id: member.called for member in company}
    group = len(names) > 1
    card = [persona.description, persona.personality, persona.scenario]
    system = [fill(part.strip(), persona.called, talk.user_name) for part in card if part.strip()]
    others = [m.persona for m in company if m.persona and m.persona.id != speaker_id]
    if others:
        system.append(told_company(others, persona, talk.user_name))
    turns: list[dict[str, str]] = []
    for message in said:
        own = message.role != "user" and (message.persona_id or talk.persona_id) == speaker_id
        who, text = "gpt" if own else "human", message.text.strip()
        if group and not own:
            text = f"{_name(names, talk, message)}：{text}"
        if not turns and own:
            system.append(f"{persona.called}先开口：{text}")
        elif turns and turns[-1]["from"] == who:
            turns[-1]["value"] += f"\n\n{text}"
        else:
            turns.append({"from": who, "value": text})
    if turns and turns[-1]["from"] == "human":
        turns.pop()
    return {"conversations": turns, "system": "\n".join(system)}


def _name(names: dict[str, str], talk: Conversation, message: ChatMessage) -> str:
    if message.role == "user":
        return talk.user_name
    return names.get(message.persona_id or "") or names[talk.persona_id]
