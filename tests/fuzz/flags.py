"""Odd command lines: work begins, or one line says why not."""

import contextlib
import importlib
import io

from tests.fuzz import mutations
from tests.fuzz.runner import Kind

NAMES = ["mini_ende", "mini8", "mini_ende_rev", "mini_ende:2+mini_parse", "wmt_ende", "imagenet"]
ODD = [
    "nan",
    "inf",
    "-1",
    "0",
    "1",
    "1e999",
    "9" * 30,
    "9" * 5000,
    "0x10",
    "true",
    "maybe",
    "+",
    ":::",
    "mini_ende:nan",
    "mini_ende+mini_ende",
    "mini_ende_rev_rev",
    "hidden_size=nan",
    "dropout=1e400,moe_k=-3",
    "hidden_size=16,num_heads=3",
    "=,=",
    "hparams.hidden_size=@x()",
    "hparams.hidden_size=[[[",
    "bleu,wer",
    "problem/metric",
    "\udcff",
    "~",
    "/dev/null",
    "/dev/full",
    "/proc/self/mem",
    "/",
    "n" * 300,
    *mutations.ODD_TEXT[:4],
    "日本語",
]


class _Begun(BaseException):
    """The command line was good: TensorFlow would be imported."""


def _begin(place):
    from t2t_mm.__main__ import COMMANDS
    from t2t_mm.cli import app

    def begin():
        raise _Begun

    app.import_tensorflow = begin
    return place, {name: importlib.import_module(module) for name, module in COMMANDS.items()}


def _case(random, begun, folder, tried):
    from t2t_mm.cli import app

    place, commands = begun
    name = random.choice(sorted(commands))
    module = commands[name]
    given = _good(name, place, folder)
    for _ in range(random.choice((1, 1, 2, 4))):
        flag = random.choice([flag for flag in module.FLAGS if flag not in ("h", "help")])
        given[flag] = _odd(random, place, folder)
    args = [f"--{flag}={value}" for flag, value in given.items()]
    tried[0] = " ".join([name, *(arg[:80] for arg in args)])
    out, err = io.StringIO(), io.StringIO()
    sections = getattr(module, "SECTIONS", None)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            app.run(module.main, module.FLAGS, [name, *args], sections)
    except _Begun:
        return
    except SystemExit as exit_:
        lines = [line for line in err.getvalue().splitlines() if line.startswith("error: ")]
        assert exit_.code in (1, 2) and len(lines) == 1, err.getvalue()
        assert len(lines[0]) < 5000, "a message of thousands of characters"


def _odd(random, place, folder):
    if random.random() < 0.4:
        path = folder / f"odd{random.randrange(3)}"
        if not path.exists() and not path.is_symlink():
            path.write_text("I see two red rings.\n")
            mutations.of_file(random, path)
        return path
    return random.choice([*ODD, *NAMES, place / "run", place / "data", place / "raw"])


def _good(name, place, folder):
    """A command line that does something."""
    run = {"output_dir": place / "run"}
    for text in ("a.txt", "b.txt"):
        (folder / text).write_text("one\ntwo\n")
    return {
        "train": {
            "problems": "mini_ende+mini_imagenet",
            "data_dir": place / "data",
            "output_dir": folder / "out",
            "train_steps": 3,
        },
        "datagen": {"problems": "mini_ende", "data_dir": folder / "data", "workers": 1},
        "inspect": {"problems": "mini_ende", "data_dir": place / "data"},
        "decoder": run | {"problem": "mini_ende", "decode_from_file": folder / "a.txt"},
        "score": {"metrics": "bleu", "hypotheses": "a.txt", "references": "b.txt"},
        "explain": run | {"problem": "mini_ende", "input": "I see.", "picture": folder / "x"},
        "exporter": run | {"export_dir": folder / "export"},
        "average": run | {"average_dir": folder / "mean", "checkpoints": 1},
    }.get(name, run)


FLAGS = Kind("flags", 0.2, _begin, _case)
