"""`yanchi train`: a recipe becomes a run, and a run that was stopped goes on."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

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
from training.errors import BadInput, BadRecipe
from training.tuning.config import Recipe
from training.tuning.run_folder import RunFolder
from training.types import Progress

SAYS = "按配方训练，或接着练一次停下的训练；Ctrl+C 存档后停下。"
SAID = {"note": "记录", "warning": "提醒"}
"""Of a run's log: what a person is told when it has ended, rows that were left out among it."""
SHIPPED = Path(__file__).parent.parent / "recipes"

app = typer.Typer(help=SAYS)


@app.command(help=SAYS)
def train(
    recipe: Annotated[
        str | None,
        typer.Argument(help="配方文件，或自带配方的名字，如 cpu-tiny。", show_default=False),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", help="接着练：一次训练的目录或编号。", show_default=False),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", help="记录放在这里（默认 runs/ 下新建）。", show_default=False),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    if (recipe is None) == (resume is None):
        raise typer.BadParameter("要么给出配方，要么用 --resume 给出一次训练。")
    with sentences(as_json), progress("训练", progress_json) as advance:
        root = data_dir_for(data_dir)
        run = _trained(recipe, resume, run_dir, root, advance)
        if _is_main():
            _tell(run, as_json)


def find_recipe(wanted: str) -> Path:
    """A file, or the name of a recipe that comes along. Raises BadRecipe."""
    shipped = SHIPPED / f"{wanted}.yaml"
    for path in (Path(wanted).expanduser(), shipped):
        if path.is_file():
            return path
    names = "、".join(sorted(each.stem for each in SHIPPED.glob("*.yaml")))
    raise BadRecipe(f"没有配方“{wanted}”；自带的有：{names}。")


def find_run(wanted: str, data_dir: Path) -> Path:
    """A folder, or the name of one under `<data-dir>/runs/`. Raises BadInput."""
    for path in (Path(wanted).expanduser(), data_dir / "runs" / wanted):
        if (path / "status.json").is_file():
            return path
    raise BadInput(f"没有训练“{wanted}”：它不是训练的目录，{data_dir / 'runs'} 里也没有它。")


def _trained(
    recipe: str | None, resume: str | None, run_dir: Path | None, root: Path, advance: Progress
) -> RunFolder:
    # Seconds to import: wrong names are told before.
    if recipe is not None:
        wanted = Recipe.read(find_recipe(recipe))
        from training.tuning.run import start

        return start(wanted, root, at=run_dir.absolute() if run_dir else None, progress=advance)
    folder = find_run(str(resume), root)
    from training.tuning.run import resume as go_on

    return go_on(folder, root, progress=advance)


def _is_main() -> bool:
    from accelerate import PartialState

    return bool(PartialState().is_main_process)


def _tell(run: RunFolder, as_json: bool) -> None:
    status = run.status()
    left = next((each for each in (run.adapter, run.model) if each.is_dir()), None)
    if as_json:
        told: dict[str, Any] = json.loads(json.dumps(asdict(status)))
        print_json({"run": str(run.path), "left": str(left) if left else None, **told})
        return
    words = "练完了" if status.state == "done" else "停下了，用 --resume 接着练"
    say(f"{words}：{run.path.name}。{status.message}")
    for entry in run.entries():
        if entry["type"] in SAID:
            say(f"{SAID[entry['type']]}：{entry['message']}")
    if left is not None:
        say(f"留在 {left}")
