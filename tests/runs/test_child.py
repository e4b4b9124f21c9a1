"""The command line of a run as a process of its own."""

import sys

from t2t_mm.runs.child import command


def test_what_is_empty_is_left_out_and_what_may_be_repeated_is():
    given = {"seed": 0, "hparams": "", "model": None, "gin_file": ("a.gin", "b.gin"), "bad": ()}
    assert command("out", given) == [
        *(sys.executable, "-m", "t2t_mm", "train", "--output_dir=out", "--seed=0"),
        *("--gin_file=a.gin", "--gin_file=b.gin"),
    ]
