"""The trainer as a library: learning, resuming, evaluating, refusing."""

import io
import json
import os
import re
import signal

import keras
import numpy as np
import pytest

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.evaluation.evaluator import Evaluator
from t2t_mm.reporting.console import Console, Silent
from t2t_mm.runs.best import Best
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import latest
from t2t_mm.training.hooks.signals import Terminated
from t2t_mm.training.trainer import Trainer
from tests.toys import TINY, Toy, ToyClass


def trainer(output_dir, problems=None, hparams=TINY, **arguments):
    problems = problems or [Toy("toy_copy"), ToyClass("toy_first")]
    return Trainer(problems, hparams, output_dir, **{"console": Silent()} | arguments)


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
    first, other = trainer(None), trainer(None)
    batches = [
        one.inputs.next("toy_copy", step)["inputs"].numpy()
        for one, step in ((first, 0), (other, 4))
    ]
    again = trainer(None).inputs.next("toy_copy", 0)["inputs"].numpy()
    np.testing.assert_array_equal(batches[0], again)
    assert batches[0].shape != batches[1].shape or (batches[0] != batches[1]).any()


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


def test_a_loss_that_is_not_finite_stops_and_saves_nothing(tmp_path):
    broken = trainer(tmp_path, problems=[Toy()], train_steps=30, save_every=2)
    broken.train(2)
    table = broken.model.variables_of("toy_copy")[0]
    table.assign(np.full(table.shape, np.nan))
    before = weights(broken)
    with pytest.raises(
        UserError, match="toy_copy is nan .*at step 3.*nonfinite-3-toy_copy.npz.*--skip_nonfinite"
    ):
        broken.train()
    assert latest(tmp_path / "checkpoints").endswith("ckpt-2")
    batch = np.load(tmp_path / "nonfinite-3-toy_copy.npz")
    assert set(batch) == {"inputs", "inputs_mask", "targets", "targets_mask"}
    for name, value in weights(broken).items():
        if "seed" not in name:
            np.testing.assert_array_equal(value, before[name])


def test_steps_that_are_not_finite_can_be_skipped():
    said = []
    one = trainer(None, problems=[Toy()], train_steps=5, skip_nonfinite=True)
    one.console.log = said.append
    table = one.model.variables_of("toy_copy")[0]
    whole = table.numpy().copy()
    one.train(2)
    table.assign(np.full(table.shape, np.inf))
    one.train(4)
    assert one._guard.skipped == 2 and sum("it is skipped, the" in line for line in said) == 2
    table.assign(whole)
    one.train()
    assert one.step == 5 and all(np.isfinite(value).all() for value in weights(one).values())


def test_steps_given_to_the_device_together_are_the_same_steps(tmp_path):
    first, second = (
        trainer(None, problems=[Toy()], train_steps=7, steps_per_execution=n) for n in (1, 3)
    )
    first.train()
    second.train()
    for name, value in weights(first).items():
        np.testing.assert_array_equal(value, weights(second)[name], err_msg=name)


def test_a_loss_that_is_not_finite_is_found_late_but_before_anything_is_saved(tmp_path):
    broken = trainer(
        tmp_path, problems=[Toy()], train_steps=30, save_every=4, steps_per_execution=5
    )
    broken.train(4)
    table = broken.model.variables_of("toy_copy")[0]
    table.assign(np.full(table.shape, np.nan))
    with pytest.raises(UserError, match="toy_copy is nan .*at step 5.*nonfinite-5-toy_copy.npz"):
        broken.train()
    assert latest(tmp_path / "checkpoints").endswith("ckpt-4")
    with pytest.raises(
        UserError, match="--skip_nonfinite decides after each step, --steps_per_execution=5"
    ):
        trainer(None, skip_nonfinite=True, steps_per_execution=5)


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
    hparams = TINY.replace(
        moe_layers="none"
    )  # the balancing losses of experts are those of each part
    updated = []
    for parts in (1, 3):
        one = trainer(
            None, problems=[Toy()], hparams=hparams.replace(accumulate=parts), train_steps=3, seed=2
        )
        one.train()
        updated.append(weights(one))
    for name, value in updated[0].items():
        if "seed" not in name:
            np.testing.assert_allclose(value, updated[1][name], atol=2e-4, err_msg=name)


def test_a_moving_average_is_evaluated_and_saved(tmp_path):
    one = trainer(tmp_path, problems=[Toy()], hparams=TINY.replace(ema_decay=0.9), train_steps=12)
    one.train(11)
    before = {name: average.numpy() for name, average in one.average.averages.items()}
    one.train()
    for name, variable in one.average._variables.items():
        rest = 1 - min(0.9, 12 / 21)  # after 11 updates
        np.testing.assert_allclose(
            one.average.averages[name],
            before[name] + rest * (variable.numpy() - before[name]),
            atol=1e-6,
        )
    weighed, values = weights(one), one.evaluate()["toy_copy"]
    for name, value in weights(one).items():
        np.testing.assert_array_equal(value, weighed[name])
    averages = {name: average.numpy() for name, average in one.average.averages.items()}
    assert any((averages[name] != weighed[name]).any() for name in averages)
    again = trainer(tmp_path, problems=[Toy()], hparams=TINY.replace(ema_decay=0.9), train_steps=12)
    for name, average in again.average.averages.items():
        np.testing.assert_array_equal(average.numpy(), averages[name])
    assert again.evaluate()["toy_copy"] == values
    assert trainer(None, problems=[Toy()]).average is None


def test_the_best_checkpoint_is_kept_and_patience_ends(tmp_path):
    one = trainer(tmp_path, problems=[Toy()], train_steps=50)
    best = Best("toy_copy/accuracy", tmp_path / "best.json", patience=2)
    scores = iter([0.2, 0.5, 0.4, 0.3, 0.9])
    one.evaluate = lambda *args: {"toy_copy": {"accuracy": next(scores)}}
    one.train(eval_every=5, best=best)
    assert one.step == 20 and (best.value, best.step, best.since) == (0.5, 10, 2)
    assert latest(tmp_path / "best").endswith("ckpt-10")
    assert Best("toy_copy/accuracy", tmp_path / "best.json").value == 0.5
    with pytest.raises(UserError, match="no metric toy_copy/bleu; evaluated are toy_copy/accuracy"):
        Best("toy_copy/bleu").update(3, {"toy_copy": {"accuracy": 0.1, "tokens": 3}})
    lower = Best("a/log_perplexity")
    assert [
        lower.update(i, {"a": {"log_perplexity": value}})
        for i, value in enumerate([3.0, 3.5, 3.0, 2.0])
    ] == [True, False, False, True]


def test_evaluations_made_again_after_a_kill_count_once(tmp_path):
    path, scores = tmp_path / "best.json", {10: 0.5, 15: 0.4, 20: 0.3, 25: 0.2}

    def run(until):
        one = trainer(tmp_path, problems=[Toy()], train_steps=50, save_every=10)
        one.evaluate = lambda *args: (
            asked.append(one.step) or {"toy_copy": {"accuracy": scores[one.step]}}
        )
        best = Best("toy_copy/accuracy", path, patience=3)
        one.train(until, eval_every=5, best=best)
        return one.step, best.since

    asked = []
    scores[5] = 0.1
    assert run(10) == (10, 0)
    saved = path.read_text()
    assert run(15) == (15, 1)
    spoilt = json.loads(saved) | {
        "values": {"5": 0.1, "10": 0.5, "15": 0.4, "20": 0.3}
    }  # as after 20, killed
    path.write_text(json.dumps(spoilt))
    assert run(25) == (25, 3) and asked == [5, 10, 15, 20, 25]
    assert latest(tmp_path / "best").endswith("ckpt-10")
    path.write_text(json.dumps(spoilt | {"values": {"5": 0.1, "10": 0.5}}))
    asked.clear()
    run(25)
    assert asked == [25]  # it was stopped before that evaluation


def test_the_last_step_is_weighed_too(tmp_path):
    one = trainer(tmp_path, problems=[Toy()], train_steps=7)
    best = Best("toy_copy/log_perplexity", tmp_path / "best.json")
    one.train(eval_every=5, best=best)
    assert sorted(best.values) == [5, 7] and one.evaluated == 7


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"optimizer": "adafactor"},
            "optimizer=.* .now adafactor.; use that, or another .* with --warm_start_from",
        ),
        ({"ema_decay": 0.9}, "ema_decay=0.0 .now 0.9."),
    ],
)
def test_what_a_checkpoint_has_beside_the_weights_is_not_changed(tmp_path, changed, told):
    trainer(tmp_path, problems=[Toy()], train_steps=2).train()
    with pytest.raises(UserError, match=told):
        trainer(tmp_path, problems=[Toy()], hparams=TINY.replace(**changed))


def test_changes_are_told(tmp_path):
    trainer(tmp_path, problems=[Toy()], train_steps=2).train()
    out = io.StringIO()
    trainer(
        tmp_path,
        problems=[Toy()],
        hparams=TINY.replace(batch_size=TINY.batch_size + 1),
        console=Console(out),
    )
    assert f"batch_size={TINY.batch_size + 1} (was {TINY.batch_size})" in out.getvalue()
    assert "the order of the data starts anew" in " ".join(out.getvalue().split())


def test_interrupted_between_steps_it_saves_and_twice_it_stops_at_once(tmp_path):
    one = trainer(tmp_path, problems=[Toy()], train_steps=50)
    step = one._train_step
    one._train_step = lambda *args: (
        one.step == 6 and os.kill(os.getpid(), signal.SIGINT),
        step(*args),
    )[1]
    with pytest.raises(KeyboardInterrupt):
        one.train()
    assert one.step == 7 and latest(tmp_path / "checkpoints").endswith("ckpt-7")

    def twice(*args):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        return step(*args)

    one._train_step = twice
    with pytest.raises(KeyboardInterrupt):
        one.train()
    assert latest(tmp_path / "checkpoints").endswith("ckpt-7")


@pytest.mark.parametrize("spoilt", ["seeds.json", "toy_copy.index", "toy_copy.data-00000-of-00001"])
def test_spoilt_inputs_are_named_and_the_checkpoint_before_is_taken(tmp_path, spoilt):
    one = trainer(tmp_path, problems=[Toy()], train_steps=4, save_every=2)
    one.train()
    (file,) = (tmp_path / "checkpoints" / "input-4").rglob(spoilt)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    out = io.StringIO()
    again = trainer(tmp_path, problems=[Toy()], train_steps=4, console=Console(out))
    assert again.step == 2 and "is corrupt (inputs of worker-0: " in " ".join(
        out.getvalue().split()
    )
    again.train()
    assert again.step == 4


def test_told_to_stop_it_saves_first(tmp_path):
    one = trainer(tmp_path, problems=[Toy()], train_steps=50)
    step = one._train_step
    one._train_step = lambda *args: (
        one.step == 6 and os.kill(os.getpid(), signal.SIGTERM),
        step(*args),
    )[1]
    with pytest.raises(Terminated) as stopped:
        one.train()
    assert stopped.value.code == 143 and latest(tmp_path / "checkpoints").endswith("ckpt-7")
