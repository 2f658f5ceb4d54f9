"""The probe runs the real trainer, briefly, with the recipe's own shapes."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from advice_rows import chat

from training.advice import probe as probing
from training.advice.advise import look
from training.advice.probe import STEPS, probe, rows_for, short
from training.errors import RunFailed
from training.tuning.config import Recipe
from training.types import Chat, Text


def recipe(name: str, base: Path, **changes: Any) -> Recipe:
    told = {"name": "x", "base": str(base), "data": [name], "length": 512, "dtype": "fp32"}
    return Recipe.parse(told | changes)


def answers(rows: list[Any]) -> list[int]:
    return [len(row.turns[-1].text) for row in rows if isinstance(row, Chat)]


def test_the_longest_rows_and_usual_ones(voice: str, base: Path, tmp_path: Path) -> None:
    wanted = recipe(voice, base, batch=2, length=2048)
    rows = rows_for(wanted, look(wanted, base, tmp_path))
    assert len(rows) == STEPS * 2
    assert sorted(answers(rows))[-2:] == [400, 450]
    fitting = recipe(voice, base, batch=2, length=512)
    assert max(answers(rows_for(fitting, look(fitting, base, tmp_path)))) < 100


def test_packed_rows_are_full(voice: str, base: Path, tmp_path: Path) -> None:
    wanted = recipe(voice, base, packing=True, batch=2)
    amounts = look(wanted, base, tmp_path)
    sizes = {id(each.item): sum(each.tokens) for each in amounts.seen}
    rows = rows_for(wanted, amounts)
    assert sum(sizes.values()) > 0
    assert len(rows) > STEPS * 2


def test_few_rows_are_taken_again(data_set: Callable[..., str], base: Path, tmp_path: Path) -> None:
    wanted = recipe(data_set("few", [chat("好。"), chat("雨停了。")]), base, batch=2)
    assert len(rows_for(wanted, look(wanted, base, tmp_path))) == STEPS * 2


def test_books_are_begun(book: str, base: Path, tmp_path: Path) -> None:
    wanted = recipe(book, base, method="pretrain", length=64)
    (only,) = rows_for(wanted, look(wanted, base, tmp_path))
    assert isinstance(only, Text)
    assert 100 < len(only.text) < 2400


def test_nothing_but_the_shapes_is_kept(voice: str, base: Path) -> None:
    told = short(
        recipe(voice, base, batch=3, accumulate=8, packing=True, epochs=9, held_out=0.1,
               tuning={"kind": "dora", "rank": 4}, sample_every=5), base,
    )  # fmt: skip
    assert (told.batch, told.length, told.packing, told.tuning.kind) == (3, 512, True, "dora")
    assert (told.steps, told.accumulate, told.sample_every, told.held_out) == (STEPS, 1, 0, None)


def probes() -> list[psutil.Process]:
    """Probes among this process's children; one that has ended has no command line."""
    running = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "training.advice.probe" in child.cmdline():
                running.append(child)
    return running


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"packing": True}, {"method": "pretrain"}], ids=str)
def test_a_probe_measures_and_leaves_nothing(
    voice: str, book: str, base: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    wanted = recipe(book if "method" in changes else voice, base, **changes)
    before = sorted(path.name for path in tmp_path.iterdir())
    told: list[tuple[int, int]] = []
    cost = probe(
        wanted, base, look(wanted, base, tmp_path), tmp_path,
        progress=lambda done, total, _: told.append((done, total)),
    )  # fmt: skip
    assert cost.measured
    assert cost.tokens_per_second > 1
    assert cost.peak_bytes > 50 * 2**20
    assert told
    assert {total for _, total in told} == {STEPS}
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not probes()


@pytest.mark.slow
def test_a_probe_that_fails_says_why(voice: str, base: Path, tmp_path: Path) -> None:
    wanted = recipe(voice, base, tuning={"targets": ["query"]})
    with pytest.raises(RunFailed, match=r"试跑没有成功.*query"):
        probe(wanted, base, look(wanted, base, tmp_path), tmp_path)


@pytest.mark.slow
def test_a_probe_that_takes_too_long_is_ended(
    voice: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "STEPS", 10**6)
    wanted = recipe(voice, base)
    amounts = look(wanted, base, tmp_path)
    monkeypatch.setattr(probing, "rows_for", lambda *_: [chat("好。")] * 20)
    with pytest.raises(RunFailed, match="太慢"):
        probe(wanted, base, amounts, tmp_path, seconds=3)
    assert not probes()
    assert not list(tmp_path.glob(".probe-*"))
