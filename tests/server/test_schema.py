"""The schema of the desk's own API by schemathesis: whatever it allows, and what it does not,
nothing ends in a 5xx and nothing hangs. `SCHEMA_EXAMPLES=50` looks longer; `/v1` has its own test.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from server.engines.scripted import ScriptedEngine
from tests.server.v1.conftest import Served, serve

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "1"))
"""Of each operation and kind."""
SECONDS = 60
"""Longest silence that does not count as hanging; no operation takes a tenth of it."""
JOBS = {
    "POST /api/datasets", "POST /api/datasets/trials", "POST /api/runs", "POST /api/evaluations",
    "POST /api/runs/{run_id}/publish", "POST /api/jobs/{job_id}/again",
}  # fmt: skip
"""They start processes that work for minutes."""
ORDER = ("POST", "GET", "PUT", "PATCH", "DELETE")


@dataclass
class Visit:
    """One schema, asked operation by operation; the ids that come back are asked for in turn."""

    served: Served
    known: dict[str, str] = field(default_factory=dict)
    """Path parameters that name something that is there."""
    asked: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        told = self.served.ok("GET", "/openapi.json")
        self._operations = [
            found.ok() for found in schemathesis.openapi.from_dict(told).get_all_operations()
        ]
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def labels(self) -> set[str]:
        return {operation.label for operation in self._operations}

    def go(self) -> None:
        for operation in sorted(self._operations, key=self._turn):
            if operation.label not in JOBS:
                self._try(operation, GenerationMode.POSITIVE, self._named(operation))
                self._try(operation, GenerationMode.NEGATIVE, {})

    def _turn(self, operation: Any) -> tuple[int, int]:
        """What makes things comes first, what is deepest is deleted first."""
        verb = ORDER.index(operation.method.upper())
        depth = operation.path.count("/")
        return verb, -depth if verb == len(ORDER) - 1 else depth

    def _named(self, operation: Any) -> dict[str, str]:
        return {name: id for name, id in self.known.items() if f"{{{name}}}" in operation.path}

    def _try(self, operation: Any, mode: GenerationMode, named: dict[str, str]) -> None:
        cases = operation.as_strategy(generation_mode=mode, path_parameters=named or None)

        @settings(
            max_examples=EXAMPLES, phases=[Phase.generate], deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=cases)
        def ask(case: Any) -> None:
            self._ask(operation, case)

        # Nothing can be wrong with what takes nothing.
        try:
            ask()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label

    def _ask(self, operation: Any, case: Any) -> None:
        self.asked.add(operation.label)
        try:
            answer = case.call(base_url=self.served.address, session=self._session, timeout=SECONDS)
        except requests.RequestException as error:
            self.faults.append(f"{operation.label}: {error!r}\n{case.as_curl_command()}")
            return
        if answer.status_code >= 500:
            self.faults.append(f"{answer.status_code} {answer.text}\n{case.as_curl_command()}")
        if operation.method.upper() == "POST" and answer.status_code == 201:
            self._learn(operation.path, answer.json())

    def _learn(self, path: str, made: Any) -> None:
        """`POST /works` makes what `/works/{work_id}` names."""
        for operation in self._operations:
            above, _, last = operation.path.rpartition("/")
            if above == path and last.startswith("{") and "id" in made:
                self.known.setdefault(last.strip("{}"), made["id"])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path, ScriptedEngine()) as found:
        yield found


@pytest.mark.timeout(600)
def test_the_desk_s_own_api(served: Served) -> None:
    work, chapters = served.book()
    persona = served.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan"})["id"]
    visit = Visit(served, known={"work_id": work, "chapter_id": chapters[0], "persona_id": persona})
    visit.go()
    assert visit.faults == []
    assert visit.asked == visit.labels - JOBS
