"""What changes the weights: AdamW, LoRA+, GaLore, BAdam; each can be saved and taken up again."""

import contextlib
import io
import warnings
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import torch
from badam import BlockOptimizer

from training.tuning.config import Recipe

Groups = list[dict[str, Any]]


def make_optimizer(model: Any, recipe: Recipe, decayed: Collection[str]) -> torch.optim.Optimizer:
    """`decayed` are the names of the parameters that weight decay is for."""
    if recipe.tuning.kind == "galore":
        return _galore(model, recipe, decayed)
    if recipe.tuning.kind == "badam":
        return _badam(model, recipe)
    if recipe.tuning.lora_plus_ratio is not None:
        return _lora_plus(model, recipe, recipe.tuning.lora_plus_ratio)
    named = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
    return torch.optim.AdamW(_by_decay(named, recipe, decayed), lr=recipe.learning_rate, fused=True)


def _by_decay(
    named: list[tuple[str, Any]], recipe: Recipe, decayed: Collection[str], **more: Any
) -> Groups:
    return [
        {
            "params": [each for name, each in named if (name in decayed) is its],
            "weight_decay": recipe.weight_decay if its else 0.0,
            **more,
        }
        for its in (True, False)
    ]


def _lora_plus(model: Any, recipe: Recipe, ratio: float) -> torch.optim.Optimizer:
    from peft.optimizers import create_loraplus_optimizer

    made: torch.optim.Optimizer = create_loraplus_optimizer(
        model,
        torch.optim.AdamW,
        lr=recipe.learning_rate,
        loraplus_lr_ratio=ratio,
        loraplus_weight_decay=recipe.weight_decay,
        fused=True,
    )
    return made


def _galore(model: Any, recipe: Recipe, decayed: Collection[str]) -> torch.optim.Optimizer:
    """Adam's means in a subspace of each matrix's gradient (J. Zhao et al., 2024); what is no
    matrix of a layer (norms, the vocabulary) is trained by plain Adam."""
    from galore_torch import GaLoreAdamW
    from galore_torch.galore_projector import GaLoreProjector

    # Its state holds projectors; a checkpoint is read back without running any code but this.
    torch.serialization.add_safe_globals([GaLoreProjector])
    tuning = recipe.tuning
    matrices = {f"{name}.weight" for name in _matrices(model, recipe)}
    named = list(model.named_parameters())
    low = {
        "rank": tuning.rank,
        "scale": tuning.alpha / tuning.rank,
        "update_proj_gap": tuning.switch_every,
        "proj_type": "std",
    }
    groups = [
        *_by_decay([each for each in named if each[0] not in matrices], recipe, decayed),
        *_by_decay([each for each in named if each[0] in matrices], recipe, decayed, **low),
    ]
    made: torch.optim.Optimizer = GaLoreAdamW(
        [group for group in groups if group["params"]],
        lr=recipe.learning_rate,
        no_deprecation_warning=True,
    )
    return made


def _matrices(model: Any, recipe: Recipe) -> list[str]:
    """Names of the layers' linear modules, as the recipe's targets choose them."""
    targets = recipe.tuning.targets
    head = model.get_output_embeddings()
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and module is not head
        and (targets == "all-linear" or name.rpartition(".")[2] in targets)
    ]


def _badam(model: Any, recipe: Recipe) -> "Blocks":
    named = list(model.named_parameters())
    base = torch.optim.AdamW(
        [{"params": [each for _, each in named]}],
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
    )
    with warnings.catch_warnings():
        # It expects a base in bf16 and says so of every parameter; fp32 is merely larger.
        warnings.simplefilter("ignore")
        return Blocks(base, named, recipe.tuning.switch_every)


class Blocks(BlockOptimizer):  # type: ignore[misc]
    """BAdam (Q. Luo et al., 2024): one layer at a time, the last first, by Adam on a full copy.

    The library saves only Adam's means; which layer is at work, for how long, its full copy and
    the schedule's rate are saved here too, so that a resumed run does what an uninterrupted one
    does.
    """

    def __init__(self, base: torch.optim.Optimizer, named: Any, switch_every: int) -> None:
        super().__init__(base, named, switch_block_every=switch_every, verbose=0)
        # The base class puts the inner optimizer's method here, in the way of ours.
        self.__dict__.pop("state_dict", None)

    def switch_trainable_params(self, verbose: int | None = None) -> None:
        """The library prints the layer's name to standard output, which is the result's."""
        del verbose
        self.active = self.current_block_idx
        with contextlib.redirect_stdout(io.StringIO()):
            super().switch_trainable_params(0)

    def state_dict(self) -> dict[str, Any]:
        return {
            "base": self.base_optimizer.state_dict(),
            "steps": self.global_step,
            "active": self.active,
            "rates": [group["lr"] for group in self.param_groups],
            "copies": {str(at): each.detach() for at, each in self.param_idx2hp.items()},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.current_block_idx = state_dict["active"]
        self.switch_trainable_params()
        self.global_step = state_dict["steps"]
        with torch.no_grad():
            for at, copy in state_dict["copies"].items():
                self.param_idx2hp[int(at)].copy_(copy)
        for group, rate in zip(self.param_groups, state_dict["rates"], strict=True):
            group["lr"] = rate
        self.base_optimizer.load_state_dict(state_dict["base"])
        self.base_optimizer.state = defaultdict(dict, self.base_optimizer.state)
