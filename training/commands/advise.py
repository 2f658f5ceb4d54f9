"""`yanchi advise RECIPE`: what is to be said of a recipe before it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.common import (
    AsJson,
    DataDir,
    ProgressJson,
    data_dir_for,
    print_json,
    progress,
    say,
    sentences,
)

if TYPE_CHECKING:
    from training.advice.amounts import Amounts
    from training.advice.cost import Cost
    from training.findings import Finding
    from training.tuning.config import Recipe
    from training.types import Progress

app = typer.Typer()

MARKS = {"ok": "✓", "note": "·", "warn": "!", "stop": "✗"}


@app.command("advise")
def advise(
    recipe: Annotated[
        Path, typer.Argument(help="配方（YAML）。", exists=True, dir_okay=False, show_default=False)
    ],
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="用真的底座试跑几步，实测时间和内存。")
    ] = True,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_lines: ProgressJson = False,
) -> None:
    """训练前看一眼：数据够不够、设置合不合适、引擎收不收、要多久、放不放得下。"""
    with sentences(as_json), progress("参谋", as_lines) as advance:
        from dataclasses import replace

        from training.advice.advise import advise as look_at
        from training.advice.advise import look
        from training.advice.cost import this_machine
        from training.publishing.bases import find_base
        from training.tuning.config import Recipe

        told, folder = Recipe.read(recipe), data_dir_for(data_dir)
        base = find_base(told.base, folder)
        amounts = look(told, base, folder, advance)
        machine = this_machine(told)
        first = look_at(told, base, amounts, machine)
        failed, measured = None, None
        if probe and first.cost is not None:
            measured, failed = _probe(told, base, amounts, folder, advance)
        advice = look_at(told, base, amounts, machine, measured) if measured else first
        if failed is not None:
            advice = replace(advice, findings=(*advice.findings, failed))
        if as_json:
            print_json(advice.to_json())
        else:
            print_findings(advice.findings)
            say("有一处会让训练失败，请先改正。" if advice.level == "stop" else "可以开始训练。")


def _probe(
    recipe: "Recipe", base: Path, amounts: "Amounts", data_dir: Path, advance: "Progress"
) -> "tuple[Cost | None, Finding | None]":
    """What was measured, or what is to be said of a probe that failed: the formula stands then."""
    from training.advice.probe import probe
    from training.errors import RunFailed
    from training.findings import Finding

    try:
        return probe(recipe, base, amounts, data_dir, progress=advance), None
    except RunFailed as error:
        return None, Finding(
            "probe", "warn", str(error), says="probe.failed", facts={"reason": str(error)}
        )


def print_findings(findings: "tuple[Finding, ...] | list[Finding]") -> None:
    for each in findings:
        better = "" if each.level == "ok" or each.advised is None else f"建议：{each.advised}"
        typer.echo(f"{MARKS[each.level]} {each.sentence}{better}")
