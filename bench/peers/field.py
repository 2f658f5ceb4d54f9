"""Everybody who takes part, and what each was given."""

from bench.peers import e5, langchain, llamaindex, parts, words
from bench.peers.base import Method

PEERS = (
    Method(
        "a", "LangChain: recursive splitter, FAISS",
        f"{langchain.SIZE}/{langchain.OVERLAP} characters, our embedder; chapter by best chunk",
        langchain.langchain, single=True,
    ),
    Method(
        "b", "LlamaIndex: sentence splitter, its store",
        f"{llamaindex.SIZE}/{llamaindex.OVERLAP} characters, our embedder; chapter by best chunk",
        llamaindex.llamaindex, single=True,
    ),
    Method("c", "BM25, jieba words", "our passages; chapter by best passage",
           words.on_words, single=True),
    Method("d", "BM25, character bigrams", "our passages; chapter by best passage",
           words.on_bigrams, single=True),
    Method("e", "plain RRF of d and dense", "our passages, our embedder, 100 of each, k = 60",
           parts.reciprocal),
    Method("f", "multilingual-e5-small, 4 bit", f"our passages; {e5.SUBSET}", e5.e5),
    Method("g", "BM25, characters and bigrams",
           "our passages; chapter by the sum of its three best",
           words.on_characters, single=True),
)  # fmt: skip
PARTS = (
    Method("", "our lexical search alone", "our passages", parts.lexical, single=True),
    Method("", "our vectors alone", "our passages", parts.dense, single=True),
    Method("", "names alone", "our passages, the cast's names", parts.names, single=True),
)
"""What the whole pipeline has to be better than, as well as than the peers."""
