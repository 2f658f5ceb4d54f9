"""Texts to measure on: the shared real novels where present, else our sample, repeated."""

import os
from pathlib import Path

from server.settings import ROOT, SAMPLE

SHARED = Path(os.environ.get("YANCHI_SHARED_DATA", ROOT.parent / "shared" / "data"))


def long_novel(folder: Path, chars: int = 850_000) -> Path:
    """A novel of about `chars` characters: a real one, or our sample over and over."""
    real = SHARED / "novels" / "红楼梦.txt"
    if real.is_file():
        return real
    once = (SAMPLE / "novel.md").read_text(encoding="utf-8").replace("### ", "").replace("## ", "")
    path = folder / "long.txt"
    path.write_text("\n\n".join([once] * (chars // len(once) + 1))[:chars], encoding="utf-8")
    return path
