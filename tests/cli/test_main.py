"""`python -m t2t_mm <command>`, and the console scripts, which are the same commands."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import t2t_mm
from t2t_mm.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]
HEAVY = {"tensorflow", "keras", "tensorflow_datasets", "numpy"}


def run(*args):
    line = [sys.executable, "-m", "t2t_mm", *args]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("args", [[], ["--help"]])
def test_without_a_command_it_lists_them(args):
    done = run(*args)
    assert done.returncode == 0 and done.stderr == ""
    for name in COMMANDS:
        assert re.search(rf"^  {name} +[A-Z].*\.$", done.stdout, re.MULTILINE), done.stdout


def test_version():
    assert run("--version").stdout == f"t2t-mm {t2t_mm.__version__}\n"


def test_an_unknown_command_is_wrong_usage():
    done = run("trian")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: unknown command 'trian': did you mean train?\n"


def test_the_rest_of_the_line_is_the_commands_own():
    done = run("score", "--nothing")
    assert done.returncode == 2 and done.stderr.startswith("error: unknown flag --nothing")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_version(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["t2t_mm", command, "--help"])
    main()
    told = capsys.readouterr().out
    module = importlib.import_module(COMMANDS[command])
    assert told.startswith(module.__doc__.strip()) and "Common to all commands:" in told
    monkeypatch.setattr(sys, "argv", ["t2t_mm", command, "--version"])
    main()
    assert capsys.readouterr().out == f"t2t-mm {t2t_mm.__version__}\n"


def test_help_of_all_commands_in_one_process_is_light():
    script = (
        "import sys\nfrom t2t_mm.__main__ import COMMANDS, main\n"
        "for command in COMMANDS:\n"
        "    sys.argv = ['t2t_mm', command, '--help']\n"
        "    main()\n"
        f"print({HEAVY!r} & set(sys.modules))"
    )
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("set()\n"), done.stdout + done.stderr


def test_console_scripts_are_the_same_commands():
    scripts = re.findall(r'"t2t-mm-(\w+)=([\w.]+):entry"', (ROOT / "setup.py").read_text())
    assert {name: module for name, module in scripts if name != "trainer"} | {
        "train": dict(scripts)["trainer"]
    } == COMMANDS
