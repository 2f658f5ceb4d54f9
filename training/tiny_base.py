"""A whole Qwen3 in miniature, made from nothing: random weights, a tokenizer of its own texts.

For the demo, for checks of code and settings, and for tests: nothing has to be fetched. What it
writes before it has been trained is noise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


@dataclass(frozen=True)
class Size:
    """The defaults are 0.2 M parameters, nearly half of them embeddings."""

    tokens: int = 640
    """What the tokenizer learns at most; byte-level, so that nothing is unknown to it."""
    rows: int = 1024
    """Of the embedding: at least `tokens`, as the published Qwens have some to spare."""
    hidden: int = 64
    intermediate: int = 128
    layers: int = 2
    heads: int = 4
    head: int = 32
    window: int = 2048


def make_tokenizer(
    folder: Path, texts: Iterable[str], tokens: int, template: str
) -> PreTrainedTokenizerFast:
    """A byte-level BPE as Qwen's: NFC, every byte in its alphabet, no unknown token."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=tokens,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_base(
    folder: Path, texts: Iterable[str], template: str, size: Size | None = None, seed: int = 7
) -> Path:
    """A model's folder in Transformers' format, float32; `template` is its chat template (Jinja).

    The same texts, size and seed give the same weights.
    """
    size = size or Size()
    tokenizer = make_tokenizer(folder, texts, size.tokens, template)
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=size.rows,
        hidden_size=size.hidden,
        intermediate_size=size.intermediate,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads // 2,
        head_dim=size.head,
        max_position_embeddings=size.window,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder
