"""The trainer as a library: learning, resuming, evaluating, refusing."""

import io
import json
import random
import re

import keras
import numpy as np
import pytest

from t2t_mm import registry
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.evaluation.evaluator import Evaluator
from t2t_mm.reporting.console import Console, Silent
from t2t_mm.runs import history
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import latest
from t2t_mm.training.trainer import Trainer
from tests.earlier import read_as_before
from tests.simplest import simplest
from tests.toys import TINY, Toy, ToyClass, without_work


def trainer(output_dir, problems=None, hparams=TINY, console=None, hooks=(), **options):
    problems = problems or [Toy("toy_copy"), ToyClass("toy_first")]
    config = RunConfig(**{"eval_every": 0} | options)
    return Trainer(problems, hparams, config, output_dir, hooks, console or Silent())


def simple(output_dir, **options):
    """One of the simplest model on one problem."""
    return trainer(output_dir, **{"problems": [Toy()], "model": simplest()} | options)


def weights(of):
    return {name: v.numpy().copy() for name, v in named_variables(of.model).items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 60 steps: the trainer, its directory, and what an untrained one scores."""
    directory = tmp_path_factory.mktemp("run")
    whole = trainer(directory, train_steps=60, save_every=25, seed=3, eval_every=40)
    untrained = whole.evaluate()
    whole.train()
    return whole, directory, untrained


def test_a_model_that_has_its_steps_says_so_and_no_loss_of_nothing(tmp_path):
    def said(steps):
        out = io.StringIO()
        without_work(
            simple(tmp_path, console=Console(out), mode="train", train_steps=steps)
        ).train()
        return out.getvalue()

    said(4)
    for steps in (2, 4):
        told = said(steps)
        assert f"trained for 4 steps: train_steps={steps} leaves nothing to train" in told
        assert f"step 4/{steps}" not in told


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
    newest = history.read(directory)[-1]
    assert (newest.step, newest.problems) == (60, written["problems"])


def test_goes_on_where_it_stopped(run, tmp_path):
    whole, directory, _ = run
    again = trainer(directory, train_steps=60, seed=3)
    again.resume()
    assert again.step == 60
    for path, value in weights(again).items():
        np.testing.assert_array_equal(value, weights(whole)[path])
    before = latest(directory / "checkpoints")
    again.train()  # nothing left to do
    assert again.step == 60 and latest(directory / "checkpoints") == before


def test_evaluations_of_a_branch_that_was_given_up_are_no_part_of_the_run(tmp_path):
    OutputDir(tmp_path).write_metrics("validation", 7, {"toy_copy": {"log_perplexity": 9.0}}, {})
    simple(tmp_path, train_steps=1).train()  # from the first step: there is no checkpoint
    assert history.read(tmp_path) == []


def test_the_same_seed_gives_the_same_run():
    hparams = TINY.replace(dropout=0.1)
    first, second = (simple(None, hparams=hparams, train_steps=4, seed=5) for _ in range(2))
    for one in (first, second):
        one.train()
    other = weights(second)
    for name, value in weights(first).items():
        np.testing.assert_array_equal(value, other[name])
    begun = [weights(simple(None, hparams=hparams, seed=seed)) for seed in (5, 6)]
    assert any((begun[0][name] != value).any() for name, value in begun[1].items())
    assert any((begun[0][name] != value).any() for name, value in other.items())


def test_making_a_trainer_touches_neither_disk_nor_global_generators(run, tmp_path):
    _, directory, _ = run
    before, python, numpy = set(directory.iterdir()), random.getstate(), np.random.get_state()
    (tmp_path / "file").write_text("")
    simple(tmp_path / "new", hparams=TINY.replace(ema_decay=0.9))
    simple(tmp_path / "file" / "below")  # that can't be a directory: of no concern yet
    simple(directory, hparams=TINY.replace(hidden_size=32))  # nor that it doesn't fit
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert set(directory.iterdir()) == before
    assert random.getstate() == python
    for mine, theirs in zip(np.random.get_state(), numpy, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(UserError, match="--output_dir=.*file/below can't be written to"):
        simple(tmp_path / "file" / "below").train()


def test_a_killed_run_ends_like_one_that_was_not(tmp_path):
    """Same batches, same draws of dropout and gates: same weights."""

    def run(name, *stops):
        for stop in stops:
            one = trainer(
                tmp_path / name,
                problems=[Toy(), ToyClass("toy_first")],
                hparams=TINY.replace(dropout=0.1),
                train_steps=9,
                seed=5,
                save_every=4,
            )
            one.train(stop)
        return weights(one)

    whole, parts = run("whole", 9), run("parts", 3, 9)
    for name, value in whole.items():
        np.testing.assert_array_equal(value, parts[name], name)


def test_other_batches_start_anew():
    first, other = simple(None), simple(None)
    batches = [
        one.inputs.next("toy_copy", step)["inputs"].numpy()
        for one, step in ((first, 0), (other, 4))
    ]
    again = simple(None).inputs.next("toy_copy", 0)["inputs"].numpy()
    np.testing.assert_array_equal(batches[0], again)
    assert batches[0].shape != batches[1].shape or (batches[0] != batches[1]).any()


def test_other_architecture_leaves_the_checkpoint_alone(run):
    _, directory, _ = run
    before = {p: p.stat().st_mtime_ns for p in directory.rglob("*")}
    with pytest.raises(UserError, match="hidden_size"):
        trainer(directory, hparams=TINY.replace(hidden_size=32)).resume()
    with pytest.raises(UserError, match="toy_copy, toy_first"):
        trainer(directory, problems=[Toy("toy_copy")]).resume()
    assert {p: p.stat().st_mtime_ns for p in directory.rglob("*")} == before


def test_names_of_variables_depend_neither_on_models_made_before_nor_on_the_order_of_problems():
    """Checkpoints find variables by them; a notebook makes several models."""
    problems = [Toy("toy_copy"), ToyClass("toy_first")]
    first, second = (
        registry.model("multimodel")(TINY, order) for order in (problems, problems[::-1])
    )
    names, others = named_variables(first), named_variables(second)
    assert {name: v.shape for name, v in names.items()} == {
        name: v.shape for name, v in others.items()
    }
    assert {id(v) for v in names.values()} == {id(v) for v in first.variables}
    assert not [
        name for name in names if re.search(r"_\d+(/|$)", name)
    ]  # no name that Keras numbered


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


def test_steps_given_to_the_device_together_are_the_same_steps(tmp_path):
    first, second = (simple(None, train_steps=7, steps_per_execution=n) for n in (1, 3))
    first.train()
    second.train()
    for name, value in weights(first).items():
        np.testing.assert_array_equal(value, weights(second)[name], err_msg=name)


def test_what_is_computed_again_is_the_same(monkeypatch):
    """Dropout and noise on the gates too."""
    hparams, updated = TINY.replace(dropout=0.2, rematerialise=True), []
    for again in (True, False):
        if not again:
            monkeypatch.setattr(keras, "remat", lambda function: function)
        one = trainer(None, problems=[Toy()], hparams=hparams, seed=2)
        one.train(3)
        updated.append(weights(one))
    for name, value in updated[0].items():
        np.testing.assert_allclose(value, updated[1][name], atol=1e-5, err_msg=name)


def test_parts_of_a_batch_add_up_to_it():
    updated = []
    for parts in (1, 3):
        one = simple(None, hparams=TINY.replace(accumulate=parts), train_steps=3, seed=2)
        one.train()
        updated.append(weights(one))
    for name, value in updated[0].items():
        if "seed" not in name:
            np.testing.assert_allclose(value, updated[1][name], atol=2e-4, err_msg=name)


def test_a_moving_average_is_evaluated_and_saved(tmp_path):
    hparams = TINY.replace(ema_decay=0.9)
    one = simple(tmp_path, hparams=hparams, train_steps=12)
    one.train(11)
    average = one.state.average
    before = {name: value.numpy() for name, value in average.averages.items()}
    one.train()
    for name, variable in average._variables.items():
        rest = 1 - min(0.9, 12 / 21)  # after 11 updates
        np.testing.assert_allclose(
            average.averages[name],
            before[name] + rest * (variable.numpy() - before[name]),
            atol=1e-6,
        )
    weighed, values = weights(one), one.evaluate()["toy_copy"]
    for name, value in weights(one).items():
        np.testing.assert_array_equal(value, weighed[name])
    averages = {name: value.numpy() for name, value in average.averages.items()}
    assert any((averages[name] != weighed[name]).any() for name in averages)
    again = simple(tmp_path, hparams=hparams, train_steps=12)
    assert again.evaluate()["toy_copy"] == values
    for name, value in again.state.average.averages.items():
        np.testing.assert_array_equal(value.numpy(), averages[name])
    assert simple(None).state.average is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"optimizer": "adafactor"},
            "optimizer=.* .now adafactor.; use that, or another .* with --warm_start_from",
        ),
        ({"ema_decay": 0.9}, "ema_decay=0.0 .now 0.9."),
    ],
)
def test_what_a_checkpoint_has_beside_the_weights_is_not_changed(tmp_path, changed, message):
    without_work(simple(tmp_path, train_steps=2)).train()
    with pytest.raises(UserError, match=message):
        simple(tmp_path, hparams=TINY.replace(**changed)).resume()


def test_changes_are_logged(tmp_path):
    without_work(simple(tmp_path, train_steps=2)).train()
    out = io.StringIO()
    hparams = TINY.replace(batch_size=TINY.batch_size + 1)
    simple(tmp_path, hparams=hparams, console=Console(out)).resume()
    assert f"batch_size={TINY.batch_size + 1} (was {TINY.batch_size})" in out.getvalue()
    assert "the order of the data starts again" in " ".join(out.getvalue().split())


def logged_on_resume(output, **options):
    out = io.StringIO()
    simple(output, console=Console(out), **options).resume()
    return out.getvalue()


def test_options_that_change_the_result_are_logged_on_resume(tmp_path):
    without_work(simple(tmp_path, train_steps=2, seed=3)).train()
    assert "Other" not in logged_on_resume(tmp_path, train_steps=2, seed=3, save_every=7)
    logged = logged_on_resume(tmp_path, train_steps=4, seed=1, precision="bfloat16")
    assert (
        "Changed options: train_steps=4 (was 2), seed=1 (was 3), precision=bfloat16 (was float32)"
    ) in " ".join(logged.split())
    recorded = json.loads((tmp_path / "run.json").read_text())
    assert recorded["problems"] == "toy_copy" and recorded["seed"] == 3
    with pytest.raises(UserError, match="was started with model=simplest, not other"):
        logged_on_resume(tmp_path, train_steps=2, model=other_model())


def other_model():
    registry.register_model("other")(registry.model("multimodel"))
    return "other"


def test_a_run_of_an_older_version_goes_on(tmp_path):
    """It has recorded no options."""
    without_work(simple(tmp_path, train_steps=2)).train()
    (tmp_path / "run.json").unlink()
    (tmp_path / "status.json").unlink()
    assert "Other" not in logged_on_resume(tmp_path, train_steps=4, seed=1)
    one = without_work(simple(tmp_path, train_steps=4))
    one.train()
    assert one.step == 4 and (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    "version, damaged",
    [
        ("this", "seeds.json"),
        ("0.1.0", "seeds.json"),
        ("0.1.0", "toy_copy.index"),
        ("0.1.0", "toy_copy.data-00000-of-00001"),
    ],
)
def test_damaged_inputs_are_named_and_the_checkpoint_before_is_taken(
    tmp_path, monkeypatch, version, damaged
):
    if version == "0.1.0":
        read_as_before(monkeypatch)
    one = without_work(simple(tmp_path, train_steps=4, save_every=2))
    one.train()
    (file,) = (tmp_path / "checkpoints" / "input-4").rglob(damaged)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    out = io.StringIO()
    again = simple(tmp_path, train_steps=4, console=Console(out))
    again.resume()
    assert again.step == 2 and "is corrupt (inputs of worker-0: " in " ".join(
        out.getvalue().split()
    )
    without_work(again).train()
    assert again.step == 4
