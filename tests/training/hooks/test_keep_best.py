"""The best checkpoint is kept, and patience ends training."""

import json

import numpy as np

from t2t_mm.config.run import RunConfig
from t2t_mm.evaluation.evaluation import Evaluation
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.best import Best
from t2t_mm.runs.paths import latest
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy, without_work


def trainer(output, scores, asked=None, **options):
    """A trainer whose evaluations find `scores`: {step: accuracy}."""
    wanted = {"keep_best": "toy_copy/accuracy", "eval_every": 5, "train_steps": 50}
    config = RunConfig(**wanted | options, model=simplest())
    one = Trainer([Toy()], TINY, config, output, console=Silent())

    def run(step, split, *args):
        if asked is not None:
            asked.append(step)
        return Evaluation(step, split, 0, {"toy_copy": {"accuracy": scores[step]}}, {}, {})

    one._evaluator.run = run
    return without_work(one)


def kept(output):
    return Best("toy_copy/accuracy", output / "best.json")


def test_the_best_checkpoint_is_kept_and_patience_ends(tmp_path):
    one = trainer(tmp_path, {5: 0.2, 10: 0.5, 15: 0.4, 20: 0.3, 25: 0.9}, patience=2)
    one.train()
    best = kept(tmp_path)
    assert one.step == 20 and (best.value, best.step, best.since) == (0.5, 10, 2)
    assert latest(tmp_path / "best").endswith("ckpt-10")
    assert latest(tmp_path / "checkpoints").endswith("ckpt-20")
    again = trainer(tmp_path, {}, patience=2)
    again.train()
    assert again.step == 20  # patience is still at its end


def test_evaluations_made_again_after_a_kill_count_once(tmp_path):
    path, scores = tmp_path / "best.json", {5: 0.1, 10: 0.5, 15: 0.4, 20: 0.3, 25: 0.2}

    def run(until):
        one = trainer(tmp_path, scores, asked, patience=3, save_every=10)
        one.train(until)
        return one.step, kept(tmp_path).since

    asked = []
    assert run(10) == (10, 0)
    saved = json.loads(path.read_text())
    assert run(15) == (15, 1)
    values = {"5": 0.1, "10": 0.5, "15": 0.4, "20": 0.3}  # as after 20, killed
    path.write_text(json.dumps(saved | {"values": values}))
    assert run(25) == (25, 3) and asked == [5, 10, 15, 20, 25]
    assert latest(tmp_path / "best").endswith("ckpt-10")
    path.write_text(json.dumps(saved | {"values": {"5": 0.1, "10": 0.5}}))
    asked.clear()
    run(25)
    assert asked == [25]  # it was stopped before that evaluation


def test_the_last_step_counts_too(tmp_path):
    one = trainer(tmp_path, {5: 0.1, 7: 0.2}, train_steps=7)
    one.train()
    assert sorted(kept(tmp_path).values) == [5, 7] and one.evaluated == 7


def test_evaluations_of_another_split_or_outside_training_decide_nothing(tmp_path):
    one = trainer(tmp_path, {5: 0.5, 7: 0.9}, train_steps=5)
    one.train()
    one.evaluate("test")
    one.state.step = 7
    one.evaluate()
    assert sorted(kept(tmp_path).values) == [5]


def test_patience_needs_no_output_directory():
    one = trainer(None, {5: 0.2, 10: np.float64(0.1)}, patience=1)
    one.train()
    assert one.step == 10
