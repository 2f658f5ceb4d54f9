"""`yanchi data context`: a book's passages, each with the prompt that the desk would send."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.building import Files, NewName, Replace, store
from training.commands.common import (
    AsJson,
    DataDir,
    ProgressJson,
    data_dir_for,
    sentences,
)
from training.commands.novels import Length, Maximum, books
from training.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from retrieval.types import TokenCounter
    from training.context import Wanted
    from training.novels.made import Made
    from training.types import Chat

Share = Annotated[float, typer.Option(help="这样的例子占多少份。", min=0.0)]


def context(
    files: Files,
    name: NewName,
    base: Annotated[
        str,
        typer.Option(
            help="按哪个底座的分词数长短：目录或名字；默认 $YANCHI_SERVED_PATH。",
            show_default=False,
        ),
    ] = "",
    limit: Annotated[int, typer.Option(help="提示最多多少词元，和书桌上一样。", min=512)] = 2048,
    found: Share = 0.6,
    distracted: Share = 0.2,
    empty: Share = 0.2,
    made: Annotated[
        Path | None,
        typer.Option(
            help="各段的梗概（summaries 做的），当作本段要求。",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    length: Length = 800,
    maximum: Maximum = None,
    shortest: Annotated[int, typer.Option(help="不到这么多字的段落不学。", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="换一个数，换一种搭配。", min=0)] = 0,
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """小说变成带检索的续写：提示和书桌上的一样，只看得到前文；掺进无关的段落，也有什么都没找到的。"""
    with sentences(as_json):
        from training.context import Shares, Wanted
        from training.data.store import Source
        from training.novels.made import read_made
        from training.types import Refusal

        refusals: list[Refusal] = []
        chunks, hashes = books(files, length, maximum)
        told: Mapping[str, Made] = read_made(made, chunks, refusals) if made is not None else {}
        shares = Shares(found, distracted, empty)
        wanted = Wanted(limit, shares, told, shortest, seed)
        counter = _counter(base, data_dir)
        kinds: dict[str, int] = {}
        store(
            name,
            _examples(files, wanted, counter, kinds, (length, maximum)),
            command="data context",
            options={
                "limit": limit, "found": found, "distracted": distracted, "empty": empty,
                "made": made.name if made else None, "length": length, "maximum": maximum,
                "shortest": shortest, "seed": seed,
            },
            sources=[Source(path.name, each) for path, each in zip(files, hashes, strict=True)],
            refusals=refusals,
            report=kinds,
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )  # fmt: skip


commands: list[Callable[..., None]] = [context]


def _counter(base: str, data_dir: Path | None) -> "TokenCounter":
    from training.judging.model import load_template
    from training.judging.prompting import Counter
    from training.publishing.bases import find_base

    named = base or os.environ.get("YANCHI_SERVED_PATH", "")
    if not named:
        raise BadInput("请用 --base 说明按哪个底座的分词数长短。", field="base")
    return Counter(load_template(find_base(named, data_dir_for(data_dir))))


def _examples(
    files: "Sequence[Path]",
    wanted: "Wanted",
    tokens: "TokenCounter",
    kinds: dict[str, int],
    cut: "tuple[int, int | None]",
) -> "Iterator[Chat]":
    """Book by book; counts in `kinds` how many have which passages. `cut` is how long chunks
    are and may be."""
    import tempfile

    from retrieval.readers import read_book
    from retrieval.static_model import LightEmbeddings
    from training.context import Context
    from training.judging.recall import EMBEDDER
    from training.novels.chunks import chunks_of

    embeddings = LightEmbeddings(EMBEDDER)
    for path in files:
        book = read_book(path.read_bytes(), path.name)
        with tempfile.TemporaryDirectory() as folder:
            context = Context(book, Path(folder), embeddings)
            for chat in context.examples(list(chunks_of(book, *cut)), wanted, tokens):
                kind = chat.origin.made_by.rpartition(" ")[2]
                kinds[kind] = kinds.get(kind, 0) + 1
                yield chat
