"""Both hubs through their own clients, against their wire formats on loopback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_hub import Repository, serving
from huggingface_hub import constants
from weights_fakes import write_model

from server.errors import BrokenDownload, DiskFull, NoHub, WeightsError, WrongDigest
from server.weights.hub import Hub, fetch
from server.weights.huggingface import HuggingFace
from server.weights.modelscope import ModelScope
from server.weights.store import Store
from server.weights.types import silent

NAME = "Qwen/Tiny"
KINDS = (HuggingFace, ModelScope)
UNWANTED = ("pytorch_model.bin", "modeling_tiny.py", "README.md", "onnx/model.safetensors")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "published"
    write_model(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return Repository(NAME, files | dict.fromkeys(UNWANTED, b"unwanted"))


@pytest.fixture(params=KINDS, ids=["huggingface", "modelscope"])
def hub(
    request: pytest.FixtureRequest,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Hub]:
    kind: Callable[[str], Hub] = request.param
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "home"))
    with serving(repository) as address:
        yield kind(address)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "models").mkdir()
    return Store(tmp_path / "models")


def test_only_weights_configuration_and_tokenizer_come(
    hub: Hub, repository: Repository, store: Store
) -> None:
    found = fetch(hub, NAME, store, silent)
    assert found.path.name == "Qwen--Tiny"
    present = {path.name for path in found.path.iterdir()}
    assert present == set(repository.files) - set(UNWANTED) | {"manifest.json"}
    assert found.manifest.source == hub.source
    assert store.verify(NAME) == found
    assert not list((store.root / ".partial").iterdir())


def test_what_is_here_is_not_asked_for(hub: Hub, repository: Repository, store: Store) -> None:
    found = fetch(hub, NAME, store, silent)
    repository.files.clear()
    assert fetch(hub, NAME, store, silent) == found


def test_a_broken_download_goes_on_where_it_was(
    hub: Hub, repository: Repository, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4)
    repository.cut = len(repository.files["model.safetensors"]) // 2
    with pytest.raises(BrokenDownload, match="已下好的部分会保留"):
        fetch(hub, NAME, store, silent)
    assert store.all() == []
    start = f"bytes={repository.cut}-"
    repository.cut = None
    repository.ranges.clear()
    fetch(hub, NAME, store, silent)
    assert repository.ranges == [start]
    assert [path.name for path in store.all()[0].path.glob(".*")] == []
    assert store.verify(NAME)


def test_a_wrong_digest_is_refused(
    hub: Hub, repository: Repository, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_INTEGRITY_RETRY_BACKOFF", 0)
    repository.wrong_digest = True
    with pytest.raises(WrongDigest):
        fetch(hub, NAME, store, silent)
    assert store.all() == []
    assert not list(store.workshop(NAME).rglob("model.safetensors"))


def test_a_model_that_is_not_there_is_not_the_networks_fault(hub: Hub, store: Store) -> None:
    with pytest.raises(WeightsError, match="没有 Qwen/Other") as caught:
        fetch(hub, "Qwen/Other", store, silent)
    assert not isinstance(caught.value, NoHub)


def test_weights_that_could_hold_code_are_refused(
    hub: Hub, repository: Repository, store: Store
) -> None:
    del repository.files["model.safetensors"]
    with pytest.raises(WeightsError, match="没有 safetensors"):
        fetch(hub, NAME, store, silent)


def test_half_a_model_is_refused(hub: Hub, repository: Repository, store: Store) -> None:
    del repository.files["tokenizer.json"]
    with pytest.raises(WeightsError, match="分词器"):
        fetch(hub, NAME, store, silent)
    assert store.all() == []


def test_a_full_disk_is_found_before_the_download(
    hub: Hub, repository: Repository, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    with pytest.raises(DiskFull):
        fetch(hub, NAME, store, silent)
    assert repository.ranges == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_hub_that_is_not_there_fails_at_once(
    kind: Callable[[str], Hub], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(NoHub, match="连不上"):
        fetch(kind("http://127.0.0.1:9"), NAME, store, silent)


def test_offline_by_the_users_word_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not HuggingFace("http://127.0.0.1:9").answers()
