"""The recipe's command line: `python -m training.embedder --help`.

Every stage reads what the one before left in the work folder and can be run again by itself.
"""

import json
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table as Screen

from training.embedder import contrast, corpus, distil, evaluate
from training.embedder.export import export as write_model
from training.embedder.vocabulary import (
    Vocabulary,
    build_vocabulary,
    jieba_dictionary,
    opencc_script,
)

WORDS = 19_000
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
Work = Annotated[Path, typer.Option(help="folder for the stages' results, outside the project")]
Model = Annotated[Path, typer.Option(help="folder of a sentence-transformers model")]
Data = Annotated[Path, typer.Option(help="folder with novels/*.txt and retrieval/*.jsonl")]
Pairs = Annotated[Path, typer.Option(help="checkout of NiuTrans/Classical-Modern")]


def _load_vocabulary(work: Path) -> Vocabulary:
    return Vocabulary.from_json((work / "vocabulary.json").read_text(encoding="utf-8"))


@app.command()
def vocabulary(work: Work, words: int = WORDS) -> None:
    """jieba's dictionary (needs the packages jieba and OpenCC) → vocabulary.json."""
    work.mkdir(parents=True, exist_ok=True)
    built = build_vocabulary(jieba_dictionary(), words, opencc_script())
    (work / "vocabulary.json").write_text(built.to_json(), encoding="utf-8")
    typer.echo(f"{len(built.pieces):,} pieces, {len(built.rows):,} rows")


@app.command("distil")
def distil_rows(work: Work) -> None:
    """The teacher's vectors, word by word → distilled.npy; goes on where it was stopped."""
    vocab = _load_vocabulary(work)
    taught = distil.ask_teacher(vocab, distil.load_teacher(), work / "teacher")
    np.save(work / "distilled.npy", distil.shape_rows(taught, vocab, distil.Shaping()))


@app.command("contrast")
def contrast_rows(work: Work, classical_modern: Pairs, data: Data) -> None:
    """Contrastive training on books that are not held out → trained.npy."""
    vocab = _load_vocabulary(work)
    settings = contrast.Settings()
    bags = contrast.Bags(vocab, settings.character_share)
    vernacular = corpus.read_vernacular(classical_modern)
    pairs = corpus.read_pairs(classical_modern, evaluate.measured_texts(data))
    novels = corpus.read_novels(data / "novels")
    lessons = contrast.prepare(vernacular, novels, pairs, bags, settings)
    trained = contrast.train(np.load(work / "distilled.npy"), lessons, settings)
    np.save(work / "trained.npy", contrast.fold(trained, bags.composition))


@app.command("export")
def export_model(work: Work, model: Model) -> None:
    """trained.npy → a folder for SentenceTransformer."""
    size = write_model(_load_vocabulary(work), np.load(work / "trained.npy"), model)
    typer.echo(f"{model}: {size:,} bytes")


@app.command("evaluate")
def evaluate_model(model: Model, data: Data) -> None:
    """Held-out recall and MRR beside character-bigram BM25, and passages a second on one core."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    encode = evaluate.load_encoder(model)
    scorers = {"BM25": evaluate.bigram_scores, model.name: evaluate.dense_scorer(encode)}
    table = evaluate.compare(evaluate.held_out_tasks(data), scorers)
    _show(table)
    typer.echo(json.dumps(table, ensure_ascii=False))
    passages = [p for c in corpus.read_novel(data / "novels" / "红楼梦.txt") for p in c.passages]
    speed = evaluate.passages_per_second(encode, passages)
    typer.echo(f"{speed:,.0f} passages of {corpus.PASSAGE} characters a second on one core")


def _show(table: dict[str, dict[str, list[float]]]) -> None:
    screen = Screen("task", *next(iter(table.values())), title="R@10 / MRR@10")
    for task, row in table.items():
        screen.add_row(task, *(f"{recall:.3f} / {mrr:.3f}" for recall, mrr in row.values()))
    Console().print(screen)


if __name__ == "__main__":
    app()
