"""Evaluating checkpoints of a run, beside its training or after it."""

import json
import os
import signal
import threading
import time

import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.evaluation.checkpoints import CheckpointEvaluator
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.signals import Terminated
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.directory import OutputDir
from t2t_mm.training import optimizers
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy, without_work

HPARAMS = TINY.replace(ema_decay=0.9)


def trainer(output, **options):
    config = RunConfig(**{"mode": "train", "model": simplest()} | options)
    return without_work(Trainer([Toy()], HPARAMS, config, output, console=Silent()))


def evaluator(output, **options):
    wanted = {"mode": "evaluate", "train_steps": 1000, "model": simplest()}
    config = RunConfig(**wanted | options)
    return CheckpointEvaluator(OutputDir(output), [Toy()], HPARAMS, config, Replicas(), Silent())


def metrics(output):
    return json.loads((output / "metrics_validation.json").read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that ended after 4 of its 1,000 steps, and what its trainer found."""
    output = tmp_path_factory.mktemp("run")
    one = trainer(output)
    one.train(4)
    return output, one.evaluate()


def test_the_same_as_the_trainer_finds_without_an_optimizer(run, monkeypatch):
    output, found = run
    monkeypatch.setattr(optimizers, "make_optimizer", None)
    evaluator(output).one()
    written = metrics(output)
    assert written["step"] == 4
    values = written["problems"]["toy_copy"]
    assert values == pytest.approx({name: found["toy_copy"][name] for name in values}, rel=1e-5)


def test_the_page_of_hparams_shows_the_options_of_the_run_and_not_of_the_evaluation(tmp_path):
    one = trainer(tmp_path, seed=3, train_steps=4)
    one.train(1)
    settings = evaluator(tmp_path, seed=5)._summaries.settings
    assert settings == one.summaries.settings
    assert (settings["seed"], settings["problems"]) == (3, "toy_copy")
    assert settings["ema_decay"] == 0.9


def test_following_ends_with_the_run_though_it_has_fewer_steps(run):
    output, _ = run
    following = evaluator(output)
    evaluated = []
    following._evaluate = evaluated.append
    following.follow(every=60.0)
    assert evaluated == [4]


def test_following_ends_at_the_last_step_of_a_run_of_an_older_version(run, tmp_path):
    output, _ = run
    assert OutputDir(output).has_ended() and not OutputDir(tmp_path).has_ended()
    following = evaluator(output, train_steps=4)
    following.output.has_ended = lambda: False
    following.follow(every=60.0)


def test_each_new_checkpoint_is_evaluated_until_training_is_stopped(tmp_path):
    """By SIGTERM, long before its last step."""
    one = trainer(tmp_path, save_every=2)
    one.train(2)
    OutputDir(tmp_path).write_status("training", 2)
    following, evaluated = evaluator(tmp_path), []

    def evaluate(step):
        evaluated.append(step)
        if len(evaluated) == 1:
            with pytest.raises(Terminated):
                stop_at_4.train()

    stop_at_4 = trainer(tmp_path, save_every=2)
    original = stop_at_4._one_step

    def step():
        if stop_at_4.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return original()

    stop_at_4._one_step = step
    following._evaluate = evaluate
    following.follow(every=0.1)
    assert evaluated == [2, 4]
    assert json.loads((tmp_path / "status.json").read_text())["reason"] == "interrupted"


def test_a_signal_ends_the_wait_for_the_next_checkpoint(tmp_path):
    one = trainer(tmp_path)
    one.train(2)
    OutputDir(tmp_path).write_status("training", 2)
    following = evaluator(tmp_path)
    following._evaluate = lambda path: None
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    started = time.monotonic()
    with OutputDir(tmp_path).alone(), pytest.raises(Terminated):  # as if it were trained
        timer.start()
        following.follow(every=60.0)
    assert time.monotonic() - started < 30
