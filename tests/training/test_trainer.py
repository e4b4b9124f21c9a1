"""The trainer as a library: learning, resuming, evaluating, refusing."""

import json
import re

import numpy as np
import pytest
from toys import TINY, Toy, ToyClass

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.training.checkpoints import latest, named_variables
from t2t_mm.training.console import Silent
from t2t_mm.training.evaluation import Evaluator
from t2t_mm.training.trainer import Trainer


def trainer(output_dir, problems=None, hparams=TINY, **arguments):
    problems = problems or [Toy("toy_copy"), ToyClass("toy_first")]
    return Trainer(problems, hparams, output_dir, console=Silent(), **arguments)


def weights(of):
    return {name: v.numpy().copy() for name, v in named_variables(of.model).items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 60 steps: the trainer, its directory, and what an untrained one scores."""
    directory = tmp_path_factory.mktemp("run")
    whole = trainer(directory, train_steps=60, save_every=25, seed=3)
    untrained = whole.evaluate()
    whole.train(eval_every=40)
    return whole, directory, untrained


def test_learns_both_problems(run):
    whole, _, untrained = run
    for name, values in whole.evaluate().items():
        assert values["log_perplexity"] < untrained[name]["log_perplexity"] - 0.2


def test_leaves_what_the_design_promises(run):
    whole, directory, _ = run
    results = whole.evaluate()
    written = json.loads((directory / "metrics_validation.json").read_text())
    assert written["step"] == 60 and list(written["problems"]) == ["toy_copy", "toy_first"]
    assert written["problems"]["toy_first"] == {
        name: results["toy_first"][name] for name in ("log_perplexity", "accuracy", "accuracy_top5")
    }
    assert sorted(p.stem for p in (directory / "checkpoints").glob("*.index")) == [
        "ckpt-25",
        "ckpt-50",
        "ckpt-60",
    ]
    assert list((directory / "tensorboard").iterdir())
    for name in ("hparams.json", "config.gin", "problems.json"):
        assert (directory / name).exists()


def test_goes_on_where_it_stopped(run, tmp_path):
    whole, directory, _ = run
    again = trainer(directory, train_steps=60, seed=3)
    assert again.step == 60
    for path, value in weights(again).items():
        np.testing.assert_array_equal(value, weights(whole)[path])
    before = latest(directory / "checkpoints")
    again.train()  # nothing left to do
    assert again.step == 60 and latest(directory / "checkpoints") == before


def test_the_same_seed_gives_the_same_run():
    first, second = (trainer(None, problems=[Toy()], train_steps=4, seed=5) for _ in range(2))
    for one in (first, second):
        one.train()
    other = weights(second)
    for name, value in weights(first).items():
        np.testing.assert_array_equal(value, other[name])
    begun = [weights(trainer(None, problems=[Toy()], seed=seed)) for seed in (5, 6)]
    assert any((begun[0][name] != value).any() for name, value in begun[1].items())
    assert any((begun[0][name] != value).any() for name, value in other.items())


def test_a_resumed_run_sees_other_batches():
    one = trainer(None)
    start = next(iter(one._data(one.problems[0])))["inputs"].numpy()
    again = next(iter(one._data(one.problems[0])))["inputs"].numpy()
    one.step = 4
    later = next(iter(one._data(one.problems[0])))["inputs"].numpy()
    np.testing.assert_array_equal(start, again)
    assert start.shape != later.shape or (start != later).any()


def test_other_architecture_leaves_the_checkpoint_alone(run):
    _, directory, _ = run
    before = {p: p.stat().st_mtime_ns for p in directory.rglob("*")}
    with pytest.raises(UserError, match="hidden_size"):
        trainer(directory, hparams=TINY.replace(hidden_size=32))
    with pytest.raises(UserError, match="toy_copy, toy_first"):
        trainer(directory, problems=[Toy("toy_copy")])
    assert {p: p.stat().st_mtime_ns for p in directory.rglob("*")} == before


def test_names_of_variables_depend_neither_on_models_made_before_nor_on_the_order_of_problems():
    """Checkpoints find variables by them; a notebook makes several models."""
    problems = [Toy("toy_copy"), ToyClass("toy_first")]
    first, second = (registry.model("multimodel")(TINY, order) for order in (problems, problems[::-1]))
    names, others = named_variables(first), named_variables(second)
    assert {name: v.shape for name, v in names.items()} == {name: v.shape for name, v in others.items()}
    assert {id(v) for v in names.values()} == {id(v) for v in first.variables}
    assert not [name for name in names if re.search(r"_\d+(/|$)", name)]  # no name that Keras numbered


def test_evaluation_is_the_mean_over_all_tokens_whatever_the_batches(run):
    whole, _, _ = run
    values = whole.evaluate()["toy_copy"]
    assert values["examples"] == 30
    small = Evaluator(whole.model, whole.problems, TINY.replace(batch_size=7)).run()["toy_copy"]
    assert small == pytest.approx(values, rel=1e-5)
    first = whole.evaluate(max_batches=1)["toy_copy"]
    assert 0 < first["examples"] < 30


def test_a_split_that_is_not_there(run):
    whole, _, _ = run
    with pytest.raises(UserError, match="'test'.*toy_copy has train, validation"):
        whole.evaluate("test")


def test_no_training_examples():
    with pytest.raises(UserError, match="no training examples for toy_copy"):
        trainer(None, problems=[Toy(examples={"validation": 5})]).train()


def test_a_loss_that_is_not_finite_stops_and_saves_nothing(tmp_path):
    broken = trainer(tmp_path, problems=[Toy()], train_steps=30, save_every=2)
    broken.train(2)
    table = broken.model.variables_of("toy_copy")[0]
    table.assign(np.full(table.shape, np.nan))
    with pytest.raises(UserError, match="loss of toy_copy is nan at step 3"):
        broken.train()
    assert latest(tmp_path / "checkpoints").endswith("ckpt-2")
