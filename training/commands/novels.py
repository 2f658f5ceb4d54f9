"""`yanchi data novel` and `chunks`: books to chunks, and chunks to what is asked for them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from training.commands.building import (
    Files,
    NewName,
    Replace,
    System,
    SystemFile,
    store,
    system_text,
)
from training.commands.common import AsJson, DataDir, ProgressJson, print_json, say, sentences
from training.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.novels.chunks import Chunk
    from training.types import Item, Refusal

Length = Annotated[int, typer.Option(help="一段大约多少字，断在句末。", min=1)]
Maximum = Annotated[
    int | None,
    typer.Option(help="一段最多多少字；默认多四分之一。", min=1, show_default=False),
]


def novel(
    files: Files,
    name: NewName,
    task: Annotated[
        list[str],
        typer.Option(
            help="续写、扩写、改写、按梗概写、开篇，可以写几次；或者 原文（继续预训练）。"
        ),
    ] = ["续写"],  # noqa: B006
    length: Length = 800,
    maximum: Maximum = None,
    before: Annotated[int, typer.Option(help="前文最多多少字。", min=1)] = 1600,
    across: Annotated[
        bool, typer.Option("--across", help="一章的第一段接着上一章的结尾。")
    ] = False,
    format: Annotated[
        Literal["apart", "joined"],
        typer.Option(help="apart：指令在系统的位置，输入是用户的话；joined：指令和输入合成一句。"),
    ] = "apart",
    made: Annotated[
        Path | None,
        typer.Option(
            help='各段的梗概和草稿，一行一个 {"id", "summary", "draft"}。',
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    instruction: Annotated[
        str | None, typer.Option(help="自己的指令模板（Jinja）。", show_default=False)
    ] = None,
    input: Annotated[
        str | None, typer.Option(help="自己的输入模板（Jinja）。", show_default=False)
    ] = None,
    shortest: Annotated[int, typer.Option(help="不到这么多字的段落不学。", min=1)] = 100,
    system: System = "",
    system_file: SystemFile = None,
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """小说变成训练数据：切成段，一段一问。"""
    with sentences(as_json):
        from training.data.store import Source
        from training.novels.made import read_made
        from training.novels.pairs import Wanted, pairs, plain
        from training.novels.tasks import PLAIN, task_of

        if PLAIN in task and len(task) > 1:
            raise BadInput("“原文”不能和别的任务放在一个数据集里，请分开做。", field="task")
        refusals: list[Refusal] = []
        chunks, hashes = books(files, length, maximum)
        items: Iterator[Item]
        if task == [PLAIN]:
            items = plain(chunks)
        else:
            wanted = Wanted(
                [task_of(each, instruction, input) for each in task],
                format, before, across, shortest, system_text(system, system_file),
            )  # fmt: skip
            told = read_made(made, chunks, refusals) if made is not None else {}
            items = pairs(chunks, wanted, told, refusals)
        store(
            name,
            items,
            command="data novel",
            options={
                "task": task, "length": length, "maximum": maximum, "before": before,
                "across": across, "format": format, "made": made.name if made else None,
                "instruction": instruction, "input": input, "shortest": shortest,
            },
            sources=[Source(path.name, each) for path, each in zip(files, hashes, strict=True)],
            refusals=refusals,
            report={"books": len(files), "chunks": len(chunks)},
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )  # fmt: skip


def chunks(
    files: Files,
    to: Annotated[
        Path,
        typer.Option(help="写到这个文件：一行一段，带 id。", dir_okay=False, show_default=False),
    ],
    length: Length = 800,
    maximum: Maximum = None,
    as_json: AsJson = False,
) -> None:
    """把小说切成段，存成 JSONL，好为每一段生成梗概。"""
    with sentences(as_json):
        from training.novels.chunks import write_chunks

        found, _ = books(files, length, maximum)
        write_chunks(to, found)
        longest = max((len(each.text) for each in found), default=0)
        if as_json:
            print_json({"file": str(to), "chunks": len(found), "longest": longest})
        else:
            say(f"{len(found)} 段，最长 {longest} 字，在 {to}。")


commands: list[Callable[..., None]] = [novel, chunks]


def books(
    files: "Sequence[Path]", length: int, maximum: int | None
) -> "tuple[list[Chunk], list[str]]":
    """(the chunks of all books, the SHA-256 of each file). Raises BadInput where there are none."""
    import hashlib

    from retrieval.readers import read_book
    from training.novels.chunks import chunks_of

    found: list[Chunk] = []
    hashes: list[str] = []
    for path in files:
        data = path.read_bytes()
        hashes.append(hashlib.sha256(data).hexdigest())
        own = list(chunks_of(read_book(data, path.name), length, maximum))
        if not own:
            raise BadInput("里面没有正文", file=path)
        found += own
    return found, hashes
