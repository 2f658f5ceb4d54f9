"""A tiny base, and data sets of any size for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from advice_rows import chat

from tests.engine.tiny_qwen import make_model
from training.data import store
from training.types import Item, Text


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def data_set(tmp_path: Path) -> Callable[..., str]:
    """Saves items under a name; gives the name back for a recipe."""

    def save(name: str, items: list[Item], held_out: tuple[Item, ...] = ()) -> str:
        made = store.made_by("test")
        store.save(tmp_path / "datasets" / name, items, held_out, name=name, made=made)
        return name

    return save


@pytest.fixture
def voice(data_set: Callable[..., str]) -> str:
    """120 rows, some of them long, one held out."""
    rows: list[Item] = [chat("雨停了。" * (1 + n % 7)) for n in range(118)]
    return data_set("voice", [*rows, chat("船" * 400), chat("灯" * 450)], (chat("江上。"),))


@pytest.fixture
def book(data_set: Callable[..., str]) -> str:
    return data_set("book", [Text("天色将晚，江上起了薄雾。" * 200)])
