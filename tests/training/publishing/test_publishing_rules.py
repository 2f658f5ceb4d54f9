"""One table of adapters: training, the server and vLLM itself say the same of each."""

from typing import Any, get_args

import pytest

from server.engines import lora as servers
from training.publishing import rules

PLAIN = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
TAKEN: list[dict[str, Any]] = [
    {},
    {"r": 5},
    {"r": 64},
    {"use_rslora": True},
    {"init_lora_weights": "gaussian"},
    {"init_lora_weights": "EVA"},
    {"init_lora_weights": False},
    {"rank_pattern": {"q_proj": 64}},
    {"modules_to_save": []},
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"r": 0}, "缺少"),
    ({"r": None}, "缺少"),
    ({"lora_alpha": None}, "缺少"),
    ({"target_modules": None}, "缺少"),
    ({"rank_pattern": {"q_proj": 0}}, "缺少"),
    ({"r": 65}, "超过了引擎的上限 64"),
    ({"rank_pattern": {"q_proj": 128}}, "秩 128"),
    ({"init_lora_weights": "pissa"}, "pissa"),
    ({"init_lora_weights": "PiSSA_niter_4"}, "PiSSA_niter_4"),
    ({"init_lora_weights": "olora"}, "olora"),
    ({"use_dora": True}, "DoRA"),
    ({"bias": "all"}, "偏置"),
    ({"lora_bias": True}, "偏置"),
    ({"modules_to_save": ["lm_head"]}, "整个模块"),
    ({"alora_invocation_tokens": [1]}, "aLoRA"),
    ({"layer_replication": [[0, 2]]}, "层复制"),
    ({"use_bdlora": {"nblocks": 2}}, "BD-LoRA"),
    ({"use_qalora": True}, "QALoRA"),
]


def taken_by_vllm(config: dict[str, Any]) -> bool:
    from vllm.lora.peft_helper import PEFTHelper

    given = {key: value for key, value in config.items() if value is not None}
    try:
        PEFTHelper.from_dict(given).validate_legal(_Limit())  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False
    return True


class _Limit:
    """The one thing that vLLM's check reads of its configuration."""

    max_lora_rank = 64


@pytest.mark.parametrize("config", TAKEN, ids=str)
def test_what_all_three_take(config: dict[str, Any]) -> None:
    whole = PLAIN | config
    assert taken_by_vllm(whole)
    assert rules.problems(whole, 64) == servers._problems(whole, 64) == []


@pytest.mark.parametrize(("config", "words"), REFUSED, ids=str)
def test_what_all_three_refuse(config: dict[str, Any], words: str) -> None:
    whole = PLAIN | config
    assert not taken_by_vllm(whole)
    said = rules.problems(whole, 64)
    assert words in "；".join(said)
    assert said == servers._problems(whole, 64)


def test_another_kind_of_adapter_is_refused() -> None:
    """vLLM looks at no peft_type: such an adapter's tensors would have names it does not know."""
    said = rules.problems(PLAIN | {"peft_type": "IA3"})
    assert said == servers._problems(PLAIN | {"peft_type": "IA3"}, 512) == ["它不是 LoRA 适配器"]


def test_the_ranks_are_vllms_own() -> None:
    from vllm.config.lora import MaxLoRARanks

    assert get_args(MaxLoRARanks) == rules.RANKS == servers.RANKS
    for rank in range(1, 600):
        assert rules.served_rank(rank) == servers.served_rank(rank) >= min(rank, 512)


LAYER = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "没有任何张量"),
        ([f"{LAYER}.lora_A.weight", "base_model.model.lm_head.lora_A.weight"], "lm_head"),
        (["base_model.model.model.embed_tokens.lora_embedding_A"], "embed_tokens"),
        ([f"{LAYER}.lora_magnitude_vector"], "lora_magnitude_vector"),
        ([f"{LAYER}.lora_B.bias"], "lora_B.bias"),
    ],
)
def test_tensors_that_make_an_adapter_unservable(names: list[str], words: str) -> None:
    assert words in "".join(rules.tensor_problems(names))
    assert not rules.tensor_problems([f"{LAYER}.lora_A.weight", f"{LAYER}.lora_B.weight"])
