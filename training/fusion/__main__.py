"""The recipe's command line: `python -m training.fusion --help`."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from retrieval.counts import Floats
from retrieval.embed import SentenceTransformerEmbeddings
from retrieval.evidence import CHAPTER_FEATURES, PASSAGE_FEATURES
from training.fusion.fit import RIDGE, fit
from training.fusion.report import Figures, Report, report
from training.fusion.samples import Sample, samples
from training.fusion.tasks import read_tasks

ROOT = Path(__file__).parents[2]
app = typer.Typer(help=__doc__, add_completion=False)
Data = Annotated[Path, typer.Option(help="folder with novels/*.txt and retrieval/*.jsonl")]
Out = Annotated[Path, typer.Option(help="where the weights are written")]
Model = Annotated[Path, typer.Option(help="the embedding model that the weights are for")]
Books = dict[str, list[Sample]]


@app.command()
def main(
    data: Data,
    out: Out = ROOT / "data" / "models" / "yanchi-rank" / "weights.json",
    model: Model = ROOT / "data" / "models" / "yanchi-embed-zh",
) -> None:
    """Fit both heads on every book, and say how each book does when it is left out."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    embeddings = SentenceTransformerEmbeddings(model, device="cpu", batch_size=256)
    heads: dict[str, Books] = {"passages": {}, "chapters": {}}
    kinds = {"spans": "passages", "classical": "passages", "chapters": "chapters"}
    tasks = read_tasks(data, ROOT / "bench" / "queries", ROOT / "data" / "sample" / "novel.md")
    for task in track(tasks, description="features"):
        heads[kinds[task.kind]].setdefault(task.book, []).extend(samples(task, embeddings))
    weights = {
        name: fit([s for one in books.values() for s in one], RIDGE[name])
        for name, books in heads.items()
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(_named(weights), indent=2) + "\n", encoding="utf-8")
    for name, books in heads.items():
        _show(name, report(books, RIDGE[name]))


def _named(weights: dict[str, Floats]) -> dict[str, dict[str, float]]:
    names = {"passages": PASSAGE_FEATURES, "chapters": CHAPTER_FEATURES}
    return {
        head: {name: round(float(w), 3) for name, w in zip(names[head], one, strict=True)}
        for head, one in weights.items()
    }


def _show(head: str, told: Report) -> None:
    methods = list(next(iter(told.by_task.values())).single)
    columns = ("queries", "left out", "seen", *methods, "R@10 over the best of these")
    table = Table("", *columns, title=f"{head}: R@10 / MRR@10, margins with their 95 % interval")
    for part in (told.by_kind, told.by_book, told.by_task):
        for name, figures in part.items():
            table.add_row(name, str(figures.queries), *_cells(figures, methods))
        table.add_section()
    Console(width=140).print(table)


def _cells(figures: Figures, methods: list[str]) -> list[str]:
    pairs = [figures.left_out, figures.seen, *(figures.single[name] for name in methods)]
    mean, low, high = figures.margin
    margin = f"{mean:+.3f} ({low:+.3f} … {high:+.3f})"
    return [*(f"{recall:.3f} / {mrr:.3f}" for recall, mrr in pairs), margin]


if __name__ == "__main__":
    app()
