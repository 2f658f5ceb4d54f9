"""Characters and pairs of neighbouring characters: what voices are told apart by."""

from collections import Counter

from retrieval.measures.letters import bare


def grams(text: str) -> Counter[str]:
    letters = bare(text)
    return Counter((*letters, *(letters[n : n + 2] for n in range(len(letters) - 1))))
