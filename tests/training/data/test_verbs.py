"""The command line knows every verb by name, and loads a room only when it is entered."""

import subprocess
import sys

import pytest

import yanchi


@pytest.mark.parametrize("name", yanchi.COMMANDS)
def test_the_list_says_what_the_command_itself_says(name: str) -> None:
    assert yanchi.verb(name).help == yanchi.COMMANDS[name][1]


def test_every_command_of_the_modules_is_in_the_list() -> None:
    from server.commands import ask, books, chat, model, serve, write

    assert model.app.registered_commands
    for module in (serve, books, write, ask, chat):
        for info in module.app.registered_commands:
            assert yanchi.COMMANDS[str(info.name)][0] == module.__name__


def test_help_enters_no_room() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, yanchi\ntry: yanchi.app(['--help'])\n"
         "except SystemExit: print(*[m for m in sys.modules if m.startswith(('server', 'training', "
         "'torch', 'transformers'))], file=sys.stderr)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "continue" in told.stdout
    assert told.stderr.split() == []


def test_training_data_commands_load_no_model_library() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, training.commands.data\n"
         "print(*[m for m in ('torch', 'transformers', 'peft', 'datasets', 'server', 'matplotlib') "
         "if m in sys.modules])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == []
