"""Many questions at once, each answer kept as it comes: interrupted, a batch goes on.

Answers lie in a JSONL file that only grows, each under the digest of everything it depends on
(messages, model, sampling, form); what failed lies beside it with the reason, and is asked
again by the next run. Several batches, and several processes, may share a file.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from training.errors import PromptRefused
from training.served.asking import Ask, Nonsense, Taken, Unusable, ask_checked
from training.served.client import Client
from training.served.together import together
from training.types import Progress

T = TypeVar("T")
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """`place` is the question's among those asked, from 0."""

    place: int
    reason: str


@dataclass
class Results(Generic[T]):
    """`values` stand in the order of the questions, None where one failed."""

    values: list[T | None]
    failures: list[Failure] = field(default_factory=list)
    kept: int = 0
    """Answered by an earlier run, or by another question of the same words."""
    nonsense: int = 0
    """Answers that could not be used, those among them that a second one made good."""

    @property
    def made(self) -> int:
        return sum(value is not None for value in self.values)

    def report(self) -> dict[str, Any]:
        return {
            "asked": len(self.values), "made": self.made, "failed": len(self.failures),
            "kept": self.kept, "nonsense": self.nonsense,
        }  # fmt: skip


class Lines:
    """JSON objects, one a line, in a file that only grows. What a killed writer left of its
    last line is no line; each line is written in one piece, so writers may be several."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_bytes().split(b"\n"):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row

    def append(self, **row: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line
            os.write(file, line)
        finally:
            os.close(file)


class Batch:
    """`answers` is the file of what was made; failures lie beside it in `….failures.jsonl`."""

    def __init__(self, client: Client, answers: Path, at_once: int = AT_ONCE) -> None:
        self._client, self._at_once = client, at_once
        self._answers = Lines(answers)
        self._failures = Lines(answers.with_suffix(".failures.jsonl"))

    def run(self, asks: Sequence[Ask[T]], progress: Progress) -> Results[T]:
        """At most `at_once` questions at a time. Interrupted, those being answered are still
        kept. Raises EngineUnreachable when nobody answers; what came before is kept too."""
        results: Results[T] = Results([None] * len(asks))
        missing = self._take_kept(asks, results)
        done = len(asks) - sum(map(len, missing.values()))
        progress(done, len(asks))
        asked = {key: partial(self._ask, key, asks[at[0]]) for key, at in missing.items()}
        for key, answered in together(self._client, asked, self._at_once):
            self._finish(answered, key, missing[key], results)
            done += len(missing[key])
            progress(done, len(asks))
        results.failures.sort(key=lambda failure: failure.place)
        return results

    def _ask(self, key: str, ask: Ask[T]) -> Taken[T]:
        """Kept by who asked, so that an answer on its way when the others stop is kept too."""
        taken = ask_checked(self._client, ask)
        self._answers.append(key=key, text=taken.text, nonsense=taken.nonsense)
        return taken

    def key(self, ask: Ask[Any]) -> str:
        schema = ask.schema
        said = [
            [[each.role, each.content] for each in ask.messages], self._client.model,
            asdict(ask.sampling), None if schema is None else schema.schema,
        ]  # fmt: skip
        text = json.dumps(said, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]

    def _take_kept(self, asks: Sequence[Ask[T]], results: Results[T]) -> dict[str, list[int]]:
        """Fill in what is kept and holds; the places of what is missing, by key."""
        wanted: dict[str, list[int]] = {}
        for place, ask in enumerate(asks):
            wanted.setdefault(self.key(ask), []).append(place)
        kept = {row["key"]: row for row in self._answers if row.get("key") in wanted}
        for key, row in kept.items():
            places = wanted[key]
            try:
                for place in places:
                    results.values[place] = asks[place].value(str(row["text"]))
            except (Unusable, KeyError):
                continue  # what counts as an answer has changed
            results.kept += len(places)
            results.nonsense += int(row.get("nonsense", 0))
            del wanted[key]
        return wanted

    def _finish(
        self, future: "Future[Taken[T]]", key: str, places: Sequence[int], results: Results[T]
    ) -> None:
        try:
            taken = future.result()
        except (Nonsense, PromptRefused) as error:
            self._failures.append(key=key, reason=str(error))
            results.nonsense += error.count if isinstance(error, Nonsense) else 0
            results.failures += [Failure(place, str(error)) for place in places]
            return
        results.nonsense += taken.nonsense
        results.kept += len(places) - 1
        for place in places:
            results.values[place] = taken.value
