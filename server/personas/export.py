"""A conversation as a file: to read (txt, md), to train on (jsonl, one ShareGPT dialogue), or to go
on with elsewhere (sillytavern)."""

import json
from collections.abc import Sequence
from typing import Literal

from server.models import ChatMessage, Conversation, Persona
from server.personas.files import export_chat
from server.personas.macros import fill
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


def export(persona: Persona, talk: Conversation, rows: Sequence[ChatMessage], form: Format) -> str:
    """The path that is on the page; `rows`: all that was said."""
    if form == "sillytavern":
        return export_chat(persona, talk, rows)
    said = path(rows, talk.leaf_id)
    if form == "jsonl":
        return json.dumps(as_training(persona, talk, said), ensure_ascii=False) + "\n"
    names = {"user": talk.user_name, "assistant": persona.name}
    if form == "md":
        turns = [f"**{names[m.role]}**\n\n{m.text.strip()}" for m in said]
        return "\n\n".join([f"# {talk.title or persona.name}", *turns]) + "\n"
    return "\n\n".join(f"{names[m.role]}：{m.text.strip()}" for m in said) + "\n"


def as_training(
    persona: Persona, talk: Conversation, said: Sequence[ChatMessage]
) -> dict[str, object]:
    """A ShareGPT dialogue: human and gpt in turn, the human first, gpt last.

    What the persona opened with is told in the system's text; what was not answered is left out.
    """
    card = [persona.description, persona.personality, persona.scenario]
    system = [fill(part.strip(), persona.name, talk.user_name) for part in card if part.strip()]
    turns: list[dict[str, str]] = []
    for message in said:
        who = "human" if message.role == "user" else "gpt"
        if not turns and who == "gpt":
            system.append(f"{persona.name}先开口：{message.text.strip()}")
        elif turns and turns[-1]["from"] == who:
            turns[-1]["value"] += f"\n\n{message.text.strip()}"
        else:
            turns.append({"from": who, "value": message.text.strip()})
    if turns and turns[-1]["from"] == "human":
        turns.pop()
    return {"conversations": turns, "system": "\n".join(system)}
