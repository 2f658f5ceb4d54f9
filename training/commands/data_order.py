"""`yanchi data clean`, `dedupe`, `split`, `audit`, `mix`: a set put in order becomes a new one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from training.commands.building import NewName, Replace
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
from training.commands.data_sets import SetName, load_set
from training.errors import BadInput

if TYPE_CHECKING:
    from training.data.store import Card, DataSet
    from training.types import Item

Seed = Annotated[int, typer.Option(help="随机种子；同样的种子结果相同。", min=0)]
Fraction = Annotated[float, typer.Option(help="留出多大比例。", min=0.0, max=1.0)]


def clean(
    dataset: SetName,
    name: NewName,
    keyword: Annotated[
        list[str], typer.Option(help="有这个词的去掉；可以写几次。", show_default=False)
    ] = [],  # noqa: B006
    keywords: Annotated[
        Path | None,
        typer.Option(help="关键词表，一行一个。", exists=True, dir_okay=False, show_default=False),
    ] = None,
    spam: Annotated[bool, typer.Option(help="去掉网站的广告、链接、求票。")] = True,
    damage: Annotated[bool, typer.Option(help="还原乱码，去掉还原不了的。")] = True,
    replace: Replace = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """去掉网站广告、乱码和含关键词的内容，每一种都报出数目和例子。"""
    with sentences(as_json):
        from training.data.cleaning import Cleaner, Rules, cleaned, keywords_in

        found = load_set(dataset, data_dir)
        words = (*keyword, *(keywords_in(keywords) if keywords else ()))
        cleaner = Cleaner(Rules(spam, damage, tuple(dict.fromkeys(words))))
        report: dict[str, Any] = {}

        def last(items: "Iterable[Item]") -> "Iterator[Item]":
            yield from items
            report.update(cleaner.report())

        with progress("清理", progress_json) as advance:
            total = len(found.train) + len(found.held_out)
            card = _save(
                name, [found], cleaned(found.train, cleaner, advance, total),
                last(cleaned(found.held_out, cleaner, advance, total)), command="data clean",
                options={"spam": spam, "damage": damage, "keywords": list(words)},
                report=report, data_dir=data_dir, replace=replace,
            )  # fmt: skip
        _tell(card, name, as_json, data_dir)
        if not as_json:
            typer.echo(f"改了 {cleaner.changed} 条，去掉 {cleaner.dropped} 条。")
            for each in report["removed"]:
                typer.echo(
                    f"  {each['says']}：{each['places']} 处，去掉 {each['items']} 条，"
                    f"例如“{each['example']}”（{each['source']} {each['place']}）"
                )


def dedupe(
    dataset: SetName,
    name: NewName,
    threshold: Annotated[
        float, typer.Option(help="多相近算重复：相同的五字片段占多少。", min=0.3, max=1.0)
    ] = 0.8,
    near: Annotated[bool, typer.Option(help="相近的也算；--no-near 只去一字不差的。")] = True,
    replace: Replace = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """去掉重复和几乎重复的条目，留下最前面的一条；和留出部分重复的也去掉。"""
    with sentences(as_json):
        from training.data.duplicates import find_duplicates
        from training.data.items import texts
        from training.data.lines import Joined

        found = load_set(dataset, data_dir)
        held, both = len(found.held_out), Joined(found.held_out, found.train)
        with progress("查重", progress_json) as advance:
            result = find_duplicates(both, advance, threshold=threshold, near=near)
        copies = sorted([*result.exact, *result.near], key=lambda each: -each.similarity)
        report = {
            "exact": len(result.exact),
            "near": len(result.near),
            "first": [
                {"dropped": _where(both[each.dropped]), "kept": _where(both[each.kept]),
                 "similarity": each.similarity,
                 "text": "".join(t for _, t, learned in texts(both[each.dropped]) if learned)[:80]}
                for each in copies[:20]
            ],
        }  # fmt: skip
        card = _save(
            name, [found], (both[i] for i in result.kept if i >= held),
            (both[i] for i in result.kept if i < held), command="data dedupe",
            options={"threshold": threshold, "near": near}, report=report, data_dir=data_dir,
            replace=replace,
        )  # fmt: skip
        _tell(card, name, as_json, data_dir)
        if not as_json:
            typer.echo(f"去掉一字不差的 {len(result.exact)} 条，相近的 {len(result.near)} 条。")
            for row in report["first"][:5]:  # type: ignore[index]
                typer.echo(f"  {row['similarity']:.2f}  {row['dropped']} ≈ {row['kept']}")


def split(
    dataset: SetName,
    name: NewName,
    fraction: Fraction = 0.1,
    work: Annotated[
        list[str], typer.Option(help="留出这本书；可以写几次。", show_default=False)
    ] = [],  # noqa: B006
    by: Annotated[
        Literal["work", "source", "item"],
        typer.Option(help="按书、按来源文件，还是按条目分；同一本书不会分在两边。"),
    ] = "work",
    seed: Seed = 0,
    check: Annotated[bool, typer.Option("--audit/--no-audit", help="分完查泄漏。")] = True,
    replace: Replace = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """分成训练和留出两部分，整本书在一边；原来留出的重新参加划分。"""
    with sentences(as_json):
        from training.data.lines import Joined, Picked
        from training.data.splits import split as divide

        found = load_set(dataset, data_dir)
        both = Joined(found.train, found.held_out)
        made = divide(both, fraction=fraction, works=work, by=by, seed=seed)
        train, held = Picked(both, made.train), Picked(both, made.held_out)
        audit_ = _audited(train, held, progress_json) if check else None
        card = _save(
            name, [found], train, held, command="data split",
            options={"fraction": fraction, "work": work, "by": by, "seed": seed},
            report={"held_out_works": list(made.works)}, audit=audit_, data_dir=data_dir,
            replace=replace,
        )  # fmt: skip
        _tell(card, name, as_json, data_dir)
        if not as_json:
            books = "、".join(f"《{title}》" for title in made.works)
            typer.echo(f"留出 {len(held)} 条{f'：{books}' if books else ''}。")
            if audit_ is not None:
                _tell_audit(audit_)


def audit(
    dataset: SetName,
    against: Annotated[
        list[str],
        typer.Option(help="再对照这个数据集留出的部分；可以写几次。", show_default=False),
    ] = [],  # noqa: B006
    size: Annotated[int, typer.Option(help="多少个字符相同算泄漏。", min=8, max=400)] = 32,
    name: Annotated[
        str | None, typer.Option(help="去掉泄漏的训练条目，存成这个新数据集。", show_default=False)
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="有泄漏时以退出码 1 结束。")] = False,
    replace: Replace = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """查留出的文字有没有混进训练部分：一样的、相近的、有一段相同的，并指出位置。"""
    with sentences(as_json):
        from training.data.lines import Joined
        from training.data.store import update_card

        found = load_set(dataset, data_dir)
        others = [load_set(each, data_dir) for each in against]
        held = Joined(*(each.held_out for each in (found, *others)))
        if not len(held):
            raise BadInput("没有留出的部分可以对照，请先用 yanchi data split 划分")
        report = _audited(found.train, held, progress_json, size)
        if not others:
            update_card(found.folder, audit=report)
        if name is not None:
            leaking = {row - 1 for row in report["train_rows"]}
            kept = (item for i, item in enumerate(found.train) if i not in leaking)
            card = _save(
                name, [found, *others], kept, found.held_out, command="data audit",
                options={"size": size, "against": against},
                report={"dropped": len(leaking)}, data_dir=data_dir, replace=replace,
            )  # fmt: skip
            _tell(card, name, False, data_dir)
        if as_json:
            print_json({"dataset": found.card.name, "audit": report})
        else:
            _tell_audit(report)
    if strict and not report["clean"]:
        raise typer.Exit(1)


def mix(
    datasets: Annotated[
        list[str],
        typer.Argument(
            help="数据集[:权重]，如 悟空:2 通用:0.5。", metavar="数据集", show_default=False
        ),
    ],
    name: NewName,
    by: Annotated[
        Literal["times", "share"],
        typer.Option(help="权重的意思：每条出现几次，还是占几成。"),
    ] = "times",
    rows: Annotated[
        int | None, typer.Option(help="按几成混合时，一共多少条。", min=1, show_default=False)
    ] = None,
    seed: Seed = 0,
    replace: Replace = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """按权重把几个数据集混成一个，并说明哪些重复、哪些没用上。"""
    with sentences(as_json):
        from training.data.lines import Joined
        from training.data.mixing import Part
        from training.data.mixing import mix as mixed

        weighed = [_weighed(each) for each in datasets]
        found = [load_set(each, data_dir) for each, _ in weighed]
        parts = [
            Part(each.card.name, each.train, weight)
            for each, (_, weight) in zip(found, weighed, strict=True)
        ]
        made = mixed(parts, by=by, rows=rows, seed=seed)
        held = Joined(*(each.held_out for each in found))
        audit_ = _audited(made.items, held, progress_json) if len(held) else None
        report = {"parts": [asdict(each) for each in made.told]}
        card = _save(
            name, found, made.items, held, command="data mix",
            options={"datasets": datasets, "by": by, "rows": rows, "seed": seed},
            report=report, audit=audit_, data_dir=data_dir, replace=replace,
        )  # fmt: skip
        _tell(card, name, as_json, data_dir)
        if not as_json:
            for told in made.told:
                typer.echo(
                    f"  {told.name}：{told.rows} 条里用了 {told.taken} 条，"
                    f"重复 {told.repeated} 条，没用上 {told.left_out} 条"
                )
            if audit_ is not None:
                _tell_audit(audit_)


def _weighed(text: str) -> tuple[str, float]:
    name, sign, weight = text.rpartition(":")
    if not sign:
        return text, 1.0
    try:
        return name, float(weight)
    except ValueError:
        return text, 1.0


def _audited(train: Any, held: Any, progress_json: bool, size: int = 32) -> dict[str, Any]:
    from training.data.audit import audit as look

    with progress("查泄漏", progress_json) as advance:
        return look(train, held, advance, size=size)


def _save(
    name: str,
    made_of: "list[DataSet]",
    items: "Iterable[Item]",
    held_out: "Iterable[Item]",
    *,
    command: str,
    options: Mapping[str, Any],
    report: Mapping[str, Any],
    data_dir: Path | None,
    replace: bool,
    audit: Mapping[str, Any] | None = None,
) -> "Card":
    """A new set made of others, which its card names with their digests."""
    from training.data.store import Source, made_by, new_folder, save

    folder = new_folder(name, data_dir_for(data_dir))
    if any(folder == each.folder for each in made_of):
        raise BadInput("新数据集要另取一个名字，原来的留着，好对照和重做")
    return save(
        folder, items, held_out, name=folder.name, made=made_by(command, **options),
        sources=[Source(each.card.name, each.digest) for each in made_of],
        report=report, audit=audit, replace_old=replace,
    )  # fmt: skip


def _tell(card: "Card", name: str, as_json: bool, data_dir: Path | None) -> None:
    from training.data.store import new_folder

    folder = new_folder(name, data_dir_for(data_dir))
    if as_json:
        print_json({"folder": str(folder), **card.to_json()})
    else:
        say(
            f"数据集“{card.name}”：训练 {card.rows} 条，留出 {card.held_out_rows} 条，在 {folder}。"
        )


def _tell_audit(report: Mapping[str, Any]) -> None:
    if report["clean"]:
        typer.echo("没有泄漏：留出的文字都不在训练部分里。")
    else:
        typer.echo(
            f"有泄漏：一样的 {report['exact']['count']} 条，相近的 {report['near']['count']} 条，"
            f"相同的片段 {report['shared']['count']} 处；牵涉训练 {len(report['train_rows'])} 条、"
            f"留出 {len(report['held_out_rows'])} 条。"
        )
    worst = [*report["exact"]["worst"], *report["near"]["worst"], *report["shared"]["worst"]]
    for leak in worst[:5]:
        typer.echo(
            f"  {leak['length']} 字符：训练第 {leak['train_row']} 条（{leak['train_place']}）"
            f"＝ 留出第 {leak['held_out_row']} 条（{leak['held_out_place']}）“{leak['text'][:40]}”"
        )
    for each in report["templates"][:3]:
        typer.echo(f"  许多条共有、不算泄漏（{each['train_rows']} 条）：“{each['text'][:40]}”")


def _where(item: "Item") -> str:
    origin = item.origin
    return " ".join(part for part in (origin.work, origin.source, origin.place) if part)


commands: list[Callable[..., None]] = [clean, dedupe, split, audit, mix]
