"""Publishing: what was trained is converted, checked, written down and put on the shelf."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.errors import NotServable
from training.findings import Finding
from training.judging.model import load_template
from training.publishing import lora
from training.publishing.card import card
from training.publishing.convert import Converted, servable
from training.publishing.identity import Tokenizing, compare
from training.publishing.lineage import Lineage, check_base
from training.publishing.preflight import inspect
from training.publishing.shelf import RECORD, Published, Shelf
from training.publishing.trial import PROMPTS, Sample, try_out
from training.publishing.trial import findings as trial_findings

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


def publish(draft: Draft, shelf: Shelf, base: Path, checks: Checks | None = None) -> Published:
    """A new version, current at once; `base` is the model it was trained on.

    The same content under the same name again is the version that is there, made current.
    Raises NotServable, MissingBase, BadInput, EngineUnreachable; then nothing has changed.
    """
    check_base(draft.name, draft.lineage, base)
    made: list[tuple[Converted, Checked]] = []

    def make(folder: Path) -> None:
        name = draft.lineage.base.name
        told = servable(draft.source, folder, initial=draft.initial, base=base, base_name=name)
        refuse(draft.name, inspect(folder))
        seen = check(folder, base, checks or Checks())
        refuse(draft.name, seen.findings)
        made.append((told, seen))

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
        return shelf.put(draft.name, make, finish)
    except _Known as known:
        shelf.point(known.published)
        return known.published


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
        findings = [*findings, compare(load_template(base), checks.engine)]
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
        "judged": dict(draft.judged) if draft.judged else None,
        "rank": told.rank,
        "served_rank": told.served_rank,
        "bytes": told.bytes,
        "target_modules": sorted([targets] if isinstance(targets, str) else targets),
        "notes": list(told.notes),
        "checks": [each.to_json() for each in seen.findings],
        "samples": [asdict(each) for each in seen.samples],
    }


def _json(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def draft_of_run(run: Path, *, name: str = "", title: str = "") -> Draft:
    """What a finished run left: its adapter, its lineage, its recipe's name."""
    lineage = Lineage.read(run)
    if not (run / "adapter" / lora.CONFIG).is_file():
        raise NotServable(
            f"训练 {run.name} 没有留下适配器：它还没有结束，或练的是整个模型"
            "（整个模型用 yanchi serve --model 直接服务）。"
        )
    initial = run / "initial"
    return Draft(
        source=run / "adapter",
        name=name or str(lineage.recipe.get("name") or run.name),
        lineage=replace(lineage, run=lineage.run or run.name),
        title=title,
        initial=initial if initial.is_dir() else None,
    )
