"""A run's folder: whole at any time for its readers, one writer, checkpoints all or nothing."""

import json
import os
from pathlib import Path

import pytest

from training.errors import BadInput, RunFailed
from training.tuning.run_folder import RunFolder, new_id


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "name: a\n")


def test_a_new_run_is_queued_and_can_be_opened(run: RunFolder) -> None:
    again = RunFolder.open(run.path)
    assert again.status().state == "queued"
    assert again.recipe.read_text("utf-8") == "name: a\n"


def test_a_folder_with_a_run_takes_no_second_one(run: RunFolder) -> None:
    with pytest.raises(BadInput, match="已有一次训练"):
        RunFolder.create(run.path.parent, "", at=run.path)


def test_a_folder_without_a_run_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"status\.json"):
        RunFolder.open(tmp_path)


def test_updates_keep_what_they_do_not_name(run: RunFolder) -> None:
    run.update(state="running", step=3, loss=2.5, warnings=("flat",))
    status = run.update(step=4)
    assert (status.state, status.step, status.loss) == ("running", 4, 2.5)
    assert run.status().warnings == ("flat",)
    assert run.status().updated > 0


def test_json_has_no_nan(run: RunFolder) -> None:
    run.update(loss=float("nan"))
    run.log("step", step=1, loss=float("inf"))
    assert "NaN" not in (run.path / "status.json").read_text("utf-8")
    assert json.loads(run.log_file.read_text("utf-8"))["loss"] is None


def test_half_a_line_of_a_killed_writer_is_not_read_and_goes_when_resumed(run: RunFolder) -> None:
    for step in (1, 2, 3):
        run.log("step", step=step, loss=1.0)
    run.log("note", message="开始")
    with run.log_file.open("a") as file:
        file.write('{"type": "st')
    assert len(list(run.entries())) == 4
    run.rewind(2)
    run.log("step", step=3, loss=0.5)
    assert [each.get("step") for each in run.entries()] == [1, 2, None, 3]


def test_stop_is_asked_and_forgotten(run: RunFolder) -> None:
    assert not run.stop_asked()
    run.ask_stop()
    assert run.stop_asked()
    run.forget_stop()
    assert not run.stop_asked()


def test_only_one_process_trains_and_its_death_frees_the_folder(run: RunFolder) -> None:
    assert not run.alive()
    child = os.fork()
    if child == 0:
        # Dies with the lock in its hand, as a killed trainer does.
        run.held().__enter__()
        os._exit(0)
    os.waitpid(child, 0)
    assert not run.alive()
    with run.held():
        assert run.alive()
        with pytest.raises(RunFailed, match="另一个进程"), RunFolder(run.path).held():
            pass
    assert not run.alive()


def save(run: RunFolder, step: int) -> None:
    run.begin_checkpoint()
    (run.unfinished / f"checkpoint-{step}").mkdir()
    (run.unfinished / f"checkpoint-{step}" / "weights").write_text("good")
    run.finish_checkpoint(step, f"checkpoint-{step}")


def test_half_a_checkpoint_is_none(run: RunFolder) -> None:
    save(run, 10)
    run.begin_checkpoint()
    (run.unfinished / "checkpoint-20").mkdir()
    assert [each.step for each in run.checkpoints()] == [10]
    save(run, 30)
    assert [each.step for each in run.checkpoints()] == [10, 30]
    assert not run.unfinished.exists()


def test_the_newest_and_the_best_are_kept(run: RunFolder) -> None:
    for step in (9, 10, 11, 100):
        save(run, step)
    run.keep_checkpoints(2, best=9)
    assert [each.step for each in run.checkpoints()] == [9, 11, 100]


def test_two_runs_in_one_second_have_two_folders() -> None:
    assert len({new_id() for _ in range(20)}) > 15
