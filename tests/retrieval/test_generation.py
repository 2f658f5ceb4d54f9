import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval import generation, segment
from retrieval.errors import IndexFailure
from retrieval.generation import StaleError
from retrieval.postings import Postings
from retrieval.snapshot import ChapterMark, Maker, Snapshot
from retrieval.types import Passage
from retrieval.vector_index import Aim, VectorIndex

ROOT = Path(__file__).resolve().parents[2]
MAKER = Maker("一个模型", "sha256:1", 4, "models/一个模型")
TEXTS = ("沈砚磨墨。", "老猫\n睡了。", "孤立的\ud800代理项。")


def write(folder: Path, *texts: str) -> Snapshot:
    """A state with one segment, put in place."""
    passages, start = [], 0
    for text in texts:
        passages.append(Passage("c0", 0, "第一章", start, start + len(text), text))
        start += len(text)
    with generation.disk_refusals():
        name = generation.new_segment_name(folder)
        made = segment.write(folder, name, passages)
        made = segment.add_vectors(folder, made, np.eye(len(texts), 4, dtype=np.float32), Aim())
    marks = (ChapterMark("c0", 0, "第一章", "0" * 64, name, 0, len(texts)),)
    snapshot = Snapshot(marks, {name: made}, MAKER)
    generation.publish(folder, snapshot)
    return snapshot


def texts(snapshot: Snapshot) -> list[str]:
    return [passage.text for passage in snapshot.passages]


def same(one: Snapshot, other: Snapshot) -> bool:
    equal = (one.marks, one.maker, list(one.passages)) == (
        other.marks, other.maker, list(other.passages)
    )  # fmt: skip
    return equal and np.array_equal(one.vectors, other.vectors)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A work's index with one state on disk."""
    write(tmp_path / "作品 一", *TEXTS)
    return tmp_path / "作品 一"


def data_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = write(tmp_path, *TEXTS)
    read = generation.read(tmp_path)

    assert same(read, written)
    assert read.lexical.search("老猫", 1)[0][0].text == TEXTS[1]
    found = read.nearest(np.array([0, 0, 1, 0], dtype=np.float32), 1)
    assert found[0][0].text == TEXTS[2]


def test_an_empty_work_is_a_work(tmp_path: Path) -> None:
    generation.publish(tmp_path, Snapshot(maker=MAKER))

    assert same(generation.read(tmp_path), Snapshot(maker=MAKER))


def test_a_text_without_a_letter_is_kept(tmp_path: Path) -> None:
    write(tmp_path, "……", "。")

    assert texts(generation.read(tmp_path)) == ["……", "。"]


def test_a_new_state_takes_the_old_ones_place(folder: Path) -> None:
    before = generation.identity(folder)
    (folder / "00000099-deadbeef").mkdir()
    new = write(folder, "新的一章。")
    stray = folder / next(iter(new.segments)) / "vectors-00000000.faiss"
    stray.write_bytes(b"")
    generation.publish(folder, new)

    assert same(generation.read(folder), new)
    assert generation.identity(folder) != before
    assert sorted(path.name[:8] for path in folder.iterdir()) == ["00000100", "manifest"]
    assert not stray.exists()


def test_what_is_open_is_not_read_again(folder: Path) -> None:
    first = generation.read(folder)
    again = generation.read(folder, first)

    assert all(again.segments[name] is segment for name, segment in first.segments.items())


def test_nothing_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StaleError, match="还没有索引"):
        generation.read(tmp_path / "none")
    assert generation.identity(tmp_path / "none") is None


def test_every_truncation_is_noticed(folder: Path) -> None:
    for path in (folder / generation.MANIFEST, *data_files(folder)):
        whole = path.read_bytes()
        for size in range(0, len(whole), max(1, len(whole) // 20)):
            path.write_bytes(whole[:size])
            with pytest.raises(StaleError):
                generation.read(folder)
        path.write_bytes(whole)
    generation.read(folder)


def test_every_changed_byte_is_noticed(folder: Path) -> None:
    for path in data_files(folder):
        whole = path.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 20)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(StaleError, match="损坏"):
                generation.read(folder)
        path.write_bytes(whole)


def test_every_missing_file_is_noticed(folder: Path) -> None:
    for path in data_files(folder):
        away = path.rename(folder / "away")
        with pytest.raises(StaleError, match="缺了文件"):
            generation.read(folder)
        away.rename(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 99),
        ("segments", {"../../elsewhere": {"rows": 1, "files": {}, "vectors": None}}),
        ("segments", {}),
        ("segments", None),
        ("passages", 2),
        ("chapters", [{"id": "c0"}]),
        ("chapters", 3),
        ("maker", None),
        ("maker", {"name": "m"}),
        ("maker", {"name": "m", "fingerprint": "f", "dimension": 5}),
    ],
)
def test_a_manifest_that_makes_no_sense_is_noticed(folder: Path, key: str, value: object) -> None:
    path = folder / generation.MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {key: value}))

    with pytest.raises(StaleError):
        generation.read(folder)


@pytest.mark.parametrize("change", [{"first": 1}, {"first": -1}, {"passages": 4}])
def test_a_chapter_outside_its_segment_is_noticed(folder: Path, change: dict[str, int]) -> None:
    path = folder / generation.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["chapters"][0] |= change
    path.write_text(json.dumps(manifest))

    with pytest.raises(StaleError, match="对不上数"):
        generation.read(folder)


def test_a_vector_file_elsewhere_is_not_read(folder: Path) -> None:
    path = folder / generation.MANIFEST
    manifest = json.loads(path.read_text())
    (entry,) = manifest["segments"].values()
    entry["vectors"]["file"] = "../" + entry["vectors"]["file"]
    path.write_text(json.dumps(manifest))

    with pytest.raises(StaleError, match="损坏"):
        generation.read(folder)


@pytest.mark.parametrize("text", ["", "null", "[]", "7", '{"format": 1}', "\x00\xff"])
def test_a_manifest_that_is_none_is_noticed(folder: Path, text: str) -> None:
    (folder / generation.MANIFEST).write_text(text)

    with pytest.raises(StaleError):
        generation.read(folder)


@pytest.mark.parametrize("broken", ["replace", "fsync", "write"])
def test_a_disk_that_refuses_leaves_the_old(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no space") if broken == "write" else OSError(28, "no space")

    place = {"replace": Path, "fsync": generation.os, "write": VectorIndex}[broken]
    with monkeypatch.context() as patched:
        patched.setattr(place, broken, refuse)
        with pytest.raises(IndexFailure, match="no space"):
            write(folder, "新的。")

    assert texts(generation.read(folder)) == list(TEXTS)
    write(folder, "新的。")
    assert len(list(folder.iterdir())) == 2


def test_a_state_replaced_while_it_is_read_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = segment.open_segment
    writes = []

    def overtaken(*arguments: object) -> object:
        if not writes:
            writes.append(write(folder, "后来的。"))
        return opened(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(generation, "open_segment", overtaken)

    assert texts(generation.read(folder)) == ["后来的。"]


def test_postings_are_columns() -> None:
    made = Postings.build(["老猫。", "", "猫猫"])

    assert made.lengths.tolist() == [3, 0, 3]
    assert made.complete
    assert made.df.tolist() == [2, 1, 1, 1]


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
