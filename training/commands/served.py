"""`yanchi data summaries`, `dialogue`, `qa`, `augment`: what a served model makes of texts."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from training.commands import contexts
from training.commands.asking import (
    Answers,
    Asking,
    AtOnce,
    ModelName,
    Sample,
    Url,
    Variants,
    chosen,
    refusals_of,
    tell_comparison,
    tell_failures,
    told_counts,
)
from training.commands.building import Files, Replace, System, store
from training.commands.common import AsJson, DataDir, ProgressJson, print_json, say, sentences
from training.commands.novels import Length, Maximum, books
from training.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from training.novels.chunks import Chunk
    from training.served.batch import Results
    from training.served.chunk_makers import Maker, Placed
    from training.types import Chat, Refusal

T = TypeVar("T")

NewName = Annotated[
    str,
    typer.Option("--name", help="新数据集的名字，或者它的目录；试问法时不用。", show_default=False),
]


def summaries(
    files: Files,
    to: Annotated[
        Path | None,
        typer.Option(
            help='写到这个文件：一行一个 {"id", "summary", "draft"}，给 novel 的 --made 用；'
            "已有的并进去。",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="不做梗概，做改写用的平直草稿。")] = False,
    length: Length = 800,
    maximum: Maximum = None,
    variant: Variants = [],  # noqa: B006
    sample: Sample = None,
    concurrency: AtOnce = 8,
    url: Url = "",
    model: ModelName = "",
    answers: Answers = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """小说的每一段做一句梗概（不超过 50 字），或者一份平直的草稿。"""
    with sentences(as_json):
        from training.novels.made import read_made, write_made
        from training.served.chunk_makers import placed
        from training.served.summaries import DRAFTS, SUMMARIES

        maker = DRAFTS if draft else SUMMARIES
        asking = Asking(maker.name, url, model, concurrency, answers, data_dir, progress_json)
        chunks, _ = books(files, length, maximum)
        found = list(placed(chunks))
        if _tried(asking, maker, found, variant, sample, as_json=as_json):
            return
        if to is None:
            raise BadInput("请用 --to 说明写到哪个文件。", field="to")
        made = read_made(to, chunks, []) if to.exists() else {}
        results, refusals = _run(asking, maker, found, variant)
        write_made(to, chunks, made, "draft" if draft else "summary", _by_chunk(found, results))
        _tell(results, refusals, {"file": str(to), "chunks": len(found)}, as_json=as_json)


def dialogue(
    files: Files,
    role: Annotated[str, typer.Option(help="学谁说话。", show_default=False)] = "",
    name: NewName = "",
    turns: Annotated[int, typer.Option(help="每句话带多少轮前文；不出一段。", min=1)] = 4,
    alias: Annotated[
        list[str],
        typer.Option(help="别名，写成 甄嬛=莞贵人,熹贵妃；可以写几次。", show_default=False),
    ] = [],  # noqa: B006
    system: System = "",
    length: Length = 800,
    maximum: Maximum = None,
    variant: Variants = [],  # noqa: B006
    sample: Sample = None,
    concurrency: AtOnce = 8,
    url: Url = "",
    model: ModelName = "",
    answers: Answers = None,
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """小说里的对话变成一个角色的对话数据；原文里没有的话不要。"""
    with sentences(as_json):
        from training.scripts.dialogue import Wanted
        from training.scripts.speakers import Aliases
        from training.served.chunk_makers import placed
        from training.served.dialogue import DIALOGUE, chats_of

        asking = Asking("dialogue", url, model, concurrency, answers, data_dir, progress_json)
        chunks, hashes = books(files, length, maximum)
        found = list(placed(chunks))
        if _tried(asking, DIALOGUE, found, variant, sample, as_json=as_json):
            return
        _named(name)
        if not role:
            raise BadInput("请用 --role 说明学谁说话。", field="role")
        known, wanted = Aliases.told(alias, {}), Wanted(role, turns, system=system)
        results, refusals = _run(asking, DIALOGUE, found, variant)
        said = _by_chunk(found, results)
        store(
            name,
            _each(chats_of(chunk, one, wanted, known) for chunk, one in said),
            command="data dialogue",
            options={"role": role, "turns": turns, "aliases": known.table, "system": system,
                     "length": length, "variant": variant},
            sources=_sources(files, hashes),
            refusals=refusals,
            report={**results.report(), "lines": sum(len(one.lines) for _, one in said),
                    "dropped": sum(one.dropped for _, one in said),
                    "speakers": _speakers(said)},
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )  # fmt: skip


def qa(
    files: Files,
    name: NewName = "",
    closed: Annotated[
        bool, typer.Option("--closed", help="提问时不给原文：学的是书里的事。")
    ] = False,
    length: Length = 800,
    maximum: Maximum = None,
    variant: Variants = [],  # noqa: B006
    sample: Sample = None,
    concurrency: AtOnce = 8,
    url: Url = "",
    model: ModelName = "",
    answers: Answers = None,
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """文本变成问答：每个回答引一句原文，引文在原文里找不到的不要。"""
    with sentences(as_json):
        from training.served.chunk_makers import placed
        from training.served.questions import QUESTIONS, chats_of

        asking = Asking("questions", url, model, concurrency, answers, data_dir, progress_json)
        chunks, hashes = books(files, length, maximum)
        found = list(placed(chunks))
        if _tried(asking, QUESTIONS, found, variant, sample, as_json=as_json):
            return
        _named(name)
        results, refusals = _run(asking, QUESTIONS, found, variant)
        made = _by_chunk(found, results)
        store(
            name,
            _each(chats_of(chunk, one, closed=closed) for chunk, one in made),
            command="data qa",
            options={"closed": closed or None, "length": length, "variant": variant},
            sources=_sources(files, hashes),
            refusals=refusals,
            report={**results.report(), "dropped": sum(one.dropped for _, one in made)},
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )


def augment(
    files: Files,
    name: NewName = "",
    count: Annotated[int, typer.Option(help="要多少条新的；相近的会去掉，少于此数。", min=1)] = 40,
    seed: Annotated[int, typer.Option(help="换一个数，换一种搭配。", min=0)] = 0,
    similar: Annotated[float, typer.Option(help="相同到几成算重复。", min=0.05, max=1.0)] = 0.5,
    variant: Variants = [],  # noqa: B006
    sample: Sample = None,
    concurrency: AtOnce = 8,
    url: Url = "",
    model: ModelName = "",
    answers: Answers = None,
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """两三个例子变成一批同类的问答；和例子相近、彼此相近的去掉。"""
    with sentences(as_json):
        from training.data.reading import Reading
        from training.served import augment as growing

        reading = Reading(files)
        examples = growing.examples_of(list(reading))
        asking = Asking("augment", url, model, concurrency, answers, data_dir, progress_json)
        variants = chosen(variant, growing.VARIANTS, sample)
        if sample is not None:
            count = growing.AT_A_TIME * sample
            places = [f"第 {n} 次" for n in range(1, sample + 1)]
            tried = asking.compare(
                variants, places, lambda one: growing.questions(examples, one, count, seed)
            )
            tell_comparison(tried, growing.show, as_json=as_json)
            return
        _named(name)
        results = asking.run(growing.questions(examples, variants[0], count, seed))
        places_of = [(files[0].name, f"第 {n + 1} 次") for n in range(len(results.values))]
        grown = growing.grown(examples, results.values, files[0].name, similar=similar)
        if not grown.items:
            raise BadInput(
                f"没有一条新的：{told_counts(results.report())}"
                f"做出来的 {grown.repeated} 条都和例子相近；请多给几个例子，或换一个大些的模型。"
            )
        store(
            name,
            grown.items[:count],
            command="data augment",
            options={"count": count, "seed": seed, "similar": similar, "variant": variant},
            sources=reading.sources,
            refusals=[*reading.refusals, *refusals_of(results, places_of)],
            report={**results.report(), "examples": len(examples), "repeated": grown.repeated},
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )


commands: list[Callable[..., None]] = [summaries, dialogue, qa, augment, *contexts.commands]
"""What `yanchi data` takes in from here."""


def _tried(
    asking: Asking,
    maker: "Maker[T]",
    found: "Sequence[Placed]",
    variant: "Sequence[str]",
    sample: int | None,
    *,
    as_json: bool,
) -> bool:
    """Whether it was a trial: every variant on a sample, told and done with."""
    from training.served.chunk_makers import questions
    from training.served.variants import sample_of

    if sample is None:
        return False
    few = sample_of(found, sample)
    places = [f"{each.chunk.book} {each.chunk.place}" for each in few]
    variants = chosen(variant, maker.variants, sample)
    comparison = asking.compare(variants, places, lambda one: questions(maker, one, few))
    tell_comparison(comparison, maker.show, as_json=as_json)
    return True


def _run(
    asking: Asking, maker: "Maker[T]", found: "Sequence[Placed]", variant: "Sequence[str]"
) -> "tuple[Results[T], list[Refusal]]":
    from training.served.chunk_makers import questions

    [one] = chosen(variant, maker.variants, None)
    results = asking.run(questions(maker, one, found))
    return results, refusals_of(results, [(each.chunk.book, each.chunk.place) for each in found])


def _by_chunk(found: "Sequence[Placed]", results: "Results[T]") -> "list[tuple[Chunk, T]]":
    return [
        (each.chunk, value)
        for each, value in zip(found, results.values, strict=True)
        if value is not None
    ]


def _each(groups: "Iterable[Iterator[Chat]]") -> "Iterator[Chat]":
    for group in groups:
        yield from group


def _speakers(said: "Sequence[tuple[Chunk, Any]]") -> dict[str, int]:
    """How many lines each has, most first."""
    from collections import Counter

    lines = Counter(line.speaker for _, one in said for line in one.lines)
    return dict(lines.most_common())


def _sources(files: "Sequence[Path]", hashes: "Sequence[str]") -> "list[Any]":
    from training.data.store import Source

    return [Source(path.name, each) for path, each in zip(files, hashes, strict=True)]


def _named(name: str) -> None:
    if not name:
        raise BadInput("请用 --name 给新数据集起个名字。", field="name")


def _tell(
    results: "Results[Any]", refusals: "Sequence[Refusal]", told: dict[str, Any], *, as_json: bool
) -> None:
    from dataclasses import asdict

    report = results.report()
    if as_json:
        first = [asdict(each) for each in refusals[:50]]
        print_json({**told, **report, "refusals": {"count": len(refusals), "first": first}})
        return
    say(f"{told_counts(report)}在 {told['file']}。")
    tell_failures(refusals)
