"""A command's flags, help and mistakes, as a person meets them: through a process of its own."""

import errno
import re
import subprocess
import sys

import pytest
import tensorflow as tf
from absl import flags

import t2t_mm
from t2t_mm.cli import app, ending

COMMAND = '''
"""Counts.

    counter.py --number=3
"""
import errno, os, sys
from absl import flags
from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.errors import UserError

FLAGS = app.new_flags()
flags.DEFINE_integer("number", 3, "How far to count.", flag_values=FLAGS)
flags.DEFINE_enum("mode", "up", ["up", "down"], "Where to.", flag_values=FLAGS)
flags.DEFINE_string("raises", "", "What goes wrong.", flag_values=FLAGS)
flags.DEFINE_string("target", "x", "What to count.", flag_values=FLAGS)

def main():
    app.need(FLAGS, "target")
    if FLAGS.raises:
        raise eval(FLAGS.raises)
    for i in range(FLAGS.number):
        print(i)

app.run(main, FLAGS, sections={"direction": ["mode"]})
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


def test_runs_and_says_what_it_took(command):
    done = command("--number=2")
    assert (done.returncode, done.stdout) == (0, "0\n1\n")
    assert re.fullmatch(
        r"Took \d+\.\d s \(\d+\.\d s of CPU\), at most [\d,]+ MB of memory\.\n", done.stderr
    )


def test_the_last_line_says_where_the_result_is_and_what_processes_took(capsys):
    values = app.new_flags()
    work = "import time\nwhile time.process_time() < 1: pass"
    app.run(lambda: str(subprocess.check_call([sys.executable, "-c", work])), values, ["command"])
    found = re.search(
        r"\((\S+) s of CPU\), at most \S+ MB of memory\. The result is in 0\n$",
        capsys.readouterr().err,
    )
    assert float(found[1]) >= 1


@pytest.mark.parametrize(
    "seconds, told", [(59.94, "59.9 s"), (60, "1:00 min"), (3599.7, "1:00:00 h"), (0, "0.0 s")]
)
def test_times_are_short(seconds, told):
    before, now = ending.Spent(5.0, 0.0, 0), ending.Spent(5.0 + seconds, 2.0, 2**30)
    assert ending.line(before, now, "output/a") == (
        f"Took {told} (2.0 s of CPU), at most 1,024 MB of memory. The result is in output/a"
    )


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
    headings = [line for line in done.stdout.splitlines() if line[:1] != " " and line[-1:] == ":"]
    assert headings == ["Flags:", "Direction:", "Common to all commands:"]
    assert done.stdout.index("Direction:") < done.stdout.index("--mode [up]")
    assert command("-h").stdout == done.stdout


def test_version(command):
    assert command("--version").stdout == f"t2t-mm {t2t_mm.__version__}\n"


@pytest.mark.parametrize(
    "args, message",
    [
        (["--target="], "error: Give --target: What to count."),
        (["--nubmer=2"], "error: unknown flag --nubmer, did you mean --number?"),
        (["--zzzzz"], "error: unknown flag --zzzzz; --help"),
        (["--number=two"], "error: flag --number=two"),
        (["--mode=left"], "error: flag --mode=left: value should be one of <up|down>"),
        (["--number"], "error: Missing value for flag --number"),
        (["--t2t_usr_dir=gs://bucket/mine"], "error: --t2t_usr_dir=gs://bucket/mine is an address"),
        (["number=2"], "error: expected only flags, --name=value, but 'number=2' is not one"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(command, args, message):
    done = command(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(message) and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "args, message",
    [
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
        *(
            ([f"--raises=OSError(errno.{name}, os.strerror(errno.{name}), '/out')"], "error: ")
            for name in ("EISDIR", "ELOOP", "ENAMETOOLONG", "EIO", "EFBIG", "EMFILE", "ENOENT")
        ),
        (["--raises=MemoryError()"], "error: Out of memory. Free some"),
    ],
)
def test_a_mistake_is_one_line(command, args, message):
    done = command(*args)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(message) and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "error, message",
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "device: /x. Make room"),
        (OSError(errno.EIO, "Input/output error", "/x"), "error: /x. The disk may be failing"),
        (OSError(errno.EXDEV, "Cross-device link", "/x", None, "/y"), "link: /x and /y. Check"),
        (tf.errors.NotFoundError(None, None, "/x; No such file or directory"), "/x; No such file"),
        (tf.errors.UnknownError(None, None, "/x; File name too long"), "/x; File name too long."),
        (tf.errors.DataLossError(None, None, "corrupted record at 12"), "at 12. The disk may be"),
        (tf.errors.PermissionDeniedError(None, None, "/x; Permission denied"), "denied. Give a"),
        (tf.errors.FailedPreconditionError(None, None, "/x; Is a directory"), "directory. Check"),
        (tf.errors.UnknownError(None, None, "/x; No space left on device"), "device. Make room"),
        (
            tf.errors.ResourceExhaustedError(None, None, "{{node a}} OOM [Op:Mul]\nmore"),
            "OOM. Free some memory",
        ),
        (tf.errors.InvalidArgumentError(None, None, "shapes differ"), None),
        (tf.errors.NotFoundError(None, None, "Resource a/b does not exist"), None),  # a bug
    ],
)
def test_what_the_machine_refuses_says_what_to_do(error, message):
    found = app._users_mistake(error)
    assert (message in found and "\n" not in found) if message else found is None


def test_a_full_standard_output_is_one_line(command, tmp_path):
    line = f"{sys.executable} {tmp_path}/counter.py --number=3 > /dev/full"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith("error: No space left on device. Make")
    assert done.stderr.count("\n") == 1


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
    assert {"language", "parallel_text"} <= set(lines)  # a modality, a reader
    assert re.fullmatch(r" +wer +% +lower is better +Word error rate, in percent\.", lines["wer"])


def test_registry_help_lists_what_a_model_adds_to_hparams(command, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.py").write_text(
        "import dataclasses\n"
        "from t2t_mm import registry\n"
        "from t2t_mm.config.hparams import HParams, field\n"
        "@dataclasses.dataclass(frozen=True)\n"
        "class MyHParams(HParams):\n"
        "    window: int = field(5, 'positions that each position sees', low=1)\n"
        "@registry.register_model(hparams=MyHParams)\n"
        "def mine():\n"
        "    'Sees a window.'\n"
    )
    done = command("--registry_help", f"--t2t_usr_dir={tmp_path}/own")
    *_, title, line = done.stdout.splitlines()
    assert title == "Hparams of the model mine"
    assert line.split(maxsplit=2) == ["window", "5", "positions that each position sees"]


def test_commands_stand_side_by_side_in_one_process():
    """Each has flags of its own; absl's global ones would be defined twice."""
    from t2t_mm.cli import average, datagen, decoder, explain, exporter, inspect, score

    commands = (average, datagen, decoder, explain, exporter, inspect, score)
    assert all("t2t_usr_dir" in each.FLAGS for each in commands)
    assert "beam_size" in decoder.FLAGS and "beam_size" not in datagen.FLAGS


def test_a_second_call_in_one_process_starts_from_the_defaults(capsys):
    values = app.new_flags()
    flags.DEFINE_integer("number", 3, "A number.", flag_values=values)
    for args in (["--number=4"], []):
        app.run(lambda: print(values.number), values, ["command", *args])
    assert capsys.readouterr().out == "4\n3\n"
