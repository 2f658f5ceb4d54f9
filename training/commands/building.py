"""What the commands that make data sets out of texts share: their options and their last words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.commands.common import data_dir_for, print_json, progress, say
from training.errors import BadInput

if TYPE_CHECKING:
    from training.data.store import Source
    from training.types import Item, Progress, Refusal

Files = Annotated[
    list[Path],
    typer.Argument(help="一个或几个文件。", exists=True, dir_okay=False, show_default=False),
]
NewName = Annotated[
    str, typer.Option("--name", help="新数据集的名字，或者它的目录。", show_default=False)
]
Replace = Annotated[bool, typer.Option("--replace", help="同名的数据集已经有了就替换它。")]
System = Annotated[
    str, typer.Option(help="系统提示，{role} 换成名字；默认没有。", show_default=False)
]
SystemFile = Annotated[
    Path | None,
    typer.Option(help="系统提示写在这个文件里。", exists=True, dir_okay=False, show_default=False),
]


def system_text(system: str, file: Path | None) -> str:
    """The system prompt of the two options. Raises BadInput where both are given."""
    if system and file is not None:
        raise BadInput("--system 和 --system-file 只能给一个。")
    return file.read_text("utf-8").strip() if file is not None else system


def store(
    name: str,
    items: "Iterable[Item]",
    *,
    command: str,
    options: Mapping[str, Any],
    sources: "Iterable[Source]",
    refusals: "Sequence[Refusal]",
    report: Mapping[str, Any],
    data_dir: Path | None,
    replace: bool,
    as_json: bool,
    progress_json: bool,
) -> None:
    """Save the items as a data set, telling how many are made, and say what came of it."""
    from training.data.store import made_by, new_folder, save

    folder = new_folder(name, data_dir_for(data_dir))
    with progress(f"做“{folder.name}”", progress_json) as advance:
        card = save(
            folder,
            _counted(items, advance),
            name=folder.name,
            made=made_by(command, **options),
            sources=sources,
            refusals=refusals,
            report=report,
            replace_old=replace,
        )
        rows = card.rows + card.held_out_rows
        advance(rows, rows)
    if as_json:
        print_json({"folder": str(folder), **card.to_json()})
        return
    say(f"数据集“{card.name}”有 {card.rows} 条，在 {folder}。")
    if refusals:
        first = refusals[0]
        where = BadInput(first.reason, file=first.source, row=first.row, field=first.field)
        say(f"没有收进来的有 {len(refusals)} 处，第一处：{where}")


def _counted(items: "Iterable[Item]", advance: "Progress") -> "Iterator[Item]":
    for number, item in enumerate(items, 1):
        advance(number, 0)
        yield item
