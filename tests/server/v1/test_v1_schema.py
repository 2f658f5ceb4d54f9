"""The schema of `/v1` by schemathesis: whatever it allows, and what it does not, nothing ends in a
5xx and nothing hangs. `SCHEMA_EXAMPLES=100 pytest tests/server/v1/test_v1_schema.py` looks longer.
"""

import os
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.server.v1.conftest import Served

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "5"))
"""Of each operation and kind."""
SECONDS = 60
"""Longest silence that does not count as hanging; no operation takes a tenth of it."""


def test_nothing_that_can_be_asked_ends_in_a_5xx_or_hangs(served: Served) -> None:
    work, _ = served.book()
    served.ok("POST", "/api/personas", json={"name": "阿檀", "slug": "atan"})
    embedder = served.ok("GET", "/v1/models")["data"][-1]["id"]
    names = ["scripted", "persona/atan", f"work/{work}", embedder]
    schema = schemathesis.openapi.from_dict(served.ok("GET", "/v1/openapi.json"))
    operations = [found.ok() for found in schema.get_all_operations()]
    faults = [
        fault
        for operation in operations
        for mode in GenerationMode
        for fault in faults_of(served, operation, mode, names)
    ]
    assert len(operations) == 5
    assert faults == []


def faults_of(served: Served, operation: Any, mode: GenerationMode, names: list[str]) -> list[str]:
    faults: list[str] = []
    asked = 0
    session = requests.Session()
    session.trust_env = False

    @settings(
        max_examples=EXAMPLES, phases=[Phase.generate], deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), model=st.sampled_from(names))
    def ask(case: Any, model: str) -> None:
        nonlocal asked
        asked += 1
        if isinstance(case.body, dict) and "model" in case.body:
            case.body["model"] = model
        try:
            answer = case.call(base_url=f"{served.address}/v1", session=session, timeout=SECONDS)
        except requests.RequestException as error:
            faults.append(f"{error!r}\n{case.as_curl_command()}")
            return
        if answer.status_code >= 500:
            faults.append(f"{answer.status_code} {answer.text}\n{case.as_curl_command()}")

    try:
        ask()
    except Unsatisfiable:
        # Nothing can be wrong with what takes nothing.
        assert mode is GenerationMode.NEGATIVE, operation.label
    else:
        assert asked, operation.label
    return faults
