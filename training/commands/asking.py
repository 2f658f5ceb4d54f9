"""What the commands that ask a served model share: where it is, how many at once, variants."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from training.commands.common import data_dir_for, print_json, progress, say
from training.errors import BadInput

if TYPE_CHECKING:
    from training.novels.tasks import Task
    from training.served.asking import Ask
    from training.served.batch import Batch, Results
    from training.served.variants import Comparison
    from training.types import Refusal

T = TypeVar("T")
SHOWN_FAILURES = 3

Url = Annotated[
    str,
    typer.Option(
        "--url",
        help="兼容 OpenAI 的地址，到 /v1 为止；默认是正开着的书桌。密钥写在 $YANCHI_SERVED_KEY。",
        show_default=False,
    ),
]
ModelName = Annotated[
    str,
    typer.Option("--model", help="模型的名字；默认是那里的第一个。", show_default=False),
]
AtOnce = Annotated[int, typer.Option("--concurrency", help="同时问几条。", min=1, max=1024)]
Sample = Annotated[
    int | None,
    typer.Option(help="先拿这么多条试，各种问法并排给你看，不做数据。", min=1, show_default=False),
]
Variants = Annotated[
    list[str],
    typer.Option(
        "--variant",
        help="问法：自带的名字，或一个写着模板（Jinja）的文件；试的时候可以写几次。",
        show_default=False,
    ),
]
Answers = Annotated[
    Path | None,
    typer.Option(
        help="回答存在这个文件里，断了从这里接着做；默认在数据目录的 made 下。",
        dir_okay=False,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Asking:
    """The options above, and how the work is followed."""

    maker: str
    url: str
    model: str
    at_once: int
    answers: Path | None
    data_dir: Path | None
    progress_json: bool

    @contextmanager
    def batch(self) -> "Iterator[Batch]":
        """Raises EngineUnreachable where no model is to be found."""
        from training.publishing.engine import client_for
        from training.served.batch import Batch

        folder = data_dir_for(self.data_dir)
        file = self.answers or folder / "made" / f"{self.maker}.jsonl"
        with client_for(self.url, self.model, folder) as client:
            yield Batch(client, file, self.at_once)

    def run(self, asks: "Sequence[Ask[T]]") -> "Results[T]":
        with self.batch() as batch, progress("问模型", self.progress_json) as advance:
            return batch.run(asks, advance)

    def compare(
        self,
        variants: "Sequence[Task]",
        places: Sequence[str],
        asks: "Callable[[Task], Sequence[Ask[T]]]",
    ) -> "Comparison[T]":
        from training.served.variants import compare

        with self.batch() as batch, progress("试问法", self.progress_json) as advance:
            return compare(variants, places, asks, batch, advance)


def chosen(told: Sequence[str], known: "Mapping[str, Task]", sample: int | None) -> "list[Task]":
    """The variants asked for; on a sample all that ship, otherwise the first, if none is.

    Raises BadInput where several are to make the whole.
    """
    from training.served.variants import variant_of

    if not told:
        return list(known.values())[: None if sample else 1]
    if len(told) > 1 and sample is None:
        raise BadInput("几种问法要先用 --sample 试，挑定一种再做全部。", field="variant")
    found = [variant_of(each, known) for each in dict.fromkeys(told)]
    if len({each.name for each in found}) < len(found):
        raise BadInput("有两种问法同名，请给文件换个名字。", field="variant")
    return found


def tell_comparison(
    comparison: "Comparison[T]", show: "Callable[[T], str]", *, as_json: bool
) -> None:
    """Side by side: a table for people, one object for programs."""
    rows, report = comparison.rows(show), comparison.report()
    if as_json:
        told = {"variants": report, "templates": comparison.templates, "rows": rows}
        print_json({"sample": len(rows), **told})
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    table.add_column("出处", ratio=1)
    for name in report:
        table.add_column(name, ratio=3)
    for row in rows:
        table.add_row(Text(row["place"]), *(Text(row["made"][name]) for name in report))
    Console(highlight=False).print(table)
    for name, told in report.items():
        say(f"{name}：{told_counts(told)}")


def told_counts(report: Mapping[str, Any]) -> str:
    return (
        f"问了 {report['asked']} 条，做成 {report['made']} 条（{report['kept']} 条是以前做的），"
        f"没做成 {report['failed']} 条，不能用的回答 {report['nonsense']} 次。"
    )


def refusals_of(results: "Results[Any]", places: "Sequence[tuple[str, str]]") -> "list[Refusal]":
    """What failed, by the (source, place) of each question."""
    from training.types import Refusal

    return [Refusal(*_where(places[each.place]), each.reason) for each in results.failures]


def _where(place: tuple[str, str]) -> tuple[str, None, str]:
    return place[0], None, place[1]


def tell_failures(refusals: "Sequence[Refusal]") -> None:
    for each in refusals[:SHOWN_FAILURES]:
        say(f"{each.source} {each.field}：{each.reason}")
    if len(refusals) > SHOWN_FAILURES:
        say(f"还有 {len(refusals) - SHOWN_FAILURES} 处没做成；再运行一次会重新问。")
