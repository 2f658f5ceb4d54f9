"""Every recipe that comes along can be run, and stays within what worked before."""

from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file

from training.commands.train import SHIPPED
from training.tuning.config import Recipe

RECIPES = sorted(SHIPPED.glob("*.yaml"))
LAUNCHERS = sorted((SHIPPED / "accelerate").glob("*.yaml"))


def test_they_are_there() -> None:
    wanted = {
        "cpu-tiny", "cpu-0.5b-persona", "gpu-persona", "gpu-qlora", "gpu-novel-pretrain",
        "gpu-novel-sft", "gpu-dpo", "8gpu-fsdp", "full-galore", "full-badam",
        "proxy-title-abstract", "proxy-couplet-opening",
    }  # fmt: skip
    assert {each.stem for each in RECIPES} == wanted
    assert {each.stem for each in LAUNCHERS} == {
        "ddp", "fsdp", "fsdp-2-machines", "deepspeed-zero3",
    }  # fmt: skip


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_it_is_a_recipe_within_the_known_ranges(path: Path) -> None:
    """Learning rate, rank, alpha, dropout and length that were seen to work; a model of some
    hundred thousand weights alone learns at a higher rate."""
    recipe = Recipe.read(path)
    assert path.read_text("utf-8").startswith("# "), "says what it is for"
    highest = 1e-3 if path.stem == "cpu-tiny" else 1e-4
    assert 1e-5 <= recipe.learning_rate <= highest
    assert 512 <= recipe.length <= 2048
    assert 1 <= recipe.epochs <= 20
    if recipe.makes_adapter:
        assert 4 <= recipe.tuning.rank <= 64
        assert 16 <= recipe.tuning.alpha <= 32
        assert recipe.tuning.dropout <= 0.02
        assert recipe.tuning.targets == "all-linear"


@pytest.mark.parametrize("path", LAUNCHERS, ids=lambda path: path.stem)
def test_accelerate_reads_it(path: Path) -> None:
    config = load_config_from_file(str(path))
    told = yaml.safe_load(path.read_text("utf-8"))
    assert config.num_processes == told["num_processes"]
    if path.stem.startswith("fsdp"):
        # Publishing needs whole weights.
        assert told["fsdp_config"]["fsdp_state_dict_type"] == "FULL_STATE_DICT"
    if path.stem.startswith("deepspeed"):
        assert told["deepspeed_config"]["zero3_save_16bit_model"] is True
