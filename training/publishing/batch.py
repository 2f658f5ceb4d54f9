"""A file of questions, answered by an OpenAI-compatible endpoint: JSONL in, JSONL out.

A row asks with `prompt` or `messages`, and may say how (`temperature`, `max_tokens`, …); rows of
OpenAI's batch format (`custom_id`, `body`) are taken too. Answers are appended as they come, so
that a run may be interrupted at any point: the next one does what is missing, what failed, and
what was asked differently. At the end the file stands in the questions' order.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from training.errors import BadInput, PromptRefused
from training.served.batch import AT_ONCE, Lines
from training.served.client import Client
from training.served.together import together
from training.types import Progress

_OWN = frozenset({"id", "custom_id", "prompt", "messages", "body", "method", "url"})


@dataclass(frozen=True, slots=True)
class Question:
    """`row` counts from 1; `body` is the request; `digest` tells one question from another."""

    row: int
    id: Any
    body: Mapping[str, Any]
    digest: str


@dataclass(slots=True)
class Done:
    """How a batch ended. `failed` rows are asked again by the next run."""

    answered: int = 0
    failed: int = 0
    kept: int = 0
    """Answered by an earlier run."""
    tokens: int = 0
    errors: list[str] = field(default_factory=list)


def read_questions(file: Path, model: str, defaults: Mapping[str, Any]) -> list[Question]:
    """Raises BadInput naming the row; nothing has been asked then."""
    try:
        # Not splitlines: JSON may hold U+2028 as it is.
        lines = file.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"读不了（{error}）", file=file) from error
    found = [_question(file, n, line, model, defaults) for n, line in enumerate(lines, 1)
             if line.strip()]  # fmt: skip
    if not found:
        raise BadInput("里面没有一行问题", file=file)
    return found


def _question(file: Path, row: int, line: str, model: str, defaults: Mapping[str, Any]) -> Question:
    try:
        told = json.loads(line)
    except ValueError as error:
        raise BadInput("不是合格的 JSON", file=file, row=row) from error
    if not isinstance(told, dict):
        raise BadInput("应是一个对象", file=file, row=row)
    given = told["body"] if isinstance(told.get("body"), dict) else told
    how = {key: value for key, value in given.items() if key not in _OWN}
    body = {"model": model} | dict(defaults) | how | {"messages": _messages(file, row, given)}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    return Question(row, told.get("custom_id", told.get("id", row)), body, digest)


def _messages(file: Path, row: int, given: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if isinstance(given.get("prompt"), str) and given["prompt"].strip():
        return [{"role": "user", "content": given["prompt"]}]
    messages = given.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadInput("要有 prompt（一段话）或 messages（一段对话）", file=file, row=row)
    for each in messages:
        if not isinstance(each, dict) or "role" not in each or "content" not in each:
            raise BadInput("每一轮要有 role 和 content", file=file, row=row, field="messages")
    return messages


def run_batch(
    questions: Sequence[Question],
    out: Path,
    client: Client,
    *,
    at_once: int = AT_ONCE,
    progress: Progress | None = None,
) -> Done:
    """Raises EngineUnreachable when nobody answers; what came before is kept."""
    kept = _kept(out, questions)
    told = Done(kept=len(kept))
    missing = {each.row: each for each in questions if each.row not in kept}
    out.parent.mkdir(parents=True, exist_ok=True)
    _write(out, kept.values())
    lines = Lines(out)
    asked = {row: partial(_ask, client, question.body) for row, question in missing.items()}
    for place, answered in together(client, asked, at_once):
        question, answer = missing[place], answered.result()
        row = {"id": question.id, "row": question.row, "request": question.digest, **answer}
        lines.append(**row)
        kept[question.row] = row
        _count(told, question, answer)
        if progress:
            progress(len(kept), len(questions), "回答问题")
    _write(out, (kept[row] for row in sorted(kept)))
    return told


def _ask(client: Client, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as its row has it, or `{"error": sentence}`. Raises EngineUnreachable."""
    try:
        told = client.post("/chat/completions", _as_taught(client) | dict(body))
        choice = told["choices"][0]
        return {
            "text": choice["message"]["content"] or "",
            "finish_reason": choice.get("finish_reason"),
            "usage": told.get("usage"),
        }
    except PromptRefused as error:
        return {"error": str(error)}
    except (KeyError, TypeError, IndexError):
        return {"error": "回答不合 OpenAI 的格式"}


def _as_taught(client: Client) -> dict[str, Any]:
    """Prompts without thinking, as the desk sends them and training made them."""
    return {"chat_template_kwargs": {"enable_thinking": False}} if client.is_vllm else {}


def _count(told: Done, question: Question, answer: Mapping[str, Any]) -> None:
    if "error" in answer:
        told.failed += 1
        told.errors.append(f"第 {question.row} 行：{answer['error']}")
        return
    told.answered += 1
    told.tokens += int((answer.get("usage") or {}).get("completion_tokens") or 0)


def _kept(out: Path, questions: Sequence[Question]) -> dict[int, dict[str, Any]]:
    """Answers of an earlier run to these very questions, by row. Raises BadInput for a file
    that is something else."""
    wanted = {each.row: each.digest for each in questions}
    kept: dict[int, dict[str, Any]] = {}
    for row in Lines(out):
        if "request" not in row:
            raise BadInput("已有的文件不是这个命令写的，请换一个名字", file=out)
        if "error" not in row and wanted.get(row["row"]) == row["request"]:
            kept[row["row"]] = row
    return kept


def _write(out: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    beside.replace(out)
