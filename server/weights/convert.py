"""`python -m server.weights.convert GGUF FOLDER`: a GGUF file becomes a safetensors checkpoint.

Runs as the child of `conversion.convert`, and never inside the server.

Where a GGUF stores both an input embedding and an output head for a model that was published
with one matrix for both (Qwen2.5 up to 3B), the two are the same numbers quantized twice. The
head's copy is the finer one, so it is kept for both places: the checkpoint is smaller by the
whole embedding and reads texts no worse.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

STAGES = ("1/4 读取词表", "2/4 还原权重", "3/4 写出权重", "4/4 检查结果")
SAME_MATRIX = 0.99
"""Least cosine, row by row, of two quantizations of one matrix (4 to 8 bits: above 0.998)."""
END_OF_TURN = "<|im_end|>"
END_OF_TEXT = "<|endoftext|>"
SAMPLE = "“你来了。”她说，hello 2026！\n\n　　第二回　风雪夜"


def main(gguf: Path, folder: Path) -> None:
    """Raises whatever is wrong; the parent reads the last line of the traceback."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where: dict[str, Any] = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    _report(0)
    tokenizer = AutoTokenizer.from_pretrained(**where)
    _report(1)
    model = AutoModelForCausalLM.from_pretrained(
        **where, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    tie_if_same(model)
    set_stops(model, tokenizer)
    _report(2)
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    drop_filler(folder / "tokenizer.json")
    (folder / "model.safetensors").chmod(0o644)
    _report(3)
    check(folder)


def tie_if_same(model: "PreTrainedModel") -> None:
    """One matrix for both ends where the two stored ones are the same, quantized twice."""
    import torch

    embedding: Any = model.get_input_embeddings()
    head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    if model.config.tie_word_embeddings or embedding.weight.shape != head.weight.shape:
        return
    cosine = torch.nn.functional.cosine_similarity(embedding.weight, head.weight, dim=1)
    if cosine.median() < SAME_MATRIX:
        return
    embedding.weight = head.weight
    model.config.tie_word_embeddings = True
    model.tie_weights()


def set_stops(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> None:
    """Generation ends with the assistant's turn, as Qwen's own generation_config has it."""
    stops = [tokenizer.convert_tokens_to_ids(token) for token in (END_OF_TURN, END_OF_TEXT)]
    if None in stops or tokenizer.unk_token_id in stops:
        return
    tokenizer.eos_token, tokenizer.pad_token = END_OF_TURN, END_OF_TEXT
    model.config.eos_token_id, model.config.pad_token_id = stops
    if model.generation_config is not None:
        model.generation_config.eos_token_id = stops
        model.generation_config.pad_token_id = stops[1]
        model.generation_config._from_model_config = False


def drop_filler(path: Path) -> None:
    """Takes out the `[PAD…]` entries with which GGUF fills the vocabulary to a round size.

    They stand for no text; published Qwen tokenizers do not have them. The NFC normalizer,
    which GGUF cannot express but every Qwen tokenizer has, is put back.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = data["model"]["vocab"]
    last = max((token["id"] for token in data["added_tokens"]), default=len(vocabulary))
    data["model"]["vocab"] = {
        token: number
        for token, number in vocabulary.items()
        if not (number > last and token.startswith("[PAD"))
    }
    data["normalizer"] = data["normalizer"] or {"type": "NFC"}
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2), encoding="utf-8")


def check(folder: Path) -> None:
    """Reads the result as an engine would. Raises ValueError where it would misbehave."""
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    AutoConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.decode(tokenizer(SAMPLE).input_ids) != SAMPLE:
        raise ValueError("the tokenizer does not give its text back")
    if not tokenizer.chat_template:
        raise ValueError("the chat template is missing")
    stops = GenerationConfig.from_pretrained(folder).eos_token_id
    stops = stops if isinstance(stops, list) else [stops]
    if tokenizer.eos_token_id not in stops:
        raise ValueError("generation would not stop at the end of a turn")


def _report(stage: int) -> None:
    print(json.dumps({"stage": STAGES[stage]}, ensure_ascii=False), flush=True)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main(Path(sys.argv[1]), Path(sys.argv[2]))
