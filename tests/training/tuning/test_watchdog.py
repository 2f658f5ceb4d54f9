"""What an author is warned of while a run goes on, and what not."""

from training.tuning.watchdog import WINDOW, Watchdog


def codes(found: list[list[object]]) -> list[str]:
    return [alarm.code for alarms in found for alarm in alarms]  # type: ignore[attr-defined]


def test_a_loss_that_does_not_fall_is_told_once() -> None:
    dog = Watchdog()
    assert codes([dog.stepped(3.0 + 0.01 * (at % 2)) for at in range(10 * WINDOW)]) == ["loss_flat"]


def test_a_loss_that_fell_may_stay_low() -> None:
    dog = Watchdog()
    assert codes([dog.stepped(max(3.0 - 0.05 * at, 0.5)) for at in range(10 * WINDOW)]) == []


def test_a_held_out_loss_that_rises_twice_is_told_with_the_best_step() -> None:
    dog = Watchdog()
    found = [dog.evaluated(step, loss) for step, loss in enumerate([3, 2, 1.9, 2.1, 2.3, 2.5])]
    assert codes(found) == ["eval_rising"]
    assert "第 2 步" in found[4][0].message


def test_a_held_out_loss_that_only_trembles_is_not() -> None:
    dog = Watchdog()
    assert codes([dog.evaluated(s, v) for s, v in enumerate([3, 2, 2.1, 2.0, 2.1, 1.9])]) == []


def test_a_run_that_made_nothing_better_says_so_at_the_end() -> None:
    worse, better = Watchdog(), Watchdog()
    for step, loss in ((0, 2.0), (10, 2.005), (20, 2.01)):
        worse.evaluated(step, loss)
        better.evaluated(step, 4.0 - loss)
    assert codes([worse.ended()]) == ["no_better"]
    assert codes([better.ended(), Watchdog().ended()]) == []


def test_samples_that_are_empty_or_go_round_are_told() -> None:
    dog = Watchdog()
    assert codes([dog.sampled(1, " \n")]) == ["empty_output"]
    assert codes([dog.sampled(2, "他笑了笑，没有说话。" * 12)]) == ["repetition"]
    assert codes([dog.sampled(3, ""), dog.sampled(4, "他笑了笑，没有说话。" * 12)]) == []


def test_short_or_varied_samples_are_not() -> None:
    dog = Watchdog()
    text = (
        "天色将晚，江上起了薄雾，渡口的灯一盏一盏亮起来。她把信折好，压在砚台底下，没有再看一眼。"
    )
    assert codes([dog.sampled(1, "好好好好"), dog.sampled(2, text)]) == []
