"""A recipe: everything a run needs to know, typed; written in YAML, refused with the key's name.

Nothing here knows files or models: whether a base or a data set exists is seen when a run
begins. `Recipe.read(path)` and `Recipe.parse(mapping)` raise `BadRecipe` with one sentence for
every key that is wrong.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from training.errors import BadRecipe

Method = Literal["pretrain", "sft", "dpo", "kto"]
TuningKind = Literal["lora", "rslora", "dora", "pissa", "qlora", "full", "galore", "badam"]

ADAPTER_KINDS: frozenset[TuningKind] = frozenset({"lora", "rslora", "dora", "pissa", "qlora"})
"""The kinds whose outcome is an adapter; the others change every weight of the base."""

OWN_SYSTEM = "text:"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataPart(_Part):
    path: str
    """A data set's folder, or its bare name under `<data-dir>/datasets/`."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """How often each of its rows is seen in an epoch: 0.5 is every second one, 2 is twice."""
    split: Literal["train", "held_out"] = "train"


class Tuning(_Part):
    kind: TuningKind = "lora"
    rank: Annotated[int, Field(ge=1, le=512)] = 16
    """Of the adapter; with GaLore, of the gradients' projection."""
    alpha: Annotated[int, Field(ge=1)] = 32
    """With GaLore, the projection's scale is alpha / rank, as with LoRA."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Modules' last names, as `q_proj`; all-linear is every linear layer but the output head."""
    lora_plus_ratio: Annotated[float, Field(ge=1)] | None = None
    """LoRA+: B's learning rate over A's (its paper: 16)."""
    switch_every: Annotated[int, Field(ge=1)] = 50
    """BAdam: optimizer steps on one block of layers. GaLore: steps with one projection."""


class PreferenceLoss(_Part):
    """What DPO and KTO weigh."""

    beta: Annotated[float, Field(gt=0)] = 0.1
    sft_weight: Annotated[float, Field(ge=0)] = 0.2
    """Of the mean loss over the chosen answers' tokens: keeps their likelihood from sinking."""
    desirable_weight: Annotated[float, Field(ge=0)] = 1.0
    undesirable_weight: Annotated[float, Field(ge=0)] = 1.0


def _parts(value: object) -> object:
    """`data: name` and `data: [name]` are short for `data: [{path: name}]`."""
    values = value if isinstance(value, list | tuple) else [value]
    return [{"path": each} if isinstance(each, str) else each for each in values]


def _system(value: object) -> object:
    """`system: {text: …}` is how YAML says `system: "text: …"` without quotes."""
    if isinstance(value, Mapping) and set(value) == {"text"}:
        return f"{OWN_SYSTEM} {value['text']}"
    return value


class Recipe(_Part):
    name: Annotated[str, StringConstraints(pattern=NAME)]
    """Of the adapter to be: letters, digits, `-`, `_`."""
    base: str
    """A folder with weights, the name of an installed model, or a model hub's id."""
    method: Method = "sft"
    data: Annotated[tuple[DataPart, ...], BeforeValidator(_parts), Field(min_length=1)]
    held_out: Annotated[float, Field(gt=0, lt=0.5)] | str | None = None
    """A data set's path, or a share of the rows drawn by `seed` (books stay together). None:
    what the data sets themselves held out."""
    system: Annotated[str, BeforeValidator(_system)] = "keep"
    """`keep` each row's own; `none`; `served`: what the served template puts where there is
    none; `text: …` for every row."""
    tuning: Tuning = Tuning()
    length: Annotated[int, Field(ge=16)] = 1024
    """Tokens of the longest example."""
    too_long: Literal["refuse", "cut"] = "refuse"
    """What becomes of conversations over `length`: left out, or their end cut off. Both are
    counted and said. Texts for `pretrain` are always cut into pieces without loss."""
    packing: bool = False
    """Several examples in one row of `length` tokens, none seeing another."""
    epochs: Annotated[float, Field(gt=0)] = 3.0
    steps: Annotated[int, Field(ge=1)] | None = None
    """Optimizer steps; given, it stands instead of `epochs`."""
    batch: Annotated[int, Field(ge=1)] = 1
    """Examples (or packed rows) a device computes at once."""
    accumulate: Annotated[int, Field(ge=1)] = 8
    """Batches to one optimizer step."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    schedule: Literal["linear", "cosine", "constant"] = "cosine"
    warmup: Annotated[float, Field(ge=0)] = 0.03
    """Below 1: a share of all steps; from 1: steps."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip: Annotated[float, Field(gt=0)] = 1.0
    """The gradient's largest norm."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    dtype: Literal["auto", "bf16", "fp32"] = "auto"
    """auto: bf16 where the device computes it natively, else fp32."""
    checkpoint_activations: bool = False
    """Less memory for a third more computing."""
    evaluate_every: Annotated[int, Field(ge=1)] = 50
    sample_every: Annotated[int, Field(ge=0)] = 0
    """Steps between sampled texts; 0 for none."""
    sample_prompts: tuple[str, ...] = ()
    """What is asked (sft, dpo, kto) or gone on from (pretrain). Empty: from what is held out."""
    sample_tokens: Annotated[int, Field(ge=1, le=2048)] = 96
    save_every: Annotated[int, Field(ge=1)] = 50
    keep: Annotated[int, Field(ge=1)] = 2
    """Checkpoints kept beside the best one."""
    continue_from: str | None = None
    """A folder with an adapter of the same base, or the name of a published one."""
    preference: PreferenceLoss = PreferenceLoss()

    @field_validator("system")
    @classmethod
    def _known_system(cls, value: str) -> str:
        own = value.removeprefix(OWN_SYSTEM).strip() if value.startswith(OWN_SYSTEM) else None
        if own == "" or (own is None and value not in ("keep", "none", "served")):
            raise ValueError("只能是 keep、none、served，或以“text: ”开头的一段话")
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for problem in _disagreements(self):
            raise ValueError(problem)
        return self

    @property
    def makes_adapter(self) -> bool:
        return self.tuning.kind in ADAPTER_KINDS

    @property
    def own_system(self) -> str | None:
        """The text of `system: "text: …"`."""
        if not self.system.startswith(OWN_SYSTEM):
            return None
        return self.system.removeprefix(OWN_SYSTEM).strip()

    @classmethod
    def parse(cls, given: Mapping[str, Any], *, where: str = "") -> Self:
        """Raises `BadRecipe`, a line for each key that is wrong; `where` begins its sentence."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            lines = "；".join(_sentence(each) for each in error.errors())
            raise BadRecipe(f"{where}：{lines}" if where else lines) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `BadRecipe`: no such file, not YAML, a key twice, a key that is wrong."""
        try:
            given = yaml.load(path.read_text("utf-8"), _Loader)
        except (OSError, UnicodeDecodeError) as error:
            raise BadRecipe(f"读不了配方 {path}：{error}") from error
        except yaml.YAMLError as error:
            raise BadRecipe(f"{path.name} 不是合格的 YAML：{error}") from error
        if not isinstance(given, dict):
            raise BadRecipe(f"{path.name} 里应是一组“键: 值”。")
        return cls.parse(given, where=path.name)

    def yaml(self) -> str:
        """With every default filled in; `parse` gives the same recipe back."""
        return yaml.safe_dump(self.model_dump(mode="json"), allow_unicode=True, sort_keys=False)


def _disagreements(recipe: Recipe) -> list[str]:
    """Sentences for keys that are each right and wrong together."""
    kind, problems = recipe.tuning.kind, []
    if recipe.tuning.lora_plus_ratio is not None and not recipe.makes_adapter:
        problems.append(f"tuning.lora_plus_ratio 只用于 LoRA 一类，{kind} 没有 A、B 两个矩阵")
    if recipe.continue_from is not None and not recipe.makes_adapter:
        problems.append(f"continue_from 接着训练一个适配器，{kind} 改的却是底座的全部权重")
    if recipe.continue_from is not None and kind == "pissa":
        problems.append("pissa 从底座的主成分起步，不能接着已有的适配器；请改用 lora")
    if recipe.packing and recipe.method in ("dpo", "kto"):
        problems.append(f"packing 只用于 pretrain 和 sft，{recipe.method} 的每对答案要单独算")
    if recipe.method in ("dpo", "kto") and kind == "pissa":
        problems.append(f"{recipe.method} 以训练前的模型为参照，pissa 会改动底座；请改用 lora")
    return problems


_TYPES = {
    "missing": "缺少这一项",
    "int_parsing": "应是整数",
    "int_type": "应是整数",
    "int_from_float": "应是整数",
    "float_parsing": "应是数",
    "float_type": "应是数",
    "finite_number": "应是有限的数",
    "bool_parsing": "应是 true 或 false",
    "bool_type": "应是 true 或 false",
    "string_type": "应是文字",
    "too_short": "至少要有一项",
    "tuple_type": "应是一个列表",
    "string_pattern_mismatch": "只能用英文字母、数字、- 和 _，以字母或数字开头",
}
_BOUNDS = {
    "greater_than": ("gt", "应大于"),
    "greater_than_equal": ("ge", "不能小于"),
    "less_than": ("lt", "应小于"),
    "less_than_equal": ("le", "不能大于"),
}


def _sentence(error: Any) -> str:
    """One of pydantic's errors as an author reads it."""
    kind, context = error["type"], error.get("ctx", {})
    places = [str(each) for each in error["loc"]]
    key = ".".join(places)
    if kind == "extra_forbidden":
        return f"不认识 {key}{_nearest(places)}"
    if kind == "value_error":
        return f"{key}：{context['error']}" if key else str(context["error"])
    if kind == "literal_error":
        return f"{key}：只能是 {context['expected'].replace(' or ', '、').replace(', ', '、')}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{key}：{words} {context[name]}"
    return f"{key}：{_TYPES.get(kind, error['msg'])}"


def _nearest(places: list[str]) -> str:
    """“，是否想写 learning_rate？” for the known key most like the unknown one."""
    parts: dict[str, type[BaseModel]] = {
        "data": DataPart,
        "tuning": Tuning,
        "preference": PreferenceLoss,
    }
    model = parts.get(places[0], Recipe) if len(places) > 1 else Recipe
    near = difflib.get_close_matches(places[-1], model.model_fields, n=1, cutoff=0.5)
    return f"，是否想写 {'.'.join([*places[:-1], near[0]])}？" if near else ""


class _Loader(yaml.SafeLoader):
    """YAML lets a key stand twice and the last one win; an author would look for hours."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} 写了两次", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
