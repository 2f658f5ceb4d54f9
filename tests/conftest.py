"""No test reaches a model hub or the network by accident; every test has its own desk."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import enable_socket, socket_allow_hosts

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# CI sees the same examples every time, so that a change is blamed for what it changed; on a
# developer's machine every run looks at new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

LOOPBACK = ["127.0.0.1", "::1"]
ROOT = Path(__file__).resolve().parent.parent


SLOW = {
    "pgvector", "test_postgres.py", "test_supervisor.py", "test_weights_package.py",
    "test_recaps.py", "test_recaps_api.py", "test_generation.py", "test_embedding_run.py",
    "test_index.py", "test_lore_properties.py", "test_v1_javascript.py", "test_v1_llm.py",
    "test_schema.py", "test_v1_schema.py",
}  # fmt: skip
"""Files and folders whose tests start processes or servers of their own, or look at very many
examples: `make test` runs them, the inner loop does not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW & set(item.path.parts):
            item.add_marker(pytest.mark.slow)


def pytest_runtest_setup() -> None:
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    enable_socket()


@pytest.fixture(autouse=True)
def own_data_dir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """`YANCHI_*` of the person who runs the tests does not leak in; engine tests may look
    for installed weights, the others may not."""
    for name in [n for n in os.environ if n.startswith("YANCHI_")]:
        if name != "YANCHI_SHARED_DATA" and "engine" not in request.keywords:
            monkeypatch.delenv(name)
    if "engine" not in request.keywords:
        monkeypatch.setenv("YANCHI_DATA_DIR", str(tmp_path / "yanchi"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real texts beside the checkout; tests that need them say so when they are absent."""
    folder = Path(os.environ.get("YANCHI_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}: set YANCHI_SHARED_DATA")
    return folder


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
