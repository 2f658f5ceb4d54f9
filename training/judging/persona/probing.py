"""A question put to a persona, and how its answer gives itself away."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["sheet", "character", "later"]
FOLDER = Path(__file__).parents[1] / "probes"


@dataclass(frozen=True)
class Probe:
    """`fails` gives the words of an answer that show it failed, empty where none do; `holds` says
    what of the sheet or the story it is about."""

    id: str
    kind: Kind
    question: str
    fails: Callable[[str], str]
    holds: str = ""


def rows(name: str) -> list[dict[str, Any]]:
    """The questions of a file beside this room's others."""
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]
