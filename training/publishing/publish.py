"""Publishing: what was trained is converted, checked, written down and put on the shelf."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.errors import BadInput, NotServable
from training.findings import Finding
from training.publishing import lora
from training.publishing.card import card
from training.publishing.convert import Converted, servable
from training.publishing.identity import Tokenizing, compare
from training.publishing.lineage import Lineage, check_base
from training.publishing.preflight import inspect
from training.publishing.shelf import RECORD, Published, Shelf
from training.publishing.trial import PROMPTS, Sample, try_out
from training.publishing.trial import findings as trial_findings
from training.tuning.base import load_tokenizer
from training.tuning.run_folder import RunFolder
from training.tuning.template import ServedTemplate
from training.types import Progress

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be published, and what is known of it.

    `initial` is the adapter before its first step, which PiSSA and its like need. `judged` is
    the short form of an evaluation (`judged.short_report`), shown on the card.
    """

    source: Path
    name: str
    lineage: Lineage
    title: str = ""
    initial: Path | None = None
    judged: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """What is tried before an adapter is put on the shelf, besides its files: its answers to
    `prompts` (none: the base is not loaded), and whether `engine` makes the same tokens."""

    prompts: Sequence[str] = PROMPTS
    engine: Tokenizing | None = None


def publish(
    draft: Draft,
    shelf: Shelf,
    base: Path,
    checks: Checks | None = None,
    progress: Progress | None = None,
) -> Published:
    """A new version, current at once; `base` is the model it was trained on.

    The same content under the same name again is the version that is there, made current.
    Raises NotServable, MissingBase, BadInput, EngineUnreachable; then nothing has changed.
    """
    check_base(draft.name, draft.lineage, base)
    made: list[tuple[Converted, Checked]] = []

    def tell(done: int, note: str) -> None:
        if progress:
            progress(done, 3, note)

    def make(folder: Path) -> None:
        name = draft.lineage.base.name
        tell(0, "转换")
        told = servable(draft.source, folder, initial=draft.initial, base=base, base_name=name)
        refuse(draft.name, inspect(folder))
        tell(1, "在底座上试答")
        seen = check(folder, base, checks or Checks())
        refuse(draft.name, seen.findings)
        made.append((told, seen))
        tell(2, "上架")

    def finish(folder: Path, version: int) -> str:
        content = content_of(folder)
        known = next((v for v in shelf.versions(draft.name) if _same(v, content, draft)), None)
        if known is not None:
            raise _Known(known)
        record = _record(draft, folder, version, *made[0])
        (folder / RECORD).write_text(_json(record), "utf-8")
        named = f"{draft.name}-v{version}-{content}"
        (folder / "README.md").write_text(card(record, named), "utf-8")
        return content

    try:
        published = shelf.put(draft.name, make, finish)
    except _Known as known:
        published = known.published
        shelf.point(published)
    tell(3, "已发布")
    return published


class _Known(Exception):
    """The very same adapter is published already."""

    def __init__(self, published: Published) -> None:
        self.published = published


def _same(published: Published, content: str, draft: Draft) -> bool:
    """The same numbers on the same base. What is said of them may differ and is kept as it was."""
    base = published.record.get("base", {}).get("sha256")
    return published.folder.name.endswith(f"-{content}") and base == draft.lineage.base.sha256


@dataclass(frozen=True, slots=True)
class Checked:
    findings: tuple[Finding, ...] = ()
    samples: tuple[Sample, ...] = ()


def check(adapter: Path, base: Path, checks: Checks) -> Checked:
    """Base and adapter side by side; training's prompts and the engine's. Raises MissingBase,
    NotServable, EngineUnreachable."""
    findings: list[Finding] = []
    samples: tuple[Sample, ...] = ()
    if checks.prompts:
        trial = try_out(adapter, base, checks.prompts)
        findings, samples = trial_findings(trial), trial.samples
    if checks.engine is not None:
        template = ServedTemplate(*load_tokenizer(base))
        findings = [*findings, compare(template, checks.engine)]
    return Checked(tuple(findings), samples)


def refuse(name: str, findings: Iterable[Finding]) -> None:
    """Raises NotServable with every finding that stops."""
    stops = [each.sentence for each in findings if each.level == "stop"]
    if stops:
        raise NotServable(f"适配器 {name} 不能发布：{''.join(stops)}")


def content_of(folder: Path) -> str:
    """8 hex digits of what vLLM reads: the numbers and their configuration."""
    digest = hashlib.sha256()
    for name in (lora.CONFIG, lora.WEIGHTS):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:8]


def _record(
    draft: Draft, folder: Path, version: int, told: Converted, seen: Checked
) -> dict[str, Any]:
    targets = lora.read_config(folder).get("target_modules") or []
    return {
        "format": FORMAT,
        "name": draft.name,
        "version": version,
        "title": draft.title or draft.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **draft.lineage.to_json(),
        "recipe": without_places(draft.lineage.recipe, draft.lineage.base.name),
        "judged": dict(draft.judged) if draft.judged else None,
        "rank": told.rank,
        "served_rank": told.served_rank,
        "bytes": told.bytes,
        "target_modules": sorted([targets] if isinstance(targets, str) else targets),
        "notes": list(told.notes),
        "checks": [each.to_json() for each in seen.findings],
        "samples": [asdict(each) for each in seen.samples],
    }


def without_places(recipe: Mapping[str, Any], base: str) -> dict[str, Any]:
    """A recipe that can be given to others: names where paths of this machine stood."""
    told = dict(recipe)
    if "base" in told:
        told["base"] = base
    for key in ("held_out", "continue_from"):
        if isinstance(told.get(key), str):
            told[key] = Path(told[key]).name
    if isinstance(told.get("data"), list | tuple):
        told["data"] = [dict(each) | {"path": Path(each["path"]).name} for each in told["data"]]
    return told


def _json(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def draft_of_run(run: Path, *, name: str = "", title: str = "", step: int | None = None) -> Draft:
    """What a run left: its adapter, or the checkpoint of a step; its lineage, its recipe's name.

    Raises BadInput without a lineage or such a step, NotServable where there is no adapter.
    """
    lineage, folder = Lineage.read(run), RunFolder(run)
    source = folder.adapter if step is None else _checkpoint(folder, step)
    if not (source / lora.CONFIG).is_file():
        raise NotServable(
            f"训练 {run.name} 没有留下适配器：它还没有结束，或练的是整个模型"
            "（整个模型用 yanchi serve --model 直接服务）。"
        )
    return Draft(
        source=source,
        name=name or str(lineage.recipe.get("name") or run.name),
        lineage=replace(lineage, run=lineage.run or run.name),
        title=title,
        initial=folder.initial_adapter if folder.initial_adapter.is_dir() else None,
    )


def _checkpoint(run: RunFolder, step: int) -> Path:
    for each in run.checkpoints():
        if each.step == step:
            return each.path
    known = "、".join(str(each.step) for each in run.checkpoints()) or "一个也没有"
    raise BadInput(f"训练 {run.path.name} 没有第 {step} 步的存档；有：{known}")
