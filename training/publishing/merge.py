"""An adapter merged into its base: an ordinary model, in safetensors, that needs no adapter.

Merging is PEFT's own, so that it holds for every kind that PEFT trains, DoRA among them. Weights
are read, summed and written in the base's number format.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import BadInput, MissingBase, RunFailed
from training.publishing import lora
from training.publishing.fingerprint import fingerprint
from training.publishing.places import new_folder
from training.publishing.shelf import RECORD

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SHARD = "4GB"
_ALONG = (
    "tokenizer*", "vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json",
    "chat_template*", "generation_config.json", "LICENSE*",
)  # fmt: skip
"""What is copied from the base as it is: the very same tokens, template and stops."""


def merge(adapter: Path, base: Path, target: Path, *, shard: str = SHARD) -> Path:
    """`target` becomes a model's folder; it appears whole or not at all.

    Raises MissingBase for a base that is not the adapter's, BadInput for a target that is there
    or an adapter that is none, RunFailed when the merged numbers are no numbers.
    """
    lora.read_config(adapter)
    with new_folder(target, weight_bytes(base)) as partial:
        model = merged(adapter, base)
        model.save_pretrained(partial, max_shard_size=shard)
        copy_along(base, partial)
        _write_record(adapter, base, partial)
    return target


def merged(adapter: Path, base: Path, dtype: str = "auto") -> "PreTrainedModel":
    """The merged model in memory."""
    from peft import PeftModel

    try:
        model = PeftModel.from_pretrained(load_base(base, dtype), adapter)
        whole: PreTrainedModel = model.merge_and_unload(safe_merge=True)
    except (RuntimeError, KeyError) as error:
        raise MissingBase(f"适配器 {adapter.name} 不是底座 {base.name} 的：层对不上。") from error
    except ValueError as error:
        if "NaN" in str(error):
            raise RunFailed(f"适配器 {adapter.name} 并入后出现了不是数的值，没有写出。") from error
        raise BadInput(f"适配器 {adapter.name} 并不进底座：{error}") from error
    return whole


def load_base(base: Path, dtype: str = "auto") -> "PreTrainedModel":
    """Raises MissingBase."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if not (base / "config.json").is_file():
        raise MissingBase(f"底座 {base} 不在，或那里没有模型（缺 config.json）。")
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        base, dtype=dtype, local_files_only=True
    )
    return model


def weight_bytes(model: Path) -> int:
    return sum(file.stat().st_size for file in model.glob("*.safetensors"))


def copy_along(base: Path, target: Path) -> None:
    for pattern in _ALONG:
        for file in base.glob(pattern):
            shutil.copyfile(file, target / file.name)


def _write_record(adapter: Path, base: Path, target: Path) -> None:
    """What it was made of; its own lineage is that of the base it becomes from now on."""
    told: dict[str, Any] = {"format": 1, "kind": "merged", "base": fingerprint(base).name,
                            "adapter": adapter.name}  # fmt: skip
    (target / RECORD).write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")
