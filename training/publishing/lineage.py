"""What an adapter comes from: base, data, template, recipe; and whether it belongs to a base."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from training.errors import BadInput, MissingBase
from training.publishing.fingerprint import Fingerprint, fingerprint

NAME = "lineage.json"


@dataclass(frozen=True, slots=True)
class DataUsed:
    """`digest` is the data set's identity (`training.data.store.DataSet.digest`)."""

    name: str
    digest: str
    rows: int


@dataclass(frozen=True, slots=True)
class Lineage:
    """`template` is the digest of the chat template it was trained through; empty for
    continued pre-training, which sees no template."""

    base: Fingerprint
    template: str = ""
    data: tuple[DataUsed, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""

    def to_json(self) -> dict[str, Any]:
        base = {key: value for key, value in asdict(self.base).items() if key != "template"}
        return {
            "base": base,
            "template": self.template,
            "data": [asdict(each) for each in self.data],
            "recipe": dict(self.recipe),
            "run": self.run,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Lineage":
        """Raises BadInput; fields that are not ours are passed over."""
        try:
            known = {key: str(told["base"].get(key, "")) for key in Fingerprint.__slots__}
            return cls(
                base=Fingerprint(**known | {"sha256": str(told["base"]["sha256"])}),
                template=str(told.get("template") or ""),
                data=tuple(
                    DataUsed(str(d["name"]), str(d["digest"]), int(d["rows"]))
                    for d in told.get("data", ())
                ),
                recipe=dict(told.get("recipe") or {}),
                run=str(told.get("run") or ""),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"适配器的来历记录不完整（{error}）") from error

    def write(self, folder: Path) -> None:
        text = json.dumps(self.to_json(), ensure_ascii=False, indent=2)
        (folder / NAME).write_text(text + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Lineage":
        """Raises BadInput where the folder has no lineage, or not a whole one."""
        try:
            told = json.loads((folder / NAME).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(f"这里没有可读的 {NAME}", file=folder) from error
        return cls.from_json(told if isinstance(told, dict) else {})


def trace(
    base: Path,
    *,
    method: str = "sft",
    data: tuple[DataUsed, ...] = (),
    recipe: Mapping[str, Any] | None = None,
    run: str = "",
) -> Lineage:
    """The lineage of what is being trained on `base` now. Raises MissingBase."""
    found = fingerprint(base)
    template = "" if method == "pretrain" else found.template
    return Lineage(found, template, data, recipe or {}, run)


def check_base(adapter: str, lineage: Lineage, base: Path) -> None:
    """Raises MissingBase, naming both, when `base` is not what the adapter was trained on."""
    found = fingerprint(base)
    if lineage.base.sha256 != found.sha256:
        raise MissingBase(
            f"适配器 {adapter} 是在“{lineage.base.name}”上训练的，"
            f"而 {base} 是“{found.name}”（{lineage.base.difference(found)}不同），请换回原来的底座。"
        )
    if lineage.template and lineage.template != found.template:
        raise MissingBase(
            f"适配器 {adapter} 训练时的对话模板与“{found.name}”现在的不同，"
            "请换回原来的 chat_template，或用现在的模板重新训练。"
        )
