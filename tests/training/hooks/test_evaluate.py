"""Evaluations while training goes on."""

import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.evaluation.evaluation import Evaluation
from t2t_mm.reporting.console import Silent
from t2t_mm.runs import history
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy, without_work


def trainer(output, asked, cut_off=()):
    """A trainer that notes in `asked` the steps it evaluates; evaluations of `cut_off` end it."""
    options = {"eval_every": 5, "save_every": 5, "train_steps": 13}
    one = Trainer([Toy()], TINY, RunConfig(model=simplest(), **options), output, console=Silent())

    def run(step, split, *args):
        asked.append(step)
        if step in cut_off:
            raise KeyboardInterrupt
        return Evaluation(step, split, 0, {"toy_copy": {"accuracy": 0.5}}, {}, {})

    one._evaluator.run = run
    return without_work(one)


def test_an_evaluation_that_was_cut_off_is_made_up(tmp_path):
    asked = []
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, asked, cut_off=[5]).train()
    trainer(tmp_path, asked).train(11)
    trainer(tmp_path, asked).train()
    assert asked == [5, 5, 10]
    assert [each.step for each in history.read(tmp_path)] == [5, 10]
