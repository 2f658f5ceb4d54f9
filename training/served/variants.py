"""Ways of asking for the same thing: those that ship, and an author's own from a file.

A variant is a Jinja template of the whole question, sandboxed; what it may name depends on what
is made. Tried on a sample first, variants are compared side by side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from retrieval.types import Message
from training.errors import BadInput
from training.novels.tasks import Task
from training.served.asking import Ask
from training.served.batch import Batch, Results
from training.types import Progress

T = TypeVar("T")


def shipped(**templates: str) -> dict[str, Task]:
    return {name: Task(name, "", text, "") for name, text in templates.items()}


def variant_of(told: str, known: Mapping[str, Task]) -> Task:
    """A shipped variant by its name, or the template in a file, which goes by the file's name.

    Raises BadInput for what is neither.
    """
    if told in known:
        return known[told]
    path = Path(told).expanduser()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"没有“{told}”这种问法，自带的是{'、'.join(known)}；自己的写在一个文本文件里。",
            field="variant",
        ) from error
    return Task(path.stem, "", text, "")


def asked(variant: Task, names: Mapping[str, Any]) -> tuple[Message, ...]:
    """Raises BadInput for a template that cannot be rendered."""
    return (Message("user", variant.asked(names)[0]),)


@dataclass
class Comparison(Generic[T]):
    """What each variant made of the same sample."""

    places: list[str]
    """Where each of the sample comes from."""
    results: dict[str, Results[T]] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    """How each asks, to be changed and tried again."""

    def rows(self, show: Callable[[T], str]) -> list[dict[str, Any]]:
        """One row for each of the sample: its place, and by variant what was made or why not."""
        reasons = {
            name: {failure.place: failure.reason for failure in results.failures}
            for name, results in self.results.items()
        }
        return [
            {
                "place": place,
                "made": {
                    name: (
                        f"✗ {reasons[name].get(n, '')}"
                        if (value := results.values[n]) is None
                        else show(value)
                    )
                    for name, results in self.results.items()
                },
            }
            for n, place in enumerate(self.places)
        ]

    def report(self) -> dict[str, Any]:
        return {name: results.report() for name, results in self.results.items()}


def compare(
    variants: Sequence[Task],
    places: Sequence[str],
    asks: Callable[[Task], Sequence[Ask[T]]],
    batch: Batch,
    progress: Progress,
) -> Comparison[T]:
    """Every variant on the same sample; `asks` gives one question for each place."""
    found: Comparison[T] = Comparison(list(places))
    total = len(variants) * len(places)
    for number, variant in enumerate(variants):
        tell = _behind(number * len(places), total, progress)
        found.templates[variant.name] = variant.instruction
        found.results[variant.name] = batch.run(asks(variant), tell)
    return found


def _behind(before: int, whole: int, progress: Progress) -> Progress:
    """The progress of a part of the work, as that of the whole."""

    def tell(done: int, total: int, note: str = "") -> None:  # noqa: ARG001  the part's own
        progress(before + done, whole, note)

    return tell


def sample_of(things: Sequence[T], count: int) -> list[T]:
    """At most `count` of them, spread evenly, the first among them."""
    if count >= len(things):
        return list(things)
    return [things[n * len(things) // count] for n in range(count)]
