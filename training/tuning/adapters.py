"""Which weights are trained: an adapter put on the base by PEFT, or the base's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import BadRecipe, MissingBase
from training.publishing.lineage import NAME as LINEAGE
from training.publishing.lineage import Lineage, check_base
from training.publishing.shelf import Shelf
from training.tuning.config import Recipe

PISSA = "pissa_niter_16"
"""A randomized decomposition: seconds where the exact one takes minutes, the same to 1e-6."""


def start_adapter(model: Any, recipe: Recipe) -> Any:
    """The base under a fresh adapter, as PEFT's model; the base itself for full tuning."""
    if not recipe.makes_adapter:
        return model
    from peft import LoraConfig, get_peft_model

    tuning = recipe.tuning
    begin: Any = PISSA if tuning.kind == "pissa" else True
    config = LoraConfig(
        r=tuning.rank,
        lora_alpha=tuning.alpha,
        lora_dropout=tuning.dropout,
        target_modules=_targets(recipe),
        use_rslora=tuning.kind == "rslora",
        use_dora=tuning.kind == "dora",
        init_lora_weights=begin,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(_ready(model, recipe), config)
    except ValueError as error:
        raise BadRecipe(f"tuning.targets：底座里没有这些线性层（{error}）") from error


def continue_adapter(model: Any, folder: Path) -> Any:
    """The base under an adapter that was trained before, to be trained on."""
    from peft import PeftModel

    return PeftModel.from_pretrained(model, folder, is_trainable=True)


def restart_pissa(model: Any, recipe: Recipe, initial: Path) -> Any:
    """As `start_adapter` was for PiSSA, from the adapter saved then: not computed again, for
    another random decomposition would leave another base."""
    import torch

    plain = recipe.model_copy(update={"tuning": recipe.tuning.model_copy(update={"kind": "lora"})})
    tuned = start_adapter(model, plain)
    tuned.load_adapter(initial, "default", is_trainable=True)
    tuned.peft_config["default"].init_lora_weights = PISSA
    with torch.no_grad():
        for layer in lora_layers(tuned):
            layer.get_base_layer().weight -= layer.get_delta_weight("default")
    return tuned


def find_adapter(wanted: str, base: Path, data_dir: Path) -> Path:
    """A folder with an adapter, or a published one's name. Raises BadInput for none, and
    MissingBase for an adapter of another base."""
    folder = Path(wanted).expanduser()
    if not (folder / "adapter_config.json").is_file():
        folder = Shelf(data_dir / "adapters").find(wanted).folder
    for place in (folder, folder.parent):
        if (place / LINEAGE).is_file():
            check_base(folder.name, Lineage.read(place), base)
            break
    return folder


def lora_layers(model: Any) -> Iterator[Any]:
    from peft.tuners.lora import LoraLayer

    return (module for module in model.modules() if isinstance(module, LoraLayer))


def keep_inputs_small(model: Any) -> None:
    """Under autocast: PEFT would turn every layer's input into the adapter's fp32 first, and
    each copy would be kept for the way back; autocast turns the small adapter instead."""
    for layer in lora_layers(model):
        layer.cast_input_dtype_enabled = False


@contextmanager
def without_adapter(model: Any) -> Iterator[None]:
    """The base as it is served without the adapter; a tuned base has none to take off."""
    if not hasattr(model, "disable_adapter"):
        raise MissingBase("整个模型都在训练，没有可以拿掉的适配器")
    with model.disable_adapter():
        yield


def _targets(recipe: Recipe) -> Any:
    targets = recipe.tuning.targets
    return targets if isinstance(targets, str) else list(targets)


def _ready(model: Any, recipe: Recipe) -> Any:
    if recipe.tuning.kind != "qlora":
        return model
    from peft import prepare_model_for_kbit_training

    return prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
        model,
        use_gradient_checkpointing=recipe.checkpoint_activations,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
