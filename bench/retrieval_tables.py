"""The three sets on which ours and the peers are compared, and the figures told of each."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import retrieval_sets as sets
from bench.peers.field import PARTS, PEERS
from bench.report import Report
from bench.retrieval_ours import ours
from bench.retrieval_quality import Measured, measure_chapters, measure_spans
from retrieval.evaluate import hits, paired_interval, recall_at


def titles(report: Report) -> None:
    """Chapter couplets → their chapter."""
    tasks = sets.couplets()
    if not tasks:
        report.fact("titles", "not measured: the shared data is not here")
        return
    with tempfile.TemporaryDirectory() as folder:
        measured = measure_chapters("titles", tasks, [ours(Path(folder)), *PEERS])
    _table(report, f"titles: {_count(tasks)} chapter couplets → their chapter", measured)
    notes = [f"{task.book}: {task.note}" for task in tasks if task.note]
    report.fact("titles", "; ".join(["no couplet stands in the searched text", *notes]))
    for one in measured:
        if one.ranks:
            letter = f"_{one.method.letter}" if one.method.letter else ""
            note = f"{one.method.name}, {_on(one)}"
            report.add(f"titles_r10{letter}", one.recall, "", note)
            report.add(f"titles_mrr{letter}", one.mrr, "", note)


def classical(report: Report) -> None:
    """Modern sentences → the classical ones they translate."""
    tasks = sets.classical()
    if not tasks:
        report.fact("classical", "not measured: the shared data is not here")
        return
    with tempfile.TemporaryDirectory() as folder:
        measured = measure_chapters("classical", tasks, [ours(Path(folder)), *PEERS])
    _table(report, f"classical: {_count(tasks)} modern sentences → classical ones", measured)
    by_book = {book: recall_at(ranks) for book, ranks in measured[0].ranks.items()}
    worst = min(by_book, key=lambda book: by_book[book])
    report.add("classical_r10", by_book[worst], "", f"the lower of the two books, {worst}")
    for book, value in by_book.items():
        report.add(f"classical_r10_{book}", value, "", f"{measured[0].ranks[book].size} queries")
    for one in measured[1:]:
        if one.ranks:
            lower = min(recall_at(ranks) for ranks in one.ranks.values())
            report.add(f"classical_r10_{one.method.letter}", lower, "", one.method.name)


def paraphrase(report: Report) -> None:
    """Our questions, whose words are not the book's → the passage that answers."""
    tasks = sets.questions()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure_spans("paraphrase", tasks, [ours(Path(folder)), *PARTS, *PEERS])
    _table(report, f"paraphrase: {_count(tasks)} questions → the passage that answers", measured)
    left_out = {task.book: task.left_out for task in tasks if task.left_out}
    if left_out:
        report.fact("questions left out, another edition", str(left_out))
    if not sets.is_shared():
        report.fact("paraphrase", "the shared novels are not here: our sample alone")
    singles = [one for one in measured if one.method.single and not one.missing]
    best = max(singles, key=lambda one: (one.recall, one.mrr))
    _margin(report, measured[0], best, singles)
    _of_peers(report, measured)
    _by_kind(report, measured[0], best, tasks)


def _margin(report: Report, whole: Measured, best: Measured, singles: Sequence[Measured]) -> None:
    """Ours against the best of the methods that use one source of evidence."""
    report.add("paraphrase_r10", whole.recall, "", f"ours, {whole.every.size} questions")
    report.add("paraphrase_mrr", whole.mrr, "", "ours")
    report.add("paraphrase_r10_best_single", best.recall, "", best.method.name)
    margin = paired_interval(hits(whole.every), hits(best.every))
    report.add("paraphrase_margin", margin.mean, "", f"ours less {best.method.name}")
    report.add("paraphrase_margin_low", margin.low, "", "95 % paired bootstrap over questions")
    report.add("paraphrase_margin_high", margin.high, "", "")
    of_books = max(singles, key=lambda one: one.over_books)
    report.add("paraphrase_r10_books", whole.over_books, "", "ours, mean over books")
    report.add("paraphrase_r10_books_best_single", of_books.over_books, "", of_books.method.name)


def _of_peers(report: Report, measured: Sequence[Measured]) -> None:
    for one in measured:
        if one.method.letter and one.ranks:
            letter, note = one.method.letter, f"{one.method.name}, {_on(one)}"
            report.add(f"paraphrase_r10_{letter}", one.recall, "", note)
            report.add(f"paraphrase_mrr_{letter}", one.mrr, "", note)


def _by_kind(report: Report, whole: Measured, best: Measured, tasks: Sequence[sets.Task]) -> None:
    """Ours by kind and by book, and by kind the method that is best on the whole."""
    kinds = np.array([query.kind for task in tasks for query in task.queries])
    for kind in sorted(set(kinds.tolist())):
        ranks = whole.every[kinds == kind]
        report.add(f"paraphrase_r10_{kind}", recall_at(ranks), "", f"{ranks.size} questions")
        theirs = recall_at(best.every[kinds == kind])
        report.add(f"paraphrase_r10_{kind}_best_single", theirs, "", best.method.name)
    for book, ranks in whole.ranks.items():
        report.add(f"paraphrase_r10_{book}", recall_at(ranks), "", f"{ranks.size} questions")


def _table(report: Report, title: str, measured: Sequence[Measured]) -> None:
    """R@10 of each method on each book and on all; below, what each was given."""
    books = list(measured[0].ranks)
    rows, notes = [], []
    for one in measured:
        complete = len(one.ranks) == len(books)
        whole = [f"{one.recall:.3f}", f"{one.mrr:.3f}", f"{one.over_books:.3f}"]
        of_books = [f"{recall_at(one.ranks[b]):.3f}" if b in one.ranks else "—" for b in books]
        name = f"{one.method.letter} {one.method.name}".strip()
        rows.append([name, *(whole if complete else ["—"] * 3), *of_books])
        absent = f". Missing, {', '.join(one.missing)}: {one.why_not}" if one.missing else ""
        notes.append(f"{name}: {one.method.given}{absent}")
    columns = ["R@10 of", "all", "MRR@10", "over books", *books]
    report.table(title, columns, rows, notes)


def _count(tasks: Sequence[sets.Task] | Sequence[sets.ChapterTask]) -> int:
    return sum(len(task.queries) for task in tasks)


def _on(one: Measured) -> str:
    count = f"{one.every.size} queries"
    return f"{count} of {', '.join(one.ranks)} alone" if one.missing else count
