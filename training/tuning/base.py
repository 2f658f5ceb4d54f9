"""The base model as training takes it: its tokenizer, and its weights in the right precision."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import BadRecipe, MissingBase
from training.publishing.fingerprint import read_config
from training.tuning.config import Recipe

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


def load_tokenizer(folder: Path) -> "tuple[PreTrainedTokenizerBase, tuple[int, ...]]":
    """The tokenizer, and the tokens at which an engine stops. Raises MissingBase."""
    from transformers import AutoTokenizer, GenerationConfig

    if not (folder / "config.json").is_file():
        raise MissingBase(f"{folder} 里没有模型（缺 config.json），请写明底座的目录。")
    told = None
    if (folder / "generation_config.json").is_file():
        told = GenerationConfig.from_pretrained(folder).eos_token_id
    stops = told if isinstance(told, list) else [told]
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise MissingBase(f"底座 {folder} 的分词器读不了：{error}") from error
    return tokenizer, tuple(stop for stop in stops if stop is not None)


def window_of(folder: Path) -> int | None:
    """Tokens that the base can look back on. Raises MissingBase."""
    told = read_config(folder).get("max_position_embeddings")
    return int(told) if told else None


def check_length(length: int, folder: Path) -> None:
    """Raises BadRecipe for examples longer than the base's window, and MissingBase."""
    window = window_of(folder)
    if window and length > window:
        raise BadRecipe(f"length：底座的窗口只有 {window:,} 个词元，长度不能超过它。")


def best_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def gpu_count() -> int:
    import torch

    return torch.cuda.device_count()


def is_sharded() -> bool:
    """Whether accelerate was told to spread one model over the processes."""
    from accelerate.utils import parse_flag_from_env

    return any(
        parse_flag_from_env(f"ACCELERATE_USE_{kind}", False) for kind in ("FSDP", "DEEPSPEED")
    )


def computes_bf16(device: str) -> bool:
    """Whether `device` multiplies bf16 natively; emulated, it is slower than fp32."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def is_bf16(recipe: Recipe) -> bool:
    """The precision of the products; what is trained is kept in fp32 whatever this says."""
    if recipe.dtype == "auto":
        return computes_bf16(best_device())
    return recipe.dtype == "bf16"


def load_weights(folder: Path, recipe: Recipe) -> Any:
    """The causal model; frozen weights in the precision of the products, others in fp32.

    Updates of a trained weight are often smaller than bf16's steps: they would be lost. PiSSA
    takes a part out of the base, whose rounding would be as large as what is learned. BAdam
    keeps a full copy of the block it trains by itself.

    Raises MissingBase; BadRecipe where this machine cannot quantize.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    kind = recipe.tuning.kind
    small = is_bf16(recipe) and kind not in ("full", "galore", "pissa")
    how: dict[str, Any] = {"dtype": torch.bfloat16 if small else torch.float32}
    if kind == "qlora":
        how["quantization_config"] = _four_bits(how["dtype"])
    try:
        return AutoModelForCausalLM.from_pretrained(folder, **how)
    except (OSError, ValueError, KeyError) as error:
        raise MissingBase(f"底座 {folder} 载入不了：{error}") from error


def _four_bits(dtype: "torch.dtype") -> Any:
    """NF4 with doubly quantized scales (T. Dettmers et al., "QLoRA", 2023)."""
    import importlib.util

    import torch
    from transformers import BitsAndBytesConfig

    if not torch.cuda.is_available():
        raise BadRecipe("tuning.kind：qlora 要有 NVIDIA 显卡，本机没有；在 CPU 上请用 lora。")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BadRecipe("tuning.kind：qlora 要装 bitsandbytes（yanchi 的 cuda 附加包里有）。")
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
