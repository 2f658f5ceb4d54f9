"""Every code that can reach an author has an English sentence in the page, and no other has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from server.settings import ROOT

WORDS = ROOT / "webui" / "src" / "words" / "errors.ts"
PAGES_OWN = {"offline"}
"""Told by the page where nobody answered."""


def test_each_code_has_an_english_sentence_and_each_sentence_a_code() -> None:
    assert told_in_english() - PAGES_OWN == set(codes())


def told_in_english() -> set[str]:
    table = WORDS.read_text("utf-8").split("= {", 1)[1].split("\n};", 1)[0]
    return set(re.findall(r"^  (\w+):", table, flags=re.MULTILINE))


def codes() -> Iterator[str]:
    """`code = "…"` of error classes, `code="…"` of calls that raise and `"code": "…"` of what a
    job failed of; of the shell's commands only those that a job can run. Below /v1 everything is
    English already."""
    for folder in ("server", "retrieval", "training"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.parent.name not in ("commands", "openai") or folder == "training":
                yield from codes_in(path)


def codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str() as code))
                | ast.keyword(arg="code", value=ast.Constant(value=str() as code))
                | ast.Dict(
                    keys=[ast.Constant(value="code"), *_],
                    values=[ast.Constant(value=str() as code), *_],
                )
                | ast.Call(func=ast.Name(id="_fail"), args=[ast.Constant(value=str() as code), *_])
            ):
                yield code
