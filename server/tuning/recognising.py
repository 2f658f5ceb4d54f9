"""What a file is that somebody wants to make a data set of, read no further than needed."""

from pathlib import Path
from typing import Any

from retrieval.errors import RetrievalError
from retrieval.readers import read_source
from retrieval.readers.formats import SUFFIXES
from server.errors import Invalid

TABLES = {".jsonl": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
"""Suffixes of rows; whatever else is not a book's is read as plain text."""


def recognise(path: Path) -> dict[str, Any]:
    """The fields of `SourceOut` but the id. Raises Invalid for what nobody can read."""
    told: dict[str, Any] = {"filename": path.name, "bytes": path.stat().st_size}
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return told | {"format": TABLES[suffix]}
    try:
        source = read_source(path.read_bytes(), path.stem + (suffix if suffix in SUFFIXES else ""))
    except RetrievalError as error:
        raise Invalid(str(error), code=error.code) from error
    return told | {
        "format": source.form,
        "encoding": source.encoding or None,
        "characters": sum(map(len, source.lines)),
        "doubts": [doubt.message for doubt in source.doubts],
    }
