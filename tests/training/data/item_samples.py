"""Items of every shape for property tests: any text, any field, any number of turns."""

from typing import Any

from hypothesis import strategies as st

from training.types import Chat, Item, Origin, Preference, Text, Turn

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Any text that UTF-8 can hold: control characters, line ends and emoji too."""
words = anything.filter(lambda text: bool(text.strip()))
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | anything
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(anything, inner, max_size=2),
    max_leaves=4,
)
RESERVED = {
    "role", "content", "learned", "weight", "from", "value", "tool_calls", "function_call",
}  # fmt: skip
turn_extras = st.dictionaries(anything.filter(lambda k: k not in RESERVED), values, max_size=1)
item_extras = st.dictionaries(anything | st.sampled_from(["id", "instruction", "system", "text",
    "yanchi", "origin", "kto_tag", "messages"]), values, max_size=2)  # fmt: skip
origins = st.builds(Origin, anything, anything, anything, anything)
weights = st.sampled_from([1.0, 0.5, 2.0, 0.0])
tools = st.sampled_from(["", '[{"name": "查历", "parameters": {}}]', "[]"])


@st.composite
def alternating(draw: st.DrawFn, *, extras: bool = True, answers: int = 3) -> tuple[Turn, ...]:
    """A system turn or none, then questions and answers that all say something."""
    extra = turn_extras if extras else st.just({})
    turns = []
    if draw(st.booleans()):
        turns.append(Turn("system", draw(words), extra=draw(extra)))
    for _ in range(draw(st.integers(1, answers))):
        turns.append(Turn("user", draw(words), extra=draw(extra)))
        learned = draw(st.none() | st.booleans())
        turns.append(Turn("assistant", draw(words), learned, draw(extra)))
    last = turns.pop()
    return (*turns, Turn("assistant", last.text, draw(st.sampled_from([None, True])), last.extra))


def chats(**options: Any) -> st.SearchStrategy[Chat]:
    return st.builds(Chat, alternating(**options), origins, tools, weights, item_extras)


texts = st.builds(Text, words, origins, weights, item_extras)


@st.composite
def preferences(draw: st.DrawFn, **options: Any) -> Preference:
    turns = draw(alternating(**options))[:-1]
    chosen, rejected = draw(
        st.tuples(words, words).filter(lambda pair: pair[0] != pair[1])
        | st.tuples(words, st.none())
        | st.tuples(st.none(), words)
    )
    return Preference(turns, chosen, rejected, draw(origins), draw(weights), draw(tools),
                      draw(item_extras))  # fmt: skip


@st.composite
def items_of_a_kind(draw: st.DrawFn) -> list[Item]:
    kind: st.SearchStrategy[Item] = draw(st.sampled_from([chats(), texts, preferences()]))
    return draw(st.lists(kind, min_size=1, max_size=5))
