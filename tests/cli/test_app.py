"""A command's flags, help and mistakes, as a person meets them: through a process of its own."""

import subprocess
import sys

import pytest

COMMAND = '''
"""Counts.

    counter.py --number=3
"""
import errno, os, sys
from absl import flags
from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.errors import UserError

flags.DEFINE_integer("number", 3, "How far to count.")
flags.DEFINE_enum("mode", "up", ["up", "down"], "Where to.")
flags.DEFINE_string("raises", "", "What goes wrong.")

def main():
    os.environ["SEEN"] = "1"
    told = flags.FLAGS.raises
    if told:
        raise eval(told)
    for i in range(flags.FLAGS.number):
        print(i)

app.run(main)
'''


@pytest.fixture
def command(tmp_path):
    script = tmp_path / "counter.py"
    script.write_text(COMMAND)

    def run(*args):
        line = [sys.executable, str(script), *args]
        return subprocess.run(line, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture(autouse=True)
def importable(monkeypatch, request):
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))


def test_runs(command):
    done = command("--number=2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n1\n", "")


def test_help(command):
    done = command("--help")
    assert done.returncode == 0 and done.stderr == ""
    for text in (
        "Counts.",
        "counter.py --number=3",
        "--number [3]",
        "How far to count.",
        "--t2t_usr_dir",
    ):
        assert text in done.stdout
    assert "alsologtostderr" not in done.stdout  # absl's own flags are none of ours


@pytest.mark.parametrize(
    "args, message",
    [
        (["--nubmer=2"], "error: unknown flag --nubmer, did you mean --number?"),
        (["--zzzzz"], "error: unknown flag --zzzzz; --help"),
        (["--number=two"], "error: flag --number=two"),
        (["--mode=left"], "error: flag --mode=left: value should be one of <up|down>"),
        (["--number"], "error: Missing value for flag --number"),
        (["number=2"], "error: expected only flags, --name=value, but 'number=2' is none"),
        (
            ["--t2t_usr_dir=/no/such/folder"],
            "error: --t2t_usr_dir: expected a directory of Python files",
        ),
        (["--raises=UserError('two\\nlines')"], "error: two lines"),
        (["--raises=registry.RegistryError('no such name')"], "error: no such name"),
        (
            ["--raises=OSError(errno.ENOSPC, 'No space left', '/out/x')"],
            "error: No space left: /out/x",
        ),
        (["--raises=PermissionError(errno.EACCES, 'Forbidden', '/out')"], "error: Forbidden: /out"),
    ],
)
def test_a_mistake_is_one_line(command, args, message):
    done = command(*args)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(message) and done.stderr.count("\n") == 1


def test_our_own_faults_keep_their_traceback(command):
    done = command("--raises=ValueError('a bug')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "ValueError: a bug" in done.stderr


def test_interrupt(command):
    done = command("--raises=KeyboardInterrupt()")
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_reader_that_goes_away(command, tmp_path):
    pipe = f"{sys.executable} {tmp_path}/counter.py --number=100000 | head -1"
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_registry_help(command, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.py").write_text(
        "from t2t_mm import registry\n"
        "@registry.register_mixture\n"
        "def two_ways():\n"
        "    '''There and back.'''\n"
        "    return {'wmt_ende': 2, 'wmt_ende_rev': 1}\n"
    )
    done = command("--registry_help", f"--t2t_usr_dir={tmp_path}/own")
    assert done.returncode == 0 and done.stderr == ""
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert "language (wmt_8k) -> language (wmt_8k)" in lines["wmt_ende"]
    assert "English to German" in lines["wmt_ende"]
    assert "image -> categorical" in lines["imagenet"]
    assert lines["two_ways"].split(maxsplit=1)[1].startswith("There and back.")
    assert lines["two_ways"].endswith(" wmt_ende:2+wmt_ende_rev:1")
    assert {"no_moe", "multimodel_tiny", "hidden_size", "multimodel"} <= set(lines)
