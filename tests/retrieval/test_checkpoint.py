from pathlib import Path

import numpy as np
import pytest

from retrieval.checkpoint import Checkpoint, remove_checkpoints


def digests(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.uint64)


def rows(*numbers: float) -> np.ndarray:
    return np.array([[number] * 3 for number in numbers], dtype=np.float32)


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoint:
    made = Checkpoint(tmp_path, "model", 3)
    made.append(digests(5, 2**64 - 1), rows(5, 6))
    made.append(digests(7), rows(7))
    return made


def test_what_was_kept_is_found_in_the_order_asked(tmp_path: Path, kept: Checkpoint) -> None:
    again = Checkpoint(tmp_path, "model", 3)
    known, found = again.find(digests(7, 1, 5, 2**64 - 1))

    assert known.tolist() == [True, False, True, True]
    assert found[:, 0].tolist() == [7, 5, 6]
    assert kept.find(digests())[0].tolist() == []


def test_other_models_keep_apart(tmp_path: Path, kept: Checkpoint) -> None:
    assert kept.find(digests(5))[0].all()
    for other in (Checkpoint(tmp_path, "other", 3), Checkpoint(tmp_path, "model", 4)):
        assert not other.find(digests(5))[0].any()


@pytest.mark.parametrize("suffix", ["vectors", "texts"])
def test_half_a_record_is_cut_off_and_gone_on_from(
    tmp_path: Path, kept: Checkpoint, suffix: str
) -> None:
    (path,) = tmp_path.glob(f"*.{suffix}")
    path.write_bytes(path.read_bytes()[:-1])

    assert kept.find(digests(5, 7))[0].tolist() == [True, False]
    kept.append(digests(8), rows(8))
    known, found = kept.find(digests(5, 7, 8))
    assert known.tolist() == [True, False, True]
    assert found[:, 0].tolist() == [5, 8]


def test_a_spoiled_vector_is_not_used(tmp_path: Path, kept: Checkpoint) -> None:
    (path,) = tmp_path.glob("*.vectors")
    spoiled = bytearray(path.read_bytes())
    spoiled[13] ^= 1
    path.write_bytes(spoiled)

    assert kept.find(digests(5, 2**64 - 1, 7))[0].tolist() == [True, False, True]


def test_removing_leaves_nothing(tmp_path: Path, kept: Checkpoint) -> None:
    remove_checkpoints(tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert not kept.find(digests(5))[0].any()
