"""A whole Qwen3 in miniature: random weights, a real tokenizer, a real chat template.

Made here from nothing, so the engine tests never need a download. Only its text is nonsense.
"""

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen3ForCausalLM

from training.tiny_base import make_base

SENTENCES = (
    "天色将晚，江上起了薄雾，渡口的灯一盏一盏亮起来。",
    "她把信折好，压在砚台底下，没有再看一眼。",
    "“你当真要走？”老人放下酒杯，声音低得几乎听不见。",
    "城门外的官道上，一队人马正缓缓而来，旗上写着一个“沈”字。",
    "雨下了整整三日，井水涨到了第二级石阶。",
    "他想起十年前的那个冬天，父亲也是这样站在雪里，一句话也不说。",
)

# The turn structure of Qwen3's published template, with its switch for thinking.
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}"
)


def make_model(directory: Path) -> Path:
    """Two layers, hidden size 64: about 0.2 M parameters, float32."""
    return make_base(directory, SENTENCES * 4, CHAT_TEMPLATE)


def make_adapter(model: Path, directory: Path, *, rank: int = 8, seed: int = 11) -> Path:
    """A LoRA with large random weights, so that its text surely differs from the base's."""
    torch.manual_seed(seed)
    base = Qwen3ForCausalLM.from_pretrained(model)
    lora = get_peft_model(
        base,
        LoraConfig(
            r=rank,
            lora_alpha=2 * rank,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"],
            task_type="CAUSAL_LM",
        ),
    )
    for name, parameter in lora.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    lora.save_pretrained(directory)
    return directory
