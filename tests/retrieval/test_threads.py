"""Threads as a prompt tells them: nothing of what is still to come, the due ones first."""

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.threads import MOST_THREADS, Thread, ThreadEvent, open_threads, thread_items
from retrieval.timeline import View
from retrieval.types import Scene, StoryPosition

HERE = StoryPosition(4, 50)


def event(kind: str, chapter: int, offset: int, text: str = "") -> ThreadEvent:
    place = StoryPosition(chapter, offset)
    return ThreadEvent(kind, place, f"第{chapter + 1}章", text)  # type: ignore[arg-type]


def thread(name: str, *events: ThreadEvent, **more: object) -> Thread:
    return Thread(name, f"伏笔{name}", events, **more)  # type: ignore[arg-type]


PLANT = event("plant", 1, 10, "“半边戳记”")


def told(*threads: Thread, view: View | None = None) -> list[str]:
    return [item.text for item in thread_items(threads, view or View(HERE))]


def test_an_open_thread_tells_its_first_and_its_last_time() -> None:
    middle, last = event("advance", 2, 0, "“又见”"), event("advance", 4, 49, "“她袖口里”")
    (text,) = told(thread("甲", PLANT, middle, last))
    assert text == "伏笔甲（第2章埋下：“半边戳记”；第5章提到：“她袖口里”）"
    assert told(thread("乙", PLANT)) == ["伏笔乙（第2章埋下：“半边戳记”）"]


def test_before_its_planting_and_behind_its_answer_it_is_not_open() -> None:
    later = event("plant", 4, 51, "“将来”")
    answered = event("resolve", 4, 50, "“对上了”")
    assert told(thread("甲", later), thread("乙", PLANT, answered), thread("丙")) == []
    still = event("resolve", 4, 51, "“对上了”")
    assert told(thread("丁", PLANT, still)) == ["伏笔丁（第2章埋下：“半边戳记”）"]


def test_the_author_s_word_counts_more_than_the_events() -> None:
    answered = event("resolve", 3, 0, "“假的”")
    assert told(thread("甲", PLANT, state="resolved"), thread("乙", PLANT, state="abandoned")) == []
    assert len(told(thread("丙", PLANT, answered, state="advanced"))) == 1


def test_due_threads_come_first_and_say_what_is_wanted() -> None:
    due = thread("甲", PLANT, importance=1, due=4, due_note="由邹莲拿出来")
    later = thread("乙", PLANT, importance=3, due=5, due_note="不到时候")
    minor = thread("丙", PLANT, importance=1)
    items = thread_items([minor, later, due], View(HERE))
    assert [i.id for i in items] == ["thread:甲", "thread:乙", "thread:丙"]
    assert [i.priority for i in items] == sorted((i.priority for i in items), reverse=True)
    assert items[0].text.endswith("；该收了：由邹莲拿出来）")
    assert "不到时候" not in items[1].text
    assert not any(i.changes for i in items)


def test_a_prompt_is_offered_a_limited_number() -> None:
    many = [thread(f"{n:03}", PLANT) for n in range(MOST_THREADS + 5)]
    assert len(thread_items(many, View(HERE))) == MOST_THREADS


places = st.builds(StoryPosition, st.integers(0, 6), st.integers(0, 20))
scenes = st.builds(
    Scene, st.integers(0, 6), st.integers(0, 10), st.integers(11, 20) | st.none(),
    st.none() | st.floats(-1, 8), st.just(0.0), st.booleans(),
)  # fmt: skip
kinds = st.sampled_from(["plant", "advance", "resolve"])
drawn = st.lists(st.lists(st.tuples(kinds, places), max_size=5), max_size=5)


@settings(deadline=None, max_examples=200)
@given(drawn, st.lists(scenes, max_size=3), places, st.integers(0, 6))
def test_nothing_of_an_event_that_is_not_past_is_told(
    drawn: list[list[tuple[str, StoryPosition]]], times: list[Scene], here: StoryPosition, due: int
) -> None:
    view = View(here, scenes=times)
    threads, behind, ahead = [], [], []
    for number, events in enumerate(drawn):
        ordered = sorted(events, key=lambda e: e[1])
        made = [
            ThreadEvent(kind, place, "", f"〔{number}.{n}〕")  # type: ignore[arg-type]
            for n, (kind, place) in enumerate(ordered)
        ]
        threads.append(thread(str(number), *made, due=due, due_note=f"〔要{number}〕"))
        for one in made:
            (behind if view.passed(one.place) else ahead).append((str(number), one))
    items = {item.id: item.text for item in thread_items(threads, view)}
    whole = "".join(items.values())
    assert not any(one.text in whole for _, one in ahead)
    if here.chapter < due:
        assert "〔要" not in whole
    resolved = {number for number, one in behind if one.kind == "resolve"}
    assert items.keys() == {f"thread:{number}" for number, _ in behind if number not in resolved}
    assert {t.id for t in open_threads(threads, view)} == {i.removeprefix("thread:") for i in items}
