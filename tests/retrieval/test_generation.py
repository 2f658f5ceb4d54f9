import json
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest

from retrieval import generation
from retrieval.errors import IndexFailure
from retrieval.generation import Maker, StaleError
from retrieval.snapshot import ChapterMark, Snapshot, flat
from retrieval.types import Passage

ROOT = Path(__file__).resolve().parents[2]
MAKER = Maker("一个模型", "sha256:1", 4)
TEXTS = ("沈砚磨墨。", "老猫\n睡了。", "孤立的\ud800代理项。")


def snapshot(*texts: str) -> Snapshot:
    passages, start = [], 0
    for text in texts:
        passages.append(Passage("c0", 0, "第一章", start, start + len(text), text))
        start += len(text)
    vectors = np.eye(len(texts), 4, dtype=np.float32)
    marks = (ChapterMark("c0", 0, "第一章", "0" * 64, len(texts)),)
    return Snapshot(marks, tuple(passages), flat(vectors))


def same(one: Snapshot, other: Snapshot) -> bool:
    equal = (one.marks, one.passages) == (other.marks, other.passages)
    return equal and np.array_equal(one.vectors, other.vectors)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A work's index with one generation on disk."""
    generation.write(tmp_path / "作品 一", snapshot(*TEXTS), MAKER)
    return tmp_path / "作品 一"


def data_file(folder: Path, name: str) -> Path:
    return next(folder.glob(f"*/{name}"))


def test_what_was_written_is_read(folder: Path) -> None:
    assert same(generation.read(folder, MAKER), snapshot(*TEXTS))


def test_an_empty_work_is_a_work(tmp_path: Path) -> None:
    generation.write(tmp_path, Snapshot.empty(4), MAKER)

    assert same(generation.read(tmp_path, MAKER), Snapshot.empty(4))


def test_a_new_generation_takes_the_old_ones_place(folder: Path) -> None:
    before = generation.identity(folder)
    (folder / "00000099-deadbeef").mkdir()
    generation.write(folder, snapshot("新的一章。"), MAKER)

    assert same(generation.read(folder, MAKER), snapshot("新的一章。"))
    assert generation.identity(folder) != before
    left = sorted(path.name[:8] for path in folder.iterdir())
    assert left == ["00000100", "manifest"]


@pytest.mark.parametrize(
    "maker",
    [
        Maker("一个模型", "sha256:2", 4),
        Maker("一个模型", "sha256:1", 8),
    ],
)
def test_another_models_vectors_are_not_used(folder: Path, maker: Maker) -> None:
    with pytest.raises(StaleError, match="另一个嵌入模型（一个模型）"):
        generation.read(folder, maker)


def test_nothing_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StaleError, match="还没有索引"):
        generation.read(tmp_path / "none", MAKER)
    assert generation.identity(tmp_path / "none") is None


@pytest.mark.parametrize("name", [generation.PASSAGES, generation.VECTORS, generation.MANIFEST])
def test_every_truncation_is_noticed(folder: Path, name: str) -> None:
    path = folder / name if name == generation.MANIFEST else data_file(folder, name)
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:size])
        with pytest.raises(StaleError):
            generation.read(folder, MAKER)


@pytest.mark.parametrize("name", [generation.PASSAGES, generation.VECTORS])
def test_every_changed_byte_is_noticed(folder: Path, name: str) -> None:
    path = data_file(folder, name)
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(StaleError):
            generation.read(folder, MAKER)


@pytest.mark.parametrize("name", [generation.PASSAGES, generation.VECTORS])
def test_a_missing_file_is_noticed(folder: Path, name: str) -> None:
    data_file(folder, name).unlink()

    with pytest.raises(StaleError, match="缺了文件"):
        generation.read(folder, MAKER)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 99),
        ("generation", "../../elsewhere"),
        ("generation", None),
        ("passages", 2),
        ("chapters", [{"id": "c0"}]),
        ("chapters", 3),
        ("files", {}),
        ("files", None),
    ],
)
def test_a_manifest_that_makes_no_sense_is_noticed(folder: Path, key: str, value: object) -> None:
    path = folder / generation.MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {key: value}))

    with pytest.raises(StaleError):
        generation.read(folder, MAKER)


@pytest.mark.parametrize("text", ["", "null", "[]", "7", '{"format": 1}', "\x00\xff"])
def test_a_manifest_that_is_none_is_noticed(folder: Path, text: str) -> None:
    (folder / generation.MANIFEST).write_text(text)

    with pytest.raises(StaleError):
        generation.read(folder, MAKER)


@pytest.mark.parametrize("broken", ["replace", "fsync", "write_index"])
def test_a_disk_that_refuses_leaves_the_old(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no space") if broken == "write_index" else OSError(28, "no space")

    place = {"replace": Path, "fsync": generation.os, "write_index": faiss}[broken]
    with monkeypatch.context() as patched:
        patched.setattr(place, broken, refuse)
        with pytest.raises(IndexFailure, match="no space"):
            generation.write(folder, snapshot("新的。"), MAKER)

    assert same(generation.read(folder, MAKER), snapshot(*TEXTS))
    generation.write(folder, snapshot("新的。"), MAKER)
    assert len(list(folder.iterdir())) == 2


def test_a_generation_replaced_while_it_is_read_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = generation._check_maker
    writes = []

    def overtaken(manifest: dict[str, object], maker: Maker) -> None:
        if not writes:
            writes.append(generation.write(folder, snapshot("后来的。"), MAKER))
        check(manifest, maker)

    monkeypatch.setattr(generation, "_check_maker", overtaken)

    assert same(generation.read(folder, MAKER), snapshot("后来的。"))


def test_removing_leaves_nothing(folder: Path) -> None:
    generation.remove(folder)
    generation.remove(folder)

    assert not folder.exists()


def test_whoever_is_killed_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.retrieval.writer_to_kill", str(tmp_path / "w"), "40"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)

    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["kills"] == 40
    assert report["cut_short"] > 0, "no kill fell into a write: the test showed nothing"
    assert report["met"] > 1
    assert len(report["left"]) == 2, "strays of killed writers are still there"
