"""A model's folder becomes one GGUF file, as llama.cpp and its kin read it.

For dense Qwen2, Qwen2.5 and Qwen3. Matrices become f16, bf16 or q8_0, vectors stay f32; tensors
are read and written one by one, so that memory holds the largest of them and no more.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
from numpy.typing import NDArray

from training.errors import BadInput, MissingBase
from training.publishing.merge import weight_bytes
from training.publishing.places import new_file
from training.types import Progress

Kind = Literal["f16", "bf16", "q8_0"]
_TYPES = gguf.GGMLQuantizationType
_KINDS = {
    "f16": (_TYPES.F16, gguf.LlamaFileType.MOSTLY_F16),
    "bf16": (_TYPES.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    "q8_0": (_TYPES.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}
_ARCHITECTURES = {"qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3}


def _silent(done: int, total: int, note: str = "") -> None:
    """Where nobody watches."""


def write_gguf(
    model: Path, target: Path, kind: Kind = "q8_0", *, name: str = "", progress: Progress = _silent
) -> Path:
    """Raises BadInput for a model of another kind, MissingBase for one that is not whole."""
    config = _read(model / "config.json")
    architecture = _architecture(config, model)
    with new_file(target, weight_bytes(model)) as partial:
        writer = gguf.GGUFWriter(partial, gguf.MODEL_ARCH_NAMES[architecture])
        writer.add_type(gguf.GGUFType.MODEL)
        writer.add_name(name or model.resolve().name)
        _add_shape(writer, config)
        _add_vocabulary(writer, model, config["vocab_size"])
        writer.add_file_type(_KINDS[kind][1])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _write_tensors(writer, _Tensors(model, architecture, config), _KINDS[kind][0], progress)
        writer.close()
    return target


def _architecture(config: dict[str, Any], model: Path) -> gguf.MODEL_ARCH:
    kind = config.get("model_type")
    if kind not in _ARCHITECTURES:
        raise BadInput(f"{model.name} 是 {kind}，只能导出稠密的 Qwen2、Qwen2.5 和 Qwen3")
    if config.get("quantization_config"):
        raise BadInput(f"{model.name} 已经量化过，请从完整精度的模型导出")
    return _ARCHITECTURES[kind]


def _add_shape(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    _add_rope(writer, config)


def _add_rope(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    """Under either of the names that transformers has given it."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    writer.add_rope_freq_base(float(rope.get("rope_theta") or config.get("rope_theta") or 1e4))
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(float(rope["factor"]))
        writer.add_rope_scaling_orig_ctx_len(int(rope["original_max_position_embeddings"]))
    elif kind != "default":
        raise BadInput(f"不支持 {kind} 位置编码，只支持默认的和 YaRN")


def _add_vocabulary(writer: gguf.GGUFWriter, model: Path, size: int) -> None:
    """Byte-level BPE; numbers that no token has are filled up to the size of the embedding."""
    tokenizer = _read(model / "tokenizer.json")
    types = gguf.TokenType
    told: dict[int, tuple[str, gguf.TokenType]] = {
        number: (token, types.NORMAL) for token, number in tokenizer["model"]["vocab"].items()
    }
    for each in tokenizer.get("added_tokens", ()):
        kind = types.CONTROL if each["special"] else types.USER_DEFINED
        told[each["id"]] = (each["content"], kind)
    rows = [told.get(number, (f"[PAD{number}]", types.UNUSED)) for number in range(size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([token for token, _ in rows])
    writer.add_token_types([kind for _, kind in rows])
    special = gguf.SpecialVocab(model, load_merges=True, n_vocab=size)
    special.add_special_token["bos"] = False
    special.add_to_gguf(writer, quiet=True)


class _Tensors:
    """What is to be written, by its name in GGUF: a pass for the sizes, a pass for the numbers."""

    def __init__(self, model: Path, architecture: gguf.MODEL_ARCH, config: dict[str, Any]) -> None:
        self._names = gguf.get_tensor_name_map(architecture, config["num_hidden_layers"])
        self._tied = bool(config.get("tie_word_embeddings"))
        self._files = sorted(model.glob("*.safetensors"))
        if not self._files:
            raise MissingBase(f"{model} 里没有 safetensors 权重。")

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for name, opened, key in self._each():
            yield name, tuple(opened.get_slice(key).get_shape())

    def numbers(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        for name, opened, key in self._each():
            yield name, opened.get_tensor(key).float().numpy()

    def _each(self) -> Iterator[tuple[str, Any, str]]:
        from safetensors import safe_open

        for file in self._files:
            with safe_open(file, framework="pt") as opened:
                for key in sorted(opened.keys()):
                    if self._tied and key == "lm_head.weight":
                        continue
                    name = self._names.get_name(key, try_suffixes=(".weight", ".bias"))
                    if name is None:
                        raise BadInput(f"不认识的张量 {key}，这个模型不能导出为 GGUF")
                    yield name, opened, key


def _write_tensors(
    writer: gguf.GGUFWriter, tensors: _Tensors, kind: gguf.GGMLQuantizationType, progress: Progress
) -> None:
    shapes = dict(tensors.shapes())
    types = {name: _type(shape, kind) for name, shape in shapes.items()}
    for name, shape in shapes.items():
        block, size = gguf.GGML_QUANT_SIZES[types[name]]
        count = int(np.prod(shape))
        writer.add_tensor_info(
            name, shape, np.dtype(np.float32), count // block * size, raw_dtype=types[name]
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for done, (name, numbers) in enumerate(tensors.numbers(), 1):
        writer.write_tensor_data(gguf.quants.quantize(numbers, types[name]))
        progress(done, len(shapes), f"写出 {name}")


def _type(shape: tuple[int, ...], kind: gguf.GGMLQuantizationType) -> gguf.GGMLQuantizationType:
    """Vectors stay exact; rows that do not divide into blocks stay in half precision."""
    if len(shape) == 1:
        return _TYPES.F32
    block, _ = gguf.GGML_QUANT_SIZES[kind]
    return kind if shape[-1] % block == 0 else _TYPES.F16


def _read(path: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise MissingBase(f"{path.parent} 里没有可读的 {path.name}，它不是完整的模型。") from error
    return told
