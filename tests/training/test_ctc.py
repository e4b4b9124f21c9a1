"""A CTC head beside the decoder: where there is one, that it learns, and what it leaves alone."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.evaluation.evaluator import Evaluator
from t2t_mm.execution.strategies import mirrored_cpus
from t2t_mm.modalities.series.spec import Series
from t2t_mm.reporting.console import Silent
from t2t_mm.runs import metric
from t2t_mm.runs.names import named_variables
from t2t_mm.training.hooks.base import Hook
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy

SPOKEN = Series(channels=12, rate=1, mean=(0.0,) * 12, deviation=(1.0,) * 12)
STEPS = 3  # of the signal for each number
WATCHED = ("loss", "nats", "tokens", "gradient_norm", "ctc_left_out")
HEARD = TINY.replace(ctc_weight=0.3, learning_rate=1e-2, clip_norm=1.0)


class Spoken(Toy):
    """Numbers, each as some steps of a signal and a pause."""

    command = "to-what-was-said"
    inputs = SPOKEN
    steps = STEPS

    def encode_inputs(self, value, training=False, seed=None):
        said = tf.one_hot(tf.repeat(value, self.steps), 12) * 3.0
        is_pause = tf.range(tf.shape(said)[0]) % self.steps == self.steps - 1
        return said if self.steps == 1 else tf.where(is_pause[:, None], 0.0, said)


class Hurried(Spoken):
    """Without pauses: what is said twice in a row can't be told."""

    steps = 1


class Results(Hook):
    """Keeps what steps gave."""

    def __init__(self):
        self.values = []

    def after_step(self, trainer, result):
        self.values.append(result.values)


def trainer(problems, hparams=HEARD, output=None, hooks=(), steps=9, **options):
    config = RunConfig(train_steps=steps, seed=1, mode="train", model=simplest(), **options)
    return Trainer(problems, hparams, config, output, hooks, console=Silent())


def names(one):
    return {name for name in named_variables(one.model) if "alignment" in name}


def test_only_a_sequence_that_is_read_off_a_signal_has_a_head():
    assert not names(trainer([Spoken("spoken")], TINY)) and not names(trainer([Toy()]))
    both = trainer([Spoken("spoken"), Toy("toy_copy")])
    heads = {f"nets/language_numbers/alignment_{each}" for each in ("kernel", "bias")}
    assert names(both) == heads
    of = {name: {v.path for v in both.model.variables_of(name)} for name in both.model.problems}
    weights = {v.path for name, v in named_variables(both.model).items() if name in heads}
    assert weights < of["spoken"] and not weights & of["toy_copy"]


@pytest.fixture(scope="module")
def heard():
    """A trainer of some steps on two problems of one vocabulary, and what its steps gave."""
    results = Results()
    one = trainer([Spoken("spoken"), Toy("toy_copy")], hooks=[results], steps=300)
    one.train()
    return one, results.values


def test_the_head_learns_and_its_errors_stand_beside_those_of_the_decoder(heard):
    one, values = heard
    found = Evaluator(one.model, one.problems, HEARD).run("validation")
    assert found["spoken"]["ctc_error_rate"] < 30 and found["spoken"]["ctc_left_out"] == 0
    assert {"log_perplexity", "accuracy"} < found["spoken"].keys()
    assert not any("ctc" in name for name in found["toy_copy"])
    of_signal = [each for each in values if "ctc_left_out" in each]
    assert 0 < len(of_signal) < len(values) and not any(each["ctc_left_out"] for each in of_signal)


def test_the_loss_is_the_weighted_sum_of_both():
    found = []
    for weight in (0.25, 0.5):
        results = Results()
        hparams = HEARD.replace(ctc_weight=weight, label_smoothing=0.0)
        trainer([Spoken("spoken")], hparams, hooks=[results], steps=1).train()
        loss, nats = (float(results.values[0][name]) for name in ("loss", "nats"))
        found.append((nats, (loss - (1 - weight) * nats) / weight))
    (nats, of_head), again = found
    assert again == pytest.approx((nats, of_head), rel=1e-3) and abs(of_head - nats) > 0.1


def test_signals_that_are_too_short_are_counted_in_training_and_evaluation():
    results = Results()
    one = trainer([Hurried("hurried")], hooks=[results], steps=2)
    one.train()
    (share,) = (
        found["ctc_left_out"]
        for found in Evaluator(one.model, one.problems, HEARD).run("validation").values()
    )
    assert 0 < share < 100 and all(float(each["ctc_left_out"]) > 0 for each in results.values)
    assert all(np.isfinite(float(each["loss"])) for each in results.values)


def test_two_replicas_train_and_evaluate_as_one_device():
    found = []
    for strategy in (tf.distribute.get_strategy(), mirrored_cpus(2)):
        results, hparams = Results(), HEARD.replace(moe_noise=False)
        with strategy.scope():
            one = trainer([Hurried("hurried")], hparams, hooks=[results], strategy="one_device")
        one.train(4)
        steps = [[float(each[name]) for name in WATCHED] for each in results.values]
        found.append((steps, list(one.evaluate()["hurried"].values())))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-4)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-4)
    assert all(left_out > 0 for *_, left_out in found[0][0])


def test_flags_may_name_its_metrics_where_there_is_one():
    for hparams, name in ((HEARD, "ctc_error_rate"), (HEARD, "accuracy"), (TINY, "accuracy")):
        metric.check(f"spoken/{name}", [Spoken("spoken")], hparams, 0, "--keep_best")
    with pytest.raises(UserError, match="spoken is measured by log_perplexity, accuracy"):
        metric.check("spoken/ctc_error_rate", [Spoken("spoken")], TINY, 0, "--keep_best")


def test_a_run_with_a_head_goes_on_with_it_and_no_other_gets_one(tmp_path):
    trainer([Spoken("spoken")], output=tmp_path, steps=1).train()
    again = trainer([Spoken("spoken")], HEARD.replace(ctc_weight=0.1), output=tmp_path, steps=2)
    again.resume()
    assert again.step == 1
    with pytest.raises(UserError, match=r"was trained with ctc_weight=0.3 \(now 0.0\)"):
        trainer([Spoken("spoken")], TINY, output=tmp_path).resume()


def test_targets_without_a_head_are_one_clear_line(monkeypatch):
    monkeypatch.delattr("t2t_mm.modalities.language.net.LanguageNet.build_alignment")
    with pytest.raises(TypeError, match="LanguageNet has no CTC head: leave ctc_weight at 0"):
        trainer([Spoken("spoken")])
