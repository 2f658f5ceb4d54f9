"""Versions on the shelf: whole or not there, told apart, rolled back, taken out and put away."""

import json
import threading
from pathlib import Path

import pytest

from training.errors import BadInput
from training.publishing.shelf import Published, Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "adapters")


def put(shelf: Shelf, name: str, content: str = "0" * 8) -> Published:
    def make(folder: Path) -> None:
        (folder / "adapter_config.json").write_text("{}")

    def finish(folder: Path, version: int) -> str:
        (folder / "yanchi.json").write_text(json.dumps({"title": f"第 {version} 版"}))
        return content

    return shelf.put(name, make, finish)


def pointers(shelf: Shelf) -> dict[str, str]:
    told: dict[str, str] = json.loads((shelf.root / "current.json").read_text())
    return told


def names(shelf: Shelf) -> list[str]:
    return sorted(path.name for path in shelf.root.iterdir() if not path.name.startswith("."))


def test_each_version_has_its_own_folder_and_the_newest_is_current(shelf: Shelf) -> None:
    first, second = put(shelf, "huan", "a" * 8), put(shelf, "huan", "b" * 8)
    other = put(shelf, "huan-v2", "c" * 8)
    assert names(shelf) == [
        "current.json", "huan-v1-aaaaaaaa", "huan-v2-bbbbbbbb", "huan-v2-v1-cccccccc"
    ]  # fmt: skip
    assert shelf.all() == [first, second, other]
    assert pointers(shelf) == {"huan": second.folder.name, "huan-v2": other.folder.name}
    assert second.title == "第 2 版"
    assert [shelf.find(n) for n in ("huan", "huan-v1", second.folder.name)] == [
        second, first, second
    ]  # fmt: skip


def test_rolling_back_goes_one_version_back_and_publishing_goes_on(shelf: Shelf) -> None:
    first, _, third = (put(shelf, "huan", c * 8) for c in "abc")
    assert shelf.roll_back("huan").version == 2
    assert shelf.roll_back("huan") == first
    with pytest.raises(BadInput, match="没有比 v1 更早"):
        shelf.roll_back("huan")
    shelf.point(third)
    assert shelf.current("huan") == third
    assert put(shelf, "huan", "d" * 8).version == 4


def test_what_is_removed_lies_in_the_bin_and_its_number_is_not_given_again(shelf: Shelf) -> None:
    first, second, third = (put(shelf, "huan", c * 8) for c in "abc")
    bin_ = shelf.remove(third)
    assert (bin_ / "adapter_config.json").is_file()
    assert shelf.all() == [first, second]
    assert shelf.current("huan") == second
    shelf.remove(first)
    assert shelf.current("huan") == second
    assert put(shelf, "huan", "d" * 8).version == 4
    for each in shelf.all():
        shelf.remove(each)
    assert pointers(shelf) == {}
    assert shelf.current("huan") is None
    with pytest.raises(BadInput, match=r"没有名为“huan”.*还没有"):
        shelf.find("huan")


@pytest.mark.parametrize("name", ["", "-x", "嬛嬛", "a/b", "..", "a.b", "x" * 65])
def test_names_that_are_no_names_are_refused(shelf: Shelf, name: str) -> None:
    with pytest.raises(BadInput, match="名字"):
        put(shelf, name)
    assert not shelf.root.exists()


def test_what_fails_halfway_leaves_nothing(shelf: Shelf) -> None:
    put(shelf, "huan")

    def fill(folder: Path) -> None:
        (folder / "adapter_config.json").write_text("{}")
        raise OSError("disk full")

    def refuse(folder: Path, version: int) -> str:
        raise BadInput(f"{folder.name} {version}")

    before = (names(shelf), pointers(shelf))
    with pytest.raises(OSError, match="disk full"):
        shelf.put("huan", fill, lambda *_: "0" * 8)
    with pytest.raises(BadInput):
        shelf.put("huan", lambda _: None, refuse)
    assert (names(shelf), pointers(shelf)) == before
    assert not list(shelf.root.glob(".partial-*"))


def test_two_who_publish_at_once_get_two_numbers(shelf: Shelf) -> None:
    threads = [threading.Thread(target=put, args=(shelf, "huan", f"{n:08x}")) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.version for each in shelf.versions("huan")] == list(range(1, 13))
    current = shelf.current("huan")
    assert current is not None
    assert current.version == 12


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"huan": "huan-v9-00000000"}'])
def test_a_torn_pointer_means_the_newest(shelf: Shelf, torn: str) -> None:
    put(shelf, "huan", "a" * 8)
    second = put(shelf, "huan", "b" * 8)
    (shelf.root / "current.json").write_text(torn)
    assert shelf.current("huan") == second


def test_foreign_folders_are_not_versions(shelf: Shelf) -> None:
    (shelf.root / "somebodys").mkdir(parents=True)
    (shelf.root / "somebodys" / "adapter_config.json").write_text("{}")
    assert shelf.all() == []
