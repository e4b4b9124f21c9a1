"""The protocol of hooks, as a user meets it."""

import json

import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.evaluation.evaluation import Evaluation
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.paths import latest
from t2t_mm.training.hooks.base import Hook
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy, without_work


class Diary(Hook):
    """Writes down what it is called for."""

    def __init__(self, raises_at=None, stops_at=None):
        self.lines, self.raises_at, self.stops_at = [], raises_at, stops_at

    def begin(self, trainer):
        self.lines.append(f"begin {trainer.step} to {trainer.until}")

    def before_step(self, trainer):
        self.lines.append(f"before {trainer.step}")

    def after_step(self, trainer, result):
        assert result.step == trainer.step and float(result.values["nats"]) > 0
        self.lines.append(f"after {result.step} {result.problem}")
        if result.step == self.raises_at:
            raise RuntimeError("enough")
        if result.step == self.stops_at:
            trainer.stop("That will do.")

    def evaluated(self, trainer, evaluation):
        self.lines.append(f"evaluated {evaluation.split} {list(evaluation.results)}")

    def end(self, trainer, error):
        self.lines.append(f"end {error!r}")


def trainer(output, hook, **options):
    config = RunConfig(**{"train_steps": 3, "eval_every": 2} | options, model=simplest())
    one = Trainer([Toy()], TINY, config, output, hooks=[hook], console=Silent())
    one._evaluator.run = lambda step, split, *args: Evaluation(
        step, split, 0, {"toy_copy": {"accuracy": 0.5}}, {}, {}
    )
    return without_work(one)


def status(output):
    return json.loads((output / "status.json").read_text())


def test_a_users_hook_sees_all_without_a_fork(tmp_path):
    hook = Diary()
    trainer(tmp_path, hook).train()
    assert hook.lines == [
        "begin 0 to 3",
        "before 0",
        "after 1 toy_copy",
        "before 1",
        "evaluated validation ['toy_copy']",  # the built-in hooks come first
        "after 2 toy_copy",
        "before 2",
        "after 3 toy_copy",
        "end None",
    ]
    assert status(tmp_path) == {"state": "ended", "step": 3, "reason": "finished"}


def test_a_hook_can_end_training_as_if_all_steps_were_done(tmp_path):
    one = trainer(tmp_path, Diary(stops_at=2), mode="train")
    one.train()
    assert one.step == 2 and latest(tmp_path / "checkpoints").endswith("ckpt-2")
    one.train()  # asked again, it goes on
    assert one.step == 3


def test_a_hook_that_fails_ends_training_and_every_hook_learns_of_it(tmp_path):
    hook = Diary(raises_at=2)
    one = trainer(tmp_path, hook, mode="train")
    with pytest.raises(RuntimeError, match="enough"):
        one.train()
    assert hook.lines[-1] == "end RuntimeError('enough')"
    assert not latest(tmp_path / "checkpoints")
    assert status(tmp_path)["reason"] == "RuntimeError: enough"


def test_what_a_hook_does_aside_is_left_out_of_the_speed(tmp_path):
    times = iter(range(1000))

    class Slow(Hook):
        def after_step(self, trainer, result):
            with trainer.aside(), trainer.aside():
                next(times)

    one = trainer(None, Slow(), mode="train")
    one.train()
    assert one.paused > 0


def test_a_second_training_in_one_directory_is_refused_and_changes_nothing(tmp_path):
    class Second(Hook):
        def after_step(self, trainer, result):
            before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
            with pytest.raises(UserError, match="Another process is training"):
                make(tmp_path, Diary(), mode="train").train()
            assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
            assert trainer.output.state() == "training"

    make = trainer
    trainer(tmp_path, Second(), mode="train").train()
    trainer(tmp_path, Diary(), mode="train").train()
