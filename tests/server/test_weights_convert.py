"""A tiny GGUF, written here, becomes a checkpoint that transformers reads and that stops."""

import json
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoModelForCausalLM, AutoTokenizer

from server.weights.convert import SAMPLE, check, main

HIDDEN, LAYERS, HEADS, KEYS, INNER = 32, 2, 4, 2, 64
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
FILLER = ["[PAD260]", "[PAD261]"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)


def write_gguf(path: Path, *, same_matrix: bool, template: str = TEMPLATE) -> None:
    """A Qwen2 with a byte vocabulary; its head is its embedding, or a matrix of its own."""
    letters = sorted(ByteLevel.alphabet())
    letters.append(letters[0] + letters[1])
    tokens = [*letters, *SPECIAL, *FILLER]
    writer = GGUFWriter(path, "qwen2")
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(letters) + [3] * len(SPECIAL) + [5] * len(FILLER))
    writer.add_token_merges([f"{letters[0]} {letters[1]}"])
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_chat_template(template)
    for name, value in tensors(len(tokens), same_matrix).items():
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(vocabulary: int, same_matrix: bool) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 0.1, shape).astype(np.float32)

    width = HIDDEN // HEADS * KEYS
    embedding = matrix(vocabulary, HIDDEN)
    found = {"token_embd.weight": embedding, "output_norm.weight": np.ones(HIDDEN, np.float32)}
    noise = matrix(vocabulary, HIDDEN)
    found["output.weight"] = embedding + 0.1 * noise if same_matrix else noise
    for layer in range(LAYERS):
        found |= {
            f"blk.{layer}.{name}": value
            for name, value in {
                "attn_norm.weight": np.ones(HIDDEN, np.float32),
                "ffn_norm.weight": np.ones(HIDDEN, np.float32),
                "attn_q.weight": matrix(HIDDEN, HIDDEN),
                "attn_q.bias": matrix(HIDDEN),
                "attn_k.weight": matrix(width, HIDDEN),
                "attn_k.bias": matrix(width),
                "attn_v.weight": matrix(width, HIDDEN),
                "attn_v.bias": matrix(width),
                "attn_output.weight": matrix(HIDDEN, HIDDEN),
                "ffn_gate.weight": matrix(INNER, HIDDEN),
                "ffn_up.weight": matrix(INNER, HIDDEN),
                "ffn_down.weight": matrix(HIDDEN, INNER),
            }.items()
        }
    return found


def finer() -> np.ndarray:
    """The head's copy, which is the one to keep."""
    tokens = len(ByteLevel.alphabet()) + 1 + len(SPECIAL) + len(FILLER)
    return tensors(tokens, same_matrix=True)["output.weight"]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    write_gguf(folder / "model.gguf", same_matrix=True)
    main(folder / "model.gguf", folder / "model")
    return folder / "model"


def test_the_tokenizer_gives_its_text_back_and_has_no_filler(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    assert tokenizer.decode(tokenizer(SAMPLE).input_ids) == SAMPLE
    vocabulary = json.loads((converted / "tokenizer.json").read_text())["model"]["vocab"]
    assert not [token for token in vocabulary if token.startswith("[PAD")]
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") == 259
    assert tokenizer.model_max_length == 512


def test_generation_stops_at_the_end_of_a_turn(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    model = AutoModelForCausalLM.from_pretrained(converted)
    assert tokenizer.eos_token == "<|im_end|>"
    assert model.config.eos_token_id == 259
    assert model.generation_config.eos_token_id == [259, 257]


def test_the_chat_template_came_along(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    text = tokenizer.apply_chat_template([{"role": "user", "content": "你好"}], tokenize=False)
    assert text == "<|im_start|>user\n你好<|im_end|>\n"


def test_one_matrix_quantized_twice_is_stored_once(converted: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(converted)
    assert model.config.tie_word_embeddings
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert np.allclose(model.lm_head.weight.detach().float(), finer(), atol=0.003)
    assert "lm_head" not in (converted / "model.safetensors").read_bytes()[:20_000].decode("latin1")


def test_a_head_of_its_own_stays(tmp_path: Path) -> None:
    write_gguf(tmp_path / "model.gguf", same_matrix=False)
    main(tmp_path / "model.gguf", tmp_path / "model")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert not model.config.tie_word_embeddings
    assert not (model.lm_head.weight == model.model.embed_tokens.weight).all()


def test_a_checkpoint_that_would_misbehave_is_not_let_through(
    converted: Path, tmp_path: Path
) -> None:
    for path in converted.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match="chat template"):
        check(tmp_path)
