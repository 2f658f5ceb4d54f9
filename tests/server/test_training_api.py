"""The server's side of training: files as the training room leaves them, told over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Client, make_desk
from starlette.testclient import TestClient

import yanchi
from server.app import create_app
from server.engines.scripted import ScriptedEngine, Text
from server.schemas.tuning import EvaluationIn
from server.tuning.runs import Runs
from training.judging.plan import PARTS

RECIPE = {"name": "xu-plain", "base": "tiny", "method": "sft", "data": ["letters"]}


@pytest.fixture
def idle(tmp_path: Path) -> Client:
    """A desk whose background does not run: what is queued stays queued."""
    engine = ScriptedEngine(script=[Text("底座说"), Text("适配器说")])
    desk = make_desk(tmp_path / "desk", engine)
    return Client(TestClient(create_app(desk), raise_server_exceptions=False), desk)


def events(text: str) -> Iterator[tuple[str, Any]]:
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in lines:
            yield lines["event"], json.loads(lines["data"])


def dataset(folder: Path, name: str, rows: int) -> Path:
    path = folder / "datasets" / name
    path.mkdir(parents=True)
    card = {"format": 1, "name": name, "kind": "chat", "rows": rows, "created": f"2026-01-0{rows}"}
    (path / "dataset.json").write_text(json.dumps(card), encoding="utf-8")
    lines = [json.dumps({"messages": [], "n": n}) + "\n" for n in range(rows)]
    (path / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    return path


def test_data_sets_are_listed_read_and_put_into_the_bin(idle: Client) -> None:
    data = idle.desk.settings.data_dir
    dataset(data, "letters", 3)
    dataset(data, "对话", 5)
    assert [card["name"] for card in idle.ok("GET", "/api/datasets")] == ["对话", "letters"]
    rows = idle.ok("GET", "/api/datasets/letters/rows?skip=1&most=1")
    assert rows == [{"number": 2, "item": {"messages": [], "n": 1}}]
    assert idle.ok("GET", "/api/datasets/letters/rows?split=held_out") == []
    idle.ok("DELETE", "/api/datasets/letters")
    idle.refused(404, "no_dataset", "GET", "/api/datasets/letters")
    assert len(list((data / "datasets" / ".bin").glob("letters-*"))) == 1
    idle.refused(422, "invalid_request", "GET", "/api/datasets/.bin")


def test_an_upload_keeps_its_name_and_leaves_no_folder(idle: Client) -> None:
    told = idle.ok(
        "POST", "/api/datasets/uploads", files={"file": ("../../夜航.txt", "雨夜".encode())}
    )
    assert told["filename"] == "夜航.txt"
    assert told["bytes"] == 6
    path = idle.desk.settings.data_dir / "uploads" / "training" / told["id"] / "夜航.txt"
    assert path.read_text(encoding="utf-8") == "雨夜"


def test_a_run_waits_with_its_recipe_and_tells_what_it_wrote(idle: Client) -> None:
    run = idle.ok("POST", "/api/runs", json={"recipe": RECIPE, "title": "许氏白描"})
    ident = run["job"]["id"]
    assert run["job"]["state"] == "queued"
    assert run["status"] is None
    assert idle.ok("GET", f"/api/runs/{ident}")["recipe"] == RECIPE
    job = idle.desk.jobs.get(ident)
    recipe = Path(job.args[1])
    assert yaml.safe_load(recipe.read_text(encoding="utf-8")) == RECIPE
    assert job.args[2:4] == ("--run-dir", str(idle.desk.jobs.runs / ident))

    folder = Runs(idle.desk.jobs).folder(ident)
    (folder / "checkpoints" / "step-20").mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"state": "running", "step": 21}))
    lines = [json.dumps({"type": "step", "step": n, "loss": 3.0 - n / 10}) for n in (1, 2)]
    log = folder / "log.jsonl"
    log.write_text("\n".join(lines) + '\n{"type": "st')
    told = idle.ok("GET", f"/api/runs/{ident}")
    assert told["status"]["step"] == 21
    assert told["checkpoints"] == [20]
    page = idle.ok("GET", f"/api/runs/{ident}/log")
    assert [entry["step"] for entry in page["entries"]] == [1, 2]
    assert page["anew"]
    assert idle.ok("GET", f"/api/runs/{ident}/log?after={page['next']}")["entries"] == []
    log.write_text("\n".join([*lines, lines[1]]) + "\n")
    more = idle.ok("GET", f"/api/runs/{ident}/log?after={page['next']}")
    assert ([entry["step"] for entry in more["entries"]], more["anew"]) == ([2], False)
    idle.refused(422, "invalid_request", "GET", f"/api/runs/{ident}/log?after=1")


@pytest.mark.parametrize(
    "grown",
    [
        [(1, 3.0)],  # shorter than what was known
        [(1, 3.0), (2, 2.75), (3, 2.5)],  # a line ends elsewhere
        [(1, 3.0), (2, 2.7), (3, 2.5)],  # a line ends where one ended before, and is another
    ],
)
def test_a_log_that_was_cut_and_grew_again_is_told_from_its_start(
    idle: Client, grown: list[tuple[int, float]]
) -> None:
    ident = idle.ok("POST", "/api/runs", json={"recipe": RECIPE})["job"]["id"]
    folder = Runs(idle.desk.jobs).folder(ident)
    folder.mkdir(parents=True)

    def written(steps: list[tuple[int, float]]) -> None:
        lines = [json.dumps({"type": "step", "step": n, "loss": loss}) + "\n" for n, loss in steps]
        (folder / "log.jsonl").write_text("".join(lines))

    written([(1, 3.0), (2, 2.8)])
    known = idle.ok("GET", f"/api/runs/{ident}/log")["next"]
    written(grown)
    page = idle.ok("GET", f"/api/runs/{ident}/log?after={known}")
    assert page["anew"]
    assert [(entry["step"], entry["loss"]) for entry in page["entries"]] == grown


def test_a_run_is_followed_to_its_end(idle: Client) -> None:
    ident = idle.ok("POST", "/api/runs", json={"recipe": RECIPE})["job"]["id"]
    folder = Runs(idle.desk.jobs).folder(ident)
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text(json.dumps({"type": "note", "message": "好"}) + "\n")
    idle.ok("POST", f"/api/jobs/{ident}/stop")
    told = list(events(idle.http.get(f"/api/runs/{ident}/events").text))
    assert [name for name, _ in told] == ["log", "status"]
    assert told[0][1]["entries"] == [{"type": "note", "message": "好"}]
    assert told[1][1]["state"] == "stopped"


def test_publishing_wants_something_to_publish(idle: Client) -> None:
    ident = idle.ok("POST", "/api/runs", json={"recipe": RECIPE})["job"]["id"]
    idle.refused(409, "no_adapter", "POST", f"/api/runs/{ident}/publish", json={})
    job = idle.ok("POST", f"/api/runs/{ident}/publish", json={"step": 20, "title": "试"})
    assert job["about"] == {"run": ident}
    args = idle.desk.jobs.get(job["id"]).args
    assert args[:3] == ("adapters", "publish", str(Runs(idle.desk.jobs).folder(ident)))
    assert args[-2:] == ("--step", "20")


def test_published_adapters_are_told_with_their_versions(idle: Client) -> None:
    root = idle.desk.settings.adapters_dir
    for version in (1, 2):
        folder = root / f"xu-v{version}-0a1b2c3d"
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text('{"r": 16}')
        card = {"name": "xu", "version": version, "title": "许氏白描"}
        (folder / "yanchi.json").write_text(json.dumps(card), encoding="utf-8")
    (root / "foreign").mkdir()
    (root / "foreign" / "adapter_config.json").write_text('{"r": 8}')
    (root / "current.json").write_text(json.dumps({"xu": "xu-v1-0a1b2c3d"}))
    told = idle.ok("GET", "/api/adapters/published")
    assert [(one["folder"], one["current"], one["rank"]) for one in told] == [
        ("foreign", True, 8),
        ("xu-v2-0a1b2c3d", False, 16),
        ("xu-v1-0a1b2c3d", True, 16),
    ]


@pytest.mark.parametrize("pointers", ["{}", '{"xu": "xu-v9-gone"}', '{"xu": ["xu-v2"]}', "no JSON"])
def test_where_nothing_says_which_is_current_the_newest_is(idle: Client, pointers: str) -> None:
    root = idle.desk.settings.adapters_dir
    for version in (2, 10, 9):
        folder = root / f"xu-v{version}-0a1b2c3d"
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text('{"r": 16}')
        (folder / "yanchi.json").write_text(json.dumps({"name": "xu", "version": version}))
    (root / "current.json").write_text(pointers)
    told = idle.ok("GET", "/api/adapters/published")
    assert [(one["version"], one["current"]) for one in told] == [
        (10, True),
        (9, False),
        (2, False),
    ]


def test_two_sides_answer_one_question(idle: Client) -> None:
    with idle.http:
        answer = idle.http.post(
            "/api/adapters/compare", json={"prompt": "你是谁", "adapters": [None, None]}
        )
    told = list(events(answer.text))
    texts = dict.fromkeys((0, 1), "")
    for name, data in told:
        if name == "delta":
            texts[data["side"]] += data["text"]
    assert sorted(texts.values()) == ["底座说", "适配器说"]
    assert sorted(data["side"] for name, data in told if name == "done") == [0, 1]


def test_a_report_is_handed_out_as_data(idle: Client) -> None:
    body = {"run": None, "adapter": None}
    idle.refused(422, "invalid_request", "POST", "/api/evaluations", json=body)
    parts = {"skip": ["general", "long"], "long": 500}
    asked = {"adapter": "xu", "data": ["letters"], **parts}
    idle.refused(422, "invalid_request", "POST", "/api/evaluations", json=asked | {"long": 99})
    idle.refused(422, "invalid_request", "POST", "/api/evaluations", json=asked | {"skip": ["x"]})
    job = idle.ok("POST", "/api/evaluations", json=asked)["id"]
    verb, *args = idle.desk.jobs.get(job).args
    understood = yanchi.verb(verb).make_context("", args).params
    assert understood | asked == understood
    idle.refused(404, "no_report", "GET", f"/api/evaluations/{job}/report.html")
    folder = idle.desk.jobs.folder(job).path / "report"
    folder.mkdir()
    (folder / "report.html").write_text("<p>好", encoding="utf-8")
    answer = idle.http.get(f"/api/evaluations/{job}/report.html")
    assert answer.text == "<p>好"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


def test_what_judging_may_leave_out_is_what_judging_knows() -> None:
    offered = EvaluationIn.model_json_schema()["properties"]["skip"]["items"]["enum"]
    assert sorted(offered) == sorted(PARTS)


def test_jobs_are_listed_stopped_and_removed(idle: Client) -> None:
    first = idle.ok("POST", "/api/runs", json={"recipe": RECIPE})["job"]["id"]
    second = idle.ok("POST", "/api/runs", json={"recipe": RECIPE})["job"]
    assert second["waits_behind"] == 1
    idle.ok("POST", "/api/runs/advice", json={"recipe": RECIPE})
    assert [job["kind"] for job in idle.ok("GET", "/api/jobs")] == ["advise", "train", "train"]
    assert len(idle.ok("GET", "/api/jobs?kind=train")) == 2
    assert idle.ok("POST", f"/api/jobs/{first}/stop")["state"] == "stopped"
    assert idle.ok("POST", f"/api/jobs/{first}/again")["state"] == "queued"
    idle.refused(409, "job_running", "POST", f"/api/jobs/{first}/again")
    idle.ok("DELETE", f"/api/jobs/{first}")
    idle.refused(404, "not_found", "GET", f"/api/jobs/{first}")


def test_who_has_the_machine_is_told_with_how_far_it_is(idle: Client) -> None:
    assert idle.ok("GET", "/api/health")["training"] is None
    ident = idle.ok("POST", "/api/runs", json={"recipe": RECIPE, "title": "许氏"})["job"]["id"]
    assert idle.ok("GET", "/api/health")["training"] is None
    idle.desk.jobs.folder(ident).change(state="running")
    told = {"run": ident, "title": "许氏", "step": 0, "steps": 0}
    assert idle.ok("GET", "/api/health")["training"] == told
    folder = Runs(idle.desk.jobs).folder(ident)
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"step": 4, "steps": 9}))
    assert idle.ok("GET", "/api/health")["training"] == {**told, "step": 4, "steps": 9}
