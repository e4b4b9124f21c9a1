"""SIGTERM and Ctrl-C: between steps, at the last one, in an evaluation."""

import os
import signal

import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.execution.signals import StopSignals, Terminated
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.paths import latest
from t2t_mm.training.hooks.base import Hook
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy, ToyClass, without_work


class Send(Hook):
    """Sends this process signals after a step."""

    def __init__(self, step, *numbers):
        self.step, self.numbers = step, numbers

    def after_step(self, trainer, result):
        if result.step == self.step:
            for number in self.numbers:
                os.kill(os.getpid(), number)


def trainer(output, hook=None, problems=None, **options):
    options = {"train_steps": 50, "eval_every": 0} | options
    hooks = [hook] if hook else []
    config = RunConfig(**options, model=simplest())
    return without_work(Trainer(problems or [Toy()], TINY, config, output, hooks, Silent()))


@pytest.mark.parametrize(
    "number, error", [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_signal_ends_training_between_two_steps_with_a_checkpoint(tmp_path, number, error):
    before = signal.getsignal(number)
    one = trainer(tmp_path, Send(7, number))
    with pytest.raises(error) as stopped:
        one.train()
    assert one.step == 7 and latest(tmp_path / "checkpoints").endswith("ckpt-7")
    assert number == signal.SIGINT or stopped.value.code == 143
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    one = trainer(tmp_path, Send(3, signal.SIGINT, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        one.train()
    assert not latest(tmp_path / "checkpoints")


def test_a_signal_at_the_last_step_is_not_lost(tmp_path):
    """Else the evaluation after training would begin."""
    one = trainer(tmp_path, Send(3, signal.SIGTERM), train_steps=3)
    with pytest.raises(Terminated):
        one.train()
    assert latest(tmp_path / "checkpoints").endswith("ckpt-3")


def test_a_signal_ends_an_evaluation_between_two_batches(tmp_path):
    """Of some thousand, in the middle of training; the state is saved."""
    many = Toy(examples={"train": 200, "validation": 20_000})
    one = trainer(tmp_path, problems=[ToyClass("toy_first"), many], eval_every=4, save_every=100)
    seen = []

    def asked():
        seen.append(1)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return one._signals.number is not None

    run = one._evaluator.run
    one._evaluator.run = lambda number, split, batches, stop: run(number, split, batches, asked)
    with pytest.raises(Terminated) as stopped:
        one.train()
    assert stopped.value.code == 143 and len(seen) == 5 and one.step == 4
    assert latest(tmp_path / "checkpoints").endswith("ckpt-4")
    assert not (tmp_path / "metrics_validation.json").exists()


def test_signals_are_requests_only_within(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    signals = StopSignals()
    with signals, signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.asked()
    assert signal.getsignal(signal.SIGTERM) == before
    with signals:
        assert not signals.asked()  # what came before is done with
