"""From what the user said to a directory; and the command line over it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner
from weights_fakes import quick_convert, write_model

from server.commands.model import app, weights_progress
from server.errors import BrokenDownload, NoHub, NotFound, WeightsError
from server.hardware import Hardware
from server.weights import Shape, installed, resolve, verify
from server.weights.hub import Hub, Listing, RemoteFile
from server.weights.local import check_directory
from server.weights.package import QWEN_CODER, PackagedModel
from server.weights.store import Installed, Manifest, Store, record_files
from server.weights.types import Progress, Source, silent

CPU = Hardware("cpu")
DEFAULT = "Qwen/Qwen2.5-0.5B-Instruct"


class FakeHub(Hub):
    """Answers or not, and publishes the same tiny model under every name."""

    def __init__(self, source: Source, up: bool) -> None:
        self.source, self.title, self.up = source, source, up
        self.asked: list[str] = []
        self.broken = False

    @property
    def endpoint(self) -> str:
        return ""

    def answers(self) -> bool:
        return self.up

    def listing(self, repo: str) -> Listing:
        self.asked.append(repo)
        return Listing("1", (RemoteFile("model.safetensors", 10, None),))

    def download(self, repo: str, revision: str, files: Any, folder: Path) -> None:
        del repo, revision, files
        if self.broken:
            raise BrokenDownload("断线")
        write_model(folder)


def fake_package(model: PackagedModel, store: Store, progress: Progress) -> Installed:
    folder = store.workshop(model.name) / "built"
    quick_convert(Path(__file__), folder, progress)
    return store.publish(folder, Manifest(model.name, "package", {}, record_files(folder)))


class Desk:
    def __init__(self, root: Path, huggingface: bool, modelscope: bool) -> None:
        root.mkdir()
        self.root = root
        self.huggingface = FakeHub("huggingface", huggingface)
        self.modelscope = FakeHub("modelscope", modelscope)

    def resolve(self, model: str | None, **options: Any) -> Any:
        hubs = (self.huggingface, self.modelscope)
        return resolve(model, CPU, self.root, hubs=hubs, fetch_package=fake_package, **options)


@pytest.fixture
def offline(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "models", huggingface=False, modelscope=False)


@pytest.fixture
def online(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "models", huggingface=True, modelscope=True)


@pytest.fixture
def in_china(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "models", huggingface=False, modelscope=True)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(tmp_path / "mine")
    return tmp_path / "mine"


def test_a_directory_is_served_as_it_is(offline: Desk, model: Path) -> None:
    weights = offline.resolve(str(model))
    assert (weights.path, weights.name, weights.source) == (model, "mine", "directory")


def test_a_home_relative_directory(
    offline: Desk, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(model.parent))
    assert offline.resolve("~/mine").path == model


def test_a_path_is_never_taken_for_a_hubs_name(online: Desk, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"没有 .*nothing 这个目录"):
        online.resolve(str(tmp_path / "nothing"))
    assert online.huggingface.asked == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("config.json", r"缺少 config\.json"),
        ("model.safetensors", "缺少 safetensors 权重"),
        ("tokenizer.json", "缺少分词器"),
        ("tokenizer_config.json", "缺少对话模板"),
    ],
)
def test_what_a_directory_lacks_is_named(model: Path, name: str, sentence: str) -> None:
    (model / name).unlink()
    with pytest.raises(WeightsError, match=sentence):
        check_directory(model)


@pytest.mark.parametrize(
    ("name", "sentence"), [("pytorch_model.bin", "pickle"), ("model.gguf", "GGUF")]
)
def test_weights_of_another_kind_are_refused_by_name(model: Path, name: str, sentence: str) -> None:
    (model / "model.safetensors").rename(model / name)
    with pytest.raises(WeightsError, match=sentence):
        check_directory(model)


def test_a_missing_shard_is_named(model: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match=r"缺少 model-00002\.safetensors"):
        check_directory(model)


def test_a_cut_file_is_found_without_reading_it(model: Path) -> None:
    content = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(content[:-10])
    with pytest.raises(WeightsError, match="损坏或不完整"):
        check_directory(model)


def test_an_adapter_is_not_a_model(model: Path) -> None:
    (model / "config.json").rename(model / "adapter_config.json")
    with pytest.raises(WeightsError, match="LoRA 适配器"):
        check_directory(model)


def test_older_tokenizer_files_will_do(model: Path) -> None:
    (model / "tokenizer.json").unlink()
    (model / "vocab.json").write_text("{}")
    (model / "merges.txt").write_text("")
    check_directory(model)


def test_the_default_comes_from_the_hub_that_answers(in_china: Desk) -> None:
    weights = in_china.resolve(None)
    assert (weights.name, weights.source, weights.note) == (DEFAULT, "modelscope", None)


def test_where_no_hub_answers_the_default_falls_back_and_says_so(offline: Desk) -> None:
    weights = offline.resolve(None)
    assert (weights.name, weights.source) == (QWEN_CODER.name, "package")
    assert DEFAULT in weights.note
    assert QWEN_CODER.name in weights.note


def test_what_fell_back_stays_until_asked_to_change(tmp_path: Path) -> None:
    """Adapters are trained for one model: it does not change under them by itself."""
    desk = Desk(tmp_path / "models", huggingface=False, modelscope=False)
    desk.resolve(None)
    desk.huggingface.up = True
    assert desk.resolve(None).name == QWEN_CODER.name
    assert desk.huggingface.asked == []
    assert desk.resolve(None, upgrade=True).name == DEFAULT
    assert desk.resolve(None).name == DEFAULT


def test_a_download_that_breaks_is_no_reason_to_fall_back(online: Desk) -> None:
    online.huggingface.broken = True
    with pytest.raises(BrokenDownload):
        online.resolve(None)
    assert installed(online.root) == []


@pytest.mark.parametrize("name", ["Qwen/Qwen3-0.6B", "someone/else", "ms:Qwen/Qwen3-0.6B"])
def test_a_model_that_was_asked_for_is_never_replaced(offline: Desk, name: str) -> None:
    with pytest.raises(NoHub, match=name.removeprefix("ms:")):
        offline.resolve(name)
    assert installed(offline.root) == []


def test_qwen_stands_on_both_hubs_others_where_they_were_asked_for(in_china: Desk) -> None:
    assert in_china.resolve("Qwen/Qwen3-0.6B").source == "modelscope"
    assert in_china.resolve("ms:someone/else").name == "someone/else"
    with pytest.raises(NoHub, match="huggingface"):
        in_china.resolve("someone/other")


def test_modelscope_by_name_leaves_hugging_face_alone(online: Desk) -> None:
    assert online.resolve("ms:Qwen/Qwen3-0.6B").source == "modelscope"
    assert online.huggingface.asked == []


def test_what_is_installed_needs_no_hub(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "models", huggingface=True, modelscope=False)
    there = desk.resolve("someone/else").path
    desk.huggingface.up = False
    assert desk.resolve("someone/else").path == there
    assert desk.resolve(QWEN_CODER.name).source == "package"


@pytest.mark.parametrize("name", ["", "qwen", "a/b/c", "https://hub/model", "ms:qwen", "../x/y"])
def test_a_name_that_is_none_is_refused(online: Desk, name: str) -> None:
    with pytest.raises(WeightsError):
        online.resolve(name)
    assert online.huggingface.asked == []


def test_the_list_holds_what_is_whole(online: Desk) -> None:
    online.resolve("someone/else")
    (online.root / "leftover").mkdir()
    assert [each.manifest.name for each in installed(online.root)] == ["someone/else"]
    assert verify(online.root, "someone/else").manifest.source == "huggingface"
    with pytest.raises(NotFound):
        verify(online.root, "nobody")


def test_the_shape_is_read_from_the_configuration(model: Path) -> None:
    shape = Shape.read(model)
    assert (shape.cache_bytes, shape.max_window) == (2 * 2 * 2 * 2 * 8, 4096)
    stored = json.loads((model / "config.json").read_text()) | {"dtype": "float32", "head_dim": 16}
    (model / "config.json").write_text(json.dumps(stored))
    wide = Shape.read(model)
    assert wide.cache_bytes == 2 * shape.cache_bytes
    assert wide.weight_gib == shape.weight_gib / 2
    (model / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="读不懂"):
        Shape.read(model)


# ---- the command line --------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A data directory with one model in it."""
    desk = Desk(tmp_path / "models", huggingface=True, modelscope=True)
    desk.resolve("someone/else")
    return tmp_path


def command(*arguments: str) -> Any:
    result = CliRunner().invoke(app, list(arguments))
    return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)


def test_list_prints_one_object(shelf: Path) -> None:
    done = command("list", "--json", "--data-dir", str(shelf))
    answer = json.loads(done.out)
    assert done.code == 0
    assert [each["name"] for each in answer["models"]] == ["someone/else"]
    assert answer["default"]
    assert "someone/else" in command("list", "--data-dir", str(shelf)).out


def test_pull_of_a_directory_says_where_it_is(shelf: Path, model: Path) -> None:
    done = command("pull", str(model), "--json", "--data-dir", str(shelf))
    assert json.loads(done.out) == {
        "name": "mine", "path": str(model), "source": "directory", "note": None
    }  # fmt: skip


def test_pull_of_nonsense_fails_in_a_sentence(shelf: Path) -> None:
    done = command("pull", "nonsense", "--json", "--data-dir", str(shelf))
    assert done.code == 1
    assert json.loads(done.out)["error"]["code"] == "weights_unavailable"
    assert "看不懂模型" in done.err


def test_verify_names_what_is_damaged_and_goes_on(shelf: Path) -> None:
    whole = command("verify", "--json", "--data-dir", str(shelf))
    assert whole.code == 0
    assert len(json.loads(whole.out)["verified"]) == 1
    (shelf / "models" / "someone--else" / "config.json").write_text("{ }", encoding="utf-8")
    damaged = command("verify", "--json", "--data-dir", str(shelf))
    assert damaged.code == 1
    assert json.loads(damaged.out)["errors"][0]["code"] == "wrong_digest"


def test_wrong_usage_is_exit_code_2(shelf: Path) -> None:
    assert command("verify", "--nonsense", "--data-dir", str(shelf)).code == 2


def test_in_a_log_progress_is_a_line_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    with weights_progress() as progress:
        for done in range(0, 101, 10):
            progress("下载权重", done, 100)
        progress("转换", 0, 0)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["下载权重", "转换"]
    silent("", 0, 0)
