"""`yanchi import`, `export`, `search` and `works`: the book without an engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from server.commands.common import AsJson, DataDir, err, print_json, sentences, settings_for

app = typer.Typer()

Work = Annotated[str, typer.Argument(help="作品的编号（或其开头）或书名。", show_default=False)]


@app.command("import")
def import_book(
    file: Annotated[
        Path,
        typer.Argument(help="TXT、Markdown、DOCX、EPUB、PDF，或工程 ZIP。", show_default=False),
    ],
    title: Annotated[str | None, typer.Option(help="书名，默认取自文件。")] = None,
    author: Annotated[str | None, typer.Option(help="作者，默认取自文件。")] = None,
    encoding: Annotated[str | None, typer.Option(help="文件编码，默认自动识别。")] = None,
    pattern: Annotated[str, typer.Option(help="分章方式，预览里列出了可用的；默认自动。")] = "auto",
    preview: Annotated[bool, typer.Option("--preview", help="只看章节和疑点，不导入。")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """导入一部小说或一个工程，建好索引，随即可以检索和续写。"""
    with sentences(as_json):
        from server.importing.corrections import Corrections
        from server.importing.draft import open_draft
        from server.importing.uploads import check_size

        settings = settings_for(data_dir)
        wish = Corrections(encoding=encoding, title=title, author=author, pattern=pattern)
        check_size(_size(file), settings.max_import_bytes)
        draft = open_draft(file, file.name, wish)
        seen = draft.preview("", file.name)
        for doubt in seen.doubts:
            err.print(f"[yellow]疑点[/yellow]：{doubt.message}")
        result: dict[str, Any] = {
            "work": None,
            "title": seen.title,
            "chapters": draft.count,
            "characters": draft.size,
            "warnings": [d.message for d in seen.doubts],
        }
        if preview:
            result["format"] = seen.format
            result["patterns"] = [way.model_dump() for way in seen.patterns]
            result["preview"] = [
                {"title": c.title, "volume": c.volume, "chars": c.chars, "line": c.line}
                for c in seen.chapters
            ]
        else:
            with _bookshelf(data_dir) as (database, indexer), _bar("建立索引") as advance:
                with database.session() as session:
                    work, doubts = draft.keep(session)
                result |= {"work": work.id, "title": work.title}
                result["warnings"] = [d.message for d in doubts]
                indexer.sync(work.id, advance)
        if as_json:
            print_json(result)
        else:
            _tell_import(result)


@app.command("export")
def export_book(
    work: Work,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="写到文件；默认标准输出。")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="txt、md、docx、epub 或 zip（整个工程）；默认看文件名。"),
    ] = None,
    notes: Annotated[bool, typer.Option("--notes", help="带上每章的批注。")] = False,
    history: Annotated[bool, typer.Option("--history", help="工程里带上所有版本。")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """把一部作品导出为 TXT、Markdown、DOCX、EPUB 或整个工程。"""
    with sentences(as_json):
        from server.errors import Invalid
        from server.exporting.formats import FORMATS, export_work
        from server.exporting.manuscript import Wish
        from server.manuscript import find_work

        suffix = out.suffix.lower().removeprefix(".") if out else ""
        form = form or (suffix if suffix in FORMATS else "txt")
        if form not in FORMATS:
            raise Invalid(f"不认识格式“{form}”，请用 {'、'.join(FORMATS)}。", code="unknown_format")
        if out is None and not FORMATS[form].text:
            raise Invalid(f"{form.upper()} 不是文字，请用 --out 写到文件。", code="needs_a_file")
        with _bookshelf(data_dir) as (database, _), database.reading() as session:
            row = find_work(session, work)
            data = export_work(session, row, form, Wish(notes=notes, history=history))
        if as_json and out is None:
            print_json({"work": row.id, "title": row.title, "format": form, "text": data.decode()})
            return
        if out is None:
            typer.echo(data.decode(), nl=False)
            return
        partial = out.with_name(out.name + ".part")
        partial.write_bytes(data)
        partial.replace(out)
        err.print(f"已导出到 {out}")
        if as_json:
            print_json({"work": row.id, "title": row.title, "format": form, "file": str(out)})


@app.command("search")
def search_book(
    work: Work,
    query: Annotated[str, typer.Argument(help="要找的话。", show_default=False)],
    top: Annotated[int, typer.Option(min=1, max=100, help="最多几段。")] = 10,
    before: Annotated[
        int | None, typer.Option("--before-chapter", min=1, help="只找这一章之前的。")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """在全书里找段落，按字词也按意思。"""
    with sentences(as_json):
        from retrieval.errors import RetrievalError
        from retrieval.types import StoryPosition
        from server.errors import from_retrieval
        from server.manuscript import cast_names, find_work

        with _bookshelf(data_dir) as (database, indexer):
            with database.reading() as session:
                row = find_work(session, work)
                cast = cast_names(session, row.id)
            position = StoryPosition(before - 1) if before else None
            try:
                indexer.sync(row.id)
                found = indexer.library.recall(row.id, query, top, position, cast=cast)
            except RetrievalError as error:
                raise from_retrieval(error) from error
        passages = [
            {
                "chapter": f.passage.chapter + 1,
                "title": f.passage.title,
                "position": f.passage.start,
                "score": round(f.score, 6),
                "text": f.passage.text,
            }
            for f in found
        ]
        if as_json:
            print_json({"work": row.id, "passages": passages})
            return
        for f in found:
            typer.echo(f"—— {f.passage.title}（{f.passage.start}，{f.score:.3f}）")
            typer.echo(f"{f.passage.text.strip()}\n")
        if not passages:
            err.print("没有找到。")


@app.command("works")
def list_works(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """列出所有作品。"""
    with sentences(as_json):
        from server import manuscript

        with _bookshelf(data_dir) as (database, _), database.reading() as session:
            works = manuscript.list_works(session)
            sizes = manuscript.work_sizes(session, [w.id for w in works])
        rows = [
            {
                "work": w.id,
                "title": w.title,
                "author": w.author,
                "chapters": sizes[w.id].chapters if w.id in sizes else 0,
                "characters": sizes[w.id].chars if w.id in sizes else 0,
            }
            for w in works
        ]
        if as_json:
            print_json({"works": rows})
            return
        for row in rows:
            typer.echo(
                f"{str(row['work'])[:8]}  《{row['title']}》  {row['chapters']} 章  {row['characters']} 字"
            )


@contextmanager
def _bookshelf(data_dir: Path | None) -> Iterator[Any]:
    """(database, indexer) of a data directory, without an engine."""
    from retrieval.library import Library
    from server.db import Database
    from server.desk import embeddings_for
    from server.indexing import Indexer
    from server.vectors import index_store

    settings = settings_for(data_dir)
    database = Database(settings.database)
    try:
        database.migrate()
        store = index_store(settings)
        yield database, Indexer(database, Library(store, embeddings_for(settings)))
        store.close()
    finally:
        database.close()


@contextmanager
def _bar(what: str) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _size(file: Path) -> int:
    from server.errors import Invalid

    if not file.is_file():
        raise Invalid(f"没有文件 {file}，请检查路径。", code="file_not_found")
    return file.stat().st_size


def _tell_import(result: dict[str, Any]) -> None:
    for chapter in result.get("preview", []):
        typer.echo(f"{chapter['line']:>7}  {chapter['title']}  {chapter['chars']} 字符")
    where = f"，编号 {result['work'][:8]}" if result["work"] else "（只是预览，没有导入）"
    typer.echo(
        f"《{result['title']}》：{result['chapters']} 章，{result['characters']} 字符{where}"
    )
