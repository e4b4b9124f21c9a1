"""t2t-mm-tune as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from t2t_mm import registry
from t2t_mm.cli import tune
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.runs import history
from tests import commands
from tests.toys import SMALL

ROOT = Path(__file__).parents[2]
GIVEN = {
    "problems": "mini_ende",
    "range": "learning_rate=1e-4..1e-1",
    "metric": "mini_ende/log_perplexity",
    "data_dir": "data",
}
# Runs a command, and says which of what costs time it has imported.
SCRIPT = """
import sys
from t2t_mm.cli import tune
try:
    tune.entry()
except SystemExit as exit:
    heavy = {"tensorflow", "keras", "optuna", "sqlalchemy"} & set(sys.modules)
    print([exit.code, sorted(heavy)])
"""


def words(**flags):
    return [f"--{name}={value}" for name, value in flags.items() if value is not None]


def planned(tmp_path, **flags):
    """The search that a command line stands for."""
    tune.FLAGS(["tune", *words(**GIVEN | {"output_dir": tmp_path} | flags)])
    try:
        return tune._plan(tune.options.given(tune.RunConfig, tune.FLAGS))
    finally:
        for name in tune.FLAGS:
            tune.FLAGS[name].unparse()


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        ({"range": "learning_rat=1..2"}, 1, "did you mean learning_rate"),
        ({"range": "multimodel_rang"}, 1, "did you mean multimodel_range"),
        ({"range": "dropout=0|2"}, 1, "dropout is a float"),
        ({"range": None}, 2, "Give --range"),
        ({"metric": None}, 2, "Give --metric"),
        ({"metric": "mini_ende/acuracy"}, 1, "did you mean accuracy"),
        ({"metric": "mini_deen/bleu"}, 1, "--metric=mini_deen/bleu names no problem of this run"),
        ({"metric": "bleu"}, 1, "--metric=bleu is not problem/metric"),
        ({"trials": 0}, 2, "--trials"),
        ({"hparams_set": "multimodel_tinny"}, 1, "did you mean multimodel_tiny"),
        ({"keep_best": "mini_ende/bleu"}, 2, "unknown flag --keep_best"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_is_one_line_before_anything_is_imported(tmp_path, flags, code, told):
    given = words(**GIVEN | {"output_dir": tmp_path / "out"} | flags)
    line = [sys.executable, "-c", SCRIPT, *given]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"[{code}, []]\n"
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert told in done.stderr
    assert not (tmp_path / "out" / "trial_0").exists()


def test_a_metric_of_decoded_text_needs_examples_that_are_decoded(tmp_path):
    with pytest.raises(UserError, match="score of decoded text: give --decode_examples"):
        planned(tmp_path, metric="mini_ende/bleu")
    assert planned(tmp_path, metric="mini_ende/bleu", decode_examples=9).measure.higher_is_better


def test_what_is_given_is_that_of_every_trial(tmp_path):
    plan = planned(
        tmp_path,
        range="learning_rate=0.1|0.2,moe_k=2",
        hparams="moe_hidden=64,learning_rate=0.3",
        hparams_set="multimodel_tiny+no_attention",
        train_steps=7,
        seed=3,
    )
    own = registry.hparams("multimodel_tiny+no_attention").replace(moe_hidden=64, moe_k=2)
    assert plan.hparams == own.replace(learning_rate=0.3)
    assert plan.own == {"learning_rate": 0.3}
    options = plan.options({"learning_rate": 0.1})
    assert options["hparams"] == "moe_hidden=64,learning_rate=0.1,moe_k=2"
    assert (options["train_steps"], options["seed"]) == (7, 3)
    assert options["hparams_set"] == "multimodel_tiny+no_attention"


def test_a_hyperparameter_is_fixed_in_one_place(tmp_path):
    with pytest.raises(UserError, match="moe_k: --hparams and --range both fix it"):
        planned(tmp_path, range="learning_rate=0.1|0.2,moe_k=2", hparams="moe_k=3")


def test_a_set_that_is_refused_with_what_the_range_fixes_is_one_line(tmp_path):
    with pytest.raises(UserError, match="hidden_size must be even and a multiple of num_heads"):
        planned(tmp_path, range="learning_rate=0.1|0.2,hidden_size=127")


def test_trials_are_runs_and_the_best_trains_from_its_gin_file(trained_data, tmp_path):
    quick = SMALL.replace(optimizer="adam", moe_layers="none", attention=False)
    small = ",".join(f"{name}={value}" for name, value in quick.to_dict().items())
    flags = {
        **GIVEN,
        "range": "learning_rate=0.02|0.05",
        "hparams": small,
        "data_dir": trained_data,
        "output_dir": tmp_path,
        "trials": 2,
        "train_steps": 2,
        "eval_every": 1,
        "eval_steps": 1,
    }
    line = [sys.executable, "-m", "t2t_mm.cli.tune", *words(**flags)]
    done = commands.run(line, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Trial 1: complete" in done.stdout and "the set's own values" in done.stdout
    values = {}
    for number in range(2):
        folder = tmp_path / f"trial_{number}"
        assert [each.step for each in history.read(folder)] == [1, 2]
        assert json.loads((folder / "status.json").read_text())["state"] == "ended"
        values[number] = history.read(folder)[-1].problems["mini_ende"]["log_perplexity"]
    best = hparams_files.load(tmp_path / f"trial_{min(values, key=values.__getitem__)}")
    gin = [str(tmp_path / "best.gin")]
    assert hparams_files.resolve("multimodel_paper", gin_files=gin) == best
