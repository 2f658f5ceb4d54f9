"""From a file to searchable, as a whole process, beside LangChain's default pipeline."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Report
from bench.texts import long_novel

QUERY = "黛玉葬花"


def run(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        novel = long_novel(home)
        seconds, told = _ours(novel, home / "data")
        report.fact("novel", f"{novel.name}, {told['characters']:,} characters")
        report.add("ingest_s", seconds, "s", "yanchi import FILE, process start to searchable")
        report.add(
            "ingest_langchain_s",
            _langchain(novel),
            "s",
            "recursive splitter, same embedder, in memory",
        )


def _ours(novel: Path, data: Path) -> tuple[float, dict[str, int]]:
    command = [sys.executable, "-m", "yanchi"]
    environment = {**os.environ, "YANCHI_DATA_DIR": str(data), "HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    out = subprocess.run([*command, "import", str(novel), "--json"], env=environment,
                         check=True, capture_output=True, text=True).stdout  # fmt: skip
    seconds = time.perf_counter() - start
    told = json.loads(out)
    found = subprocess.run([*command, "search", told["work"], QUERY, "--json"], env=environment,
                           check=True, capture_output=True, text=True).stdout  # fmt: skip
    if not json.loads(found)["passages"]:
        raise RuntimeError("the imported novel is not searchable")
    return seconds, told


PEER = """
import sys, time
start = time.perf_counter()
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from retrieval.embed import SentenceTransformerEmbeddings
from server.settings import SHIPPED_EMBEDDER
text = open(sys.argv[1], encoding="utf-8").read()
chunks = RecursiveCharacterTextSplitter(chunk_size=400, chunk_overlap=0).split_text(text)
store = InMemoryVectorStore(SentenceTransformerEmbeddings(SHIPPED_EMBEDDER))
store.add_texts(chunks)
assert store.similarity_search(sys.argv[2], k=1)
print(time.perf_counter() - start)
"""


def _langchain(novel: Path) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", PEER, str(novel), QUERY], check=True, capture_output=True)
    return time.perf_counter() - start
