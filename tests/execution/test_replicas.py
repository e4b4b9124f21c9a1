"""Training on several devices and workers is training on one: same losses, same metrics, same
weights."""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.execution.exchange import whole
from t2t_mm.execution.replicas import Replicas, split
from t2t_mm.execution.strategies import make_strategy, mirrored_cpus
from t2t_mm.layers.seeds import Seeds
from t2t_mm.layers.shares import holders
from t2t_mm.reporting.console import Silent
from t2t_mm.runs import weights
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import found
from t2t_mm.training.trainer import Trainer
from tests import commands
from tests.ports import free_ports, tf_config
from tests.simplest import simplest
from tests.toys import TINY, Toy

QUIET = TINY.replace(
    moe_noise=False
)  # nothing is drawn, so that any split of a batch must give the same
ROOT = Path(__file__).parents[2]


def trainer(count, hparams=QUIET, output=None, problems=None, console=None, **options):
    strategy = mirrored_cpus(count) if count > 1 else tf.distribute.get_strategy()
    config = RunConfig(**{"seed": 3, "eval_every": 0, "strategy": "one_device"} | options)
    with strategy.scope():
        return Trainer(problems or [Toy()], hparams, config, output, console=console or Silent())


def simple(count, hparams=QUIET, **options):
    """One of the simplest model: what is summed over replicas is the same for all models."""
    return trainer(count, hparams, model=simplest(), **options)


def steps(one, count):
    """The results of so many steps."""
    results, step = [], one._train_step

    def recorded(*args):
        results.append(step(*args))
        return results[-1]

    one._train_step = recorded
    one.resume()
    one.train(one.step + count)
    return results


def test_a_strategy_of_one_device_mirrors_nothing(monkeypatch):
    monkeypatch.setattr(
        tf.config, "list_logical_devices", lambda kind=None: ["cpu"] if kind == "CPU" else []
    )
    strategy = make_strategy("mirrored")
    assert not isinstance(strategy, tf.distribute.MirroredStrategy)
    config = RunConfig(strategy="mirrored", model=simplest())
    one = Trainer([Toy()], QUIET, config, console=Silent())
    assert one.replicas.count == 1
    one.train(1)


def test_replicas_train_and_evaluate_as_one_device():
    """Three of them, among which no batch can be shared evenly, but the experts."""
    hparams = QUIET.replace(moe_experts=6)
    one, three = trainer(1, hparams), trainer(3, hparams, expert_parallel="on")
    for theirs, mine in zip(steps(one, 5), steps(three, 5), strict=True):
        assert float(mine["tokens"]) == float(theirs["tokens"])
        for name in ("loss", "nats"):
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-5)
        np.testing.assert_allclose(mine["gradient_norm"], theirs["gradient_norm"], rtol=1e-4)
        for layer, report in theirs["experts"].items():
            np.testing.assert_allclose(mine["experts"][layer]["load"], report["load"], rtol=1e-5)
    for name, values in named_variables(three.model).items():
        if holders(values) > 1:
            mine = named_variables(one.model)[name]
            np.testing.assert_allclose(whole(values), mine, rtol=1e-3, atol=1e-5, err_msg=name)
            continue
        first, *others = three.replicas.strategy.experimental_local_results(values.value)
        for other in others:
            np.testing.assert_array_equal(first, other)
    evaluated = three.evaluate()
    for problem, metrics in one.evaluate().items():
        for name, value in metrics.items():
            np.testing.assert_allclose(
                evaluated[problem][name], value, rtol=1e-4, err_msg=f"{problem} {name}"
            )


def test_fifty_steps_on_one_device_and_on_four_have_the_same_losses():
    one, four = ([float(r["loss"]) for r in steps(simple(count), 50)] for count in (1, 4))
    np.testing.assert_allclose(four, one, rtol=1e-4)
    assert np.mean(one[-5:]) < np.mean(one[:5]) - 0.2  # they learn


@pytest.mark.parametrize("optimizer", ["adafactor", "muon"])
def test_every_optimizer_moves_replicas_alike(optimizer):
    hparams = QUIET.replace(optimizer=optimizer, weight_decay=0.1, accumulate=2, ema_decay=0.9)
    losses = [[float(r["loss"]) for r in steps(simple(count, hparams), 4)] for count in (1, 2)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_a_checkpoint_does_not_know_how_many_devices_wrote_it(tmp_path):
    losses = [float(r["loss"]) for r in steps(simple(2, output=tmp_path, train_steps=6), 3)]
    losses += [float(r["loss"]) for r in steps(simple(1, output=tmp_path, train_steps=6), 3)]
    whole = [float(r["loss"]) for r in steps(simple(1, train_steps=6), 6)]
    np.testing.assert_allclose(losses, whole, rtol=1e-4)


def test_replicas_draw_different_noise():
    replicas = Replicas(mirrored_cpus(2))
    with replicas.scope():
        seeds = Seeds(0)
        drawn = [replicas.strategy.run(seeds.next) for _ in range(3)]
    drawn = {
        tuple(np.asarray(each))
        for one in drawn
        for each in replicas.strategy.experimental_local_results(one)
    }
    assert len(drawn) == 6


def test_each_replica_takes_the_next_item_when_it_is_free():
    replicas, both = Replicas(mirrored_cpus(2)), threading.Barrier(2)
    with replicas.scope():
        variable = tf.Variable(0.0)
    copies = replicas.strategy.experimental_local_results(variable)
    for copy, value in zip(copies, (1.0, 2.0), strict=True):
        copy.assign(value)

    def work(item):
        if item < 2:
            both.wait(300)  # two at a time
        if item == 5:
            raise ValueError("five")
        return item, tf.identity(variable.read_value()).device[-1], float(variable.read_value())

    found = replicas.share_out(work, range(5))
    assert [item for item, _, _ in found] == [0, 1, 2, 3, 4]
    assert {(device, value) for _, device, value in found} == {("0", 1.0), ("1", 2.0)}
    with pytest.raises(ValueError, match="five"):
        replicas.share_out(work, range(2, 7))
    assert len(replicas.share_out(work, range(3))) == 3  # both are free again
    seen = []
    replicas.in_each(lambda: seen.append(float(variable.read_value())))
    assert seen == [1.0, 2.0]


def test_split_fills_up_with_padding():
    batch = {
        "inputs": tf.ones((2, 3, 4)),
        "inputs_mask": tf.ones((2, 3), tf.bool),
        "targets": tf.ones((2, 5), tf.int32),
        "targets_mask": tf.ones((2, 5), tf.bool),
    }
    parts = split(batch, 3)
    assert [part["inputs"].shape for part in parts] == [(1, 3, 4)] * 3
    assert [
        bool(tf.reduce_any(part[mask]))
        for part in parts
        for mask in ("inputs_mask", "targets_mask")
    ] == [True, True, True, True, False, False]
    assert [part["targets"].shape[0] for part in split(split(batch, 1)[0], 2)] == [1, 1]
    assert [part["targets"].shape[0] for part in split({"targets": tf.zeros((7, 1))}, 3)] == [
        2,
        2,
        3,
    ]


def test_xla_gives_the_same_loss_of_the_multimodel():
    compiled, plain = trainer(1, jit_compile=True), trainer(1)
    plain.inputs.static_shapes = True
    (mine,), (theirs,) = steps(compiled, 1), steps(plain, 1)
    for name in ("nats", "gradient_norm"):
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-3)


def test_xla_compiles_each_shape_once():
    hparams, said, console = QUIET.replace(bucket_growth=2.0), [], Silent()
    console.log = said.append
    one = simple(1, hparams, console=console, jit_compile=True)
    losses = [float(r["nats"]) for r in steps(one, 6)]
    plain = simple(1, hparams)
    plain.inputs.static_shapes = True
    np.testing.assert_allclose(losses, [float(r["nats"]) for r in steps(plain, 6)], rtol=1e-3)
    mine, theirs = (each.evaluate(max_batches=2)["toy_copy"] for each in (one, plain))
    for name, value in theirs.items():  # of batches that are not padded to static shapes
        np.testing.assert_allclose(mine[name], value, rtol=1e-3, err_msg=name)
    compiled = [line for line in said if line.startswith("Compiled")]
    assert 0 < len(compiled) <= 2 < one.inputs.most_shapes()
    assert f"({len(compiled)} of at most {one.inputs.most_shapes()})" in compiled[-1]


def test_bfloat16_learns_with_weights_in_float32():
    import keras

    one = trainer(1, TINY, precision="bfloat16", train_steps=40)
    nats = [float(r["nats"]) for r in steps(one, 40)]
    assert keras.config.dtype_policy().name == "float32"
    assert {v.dtype for v in one.model.trainable_variables} == {"float32"}
    assert one.model.encoder.compute_dtype == "bfloat16"
    assert np.mean(nats[-8:]) < np.mean(nats[:8]) and np.isfinite(nats).all()


@pytest.mark.parametrize(
    "config, told",
    [
        ("", "needs the environment variable TF_CONFIG"),
        ("{", "is no JSON object"),
        ("[" * 50_000, "is no JSON object"),
        ('{"cluster": {"worker": 3}}', "'worker' in .* is 3, where a list is expected"),
        ('{"cluster": {"worker": ["a:1"]}, "task": [1]}', "'task' in it is .1."),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}',
            'this one\'s task, not .*"index": 3',
        ),
        (
            '{"cluster": {"worker": ["a:1"], "evaluator": ["b:1"]}, '
            '"task": {"type": "evaluator", "index": 0}}',
            'this one\'s task, not .*"evaluator"',
        ),
        (
            '{"cluster": {"chief": ["b:1", "c:1"], "worker": ["a:1"]}, '
            '"task": {"type": "worker", "index": 0}}',
            "TF_CONFIG lists 2 chiefs",
        ),
    ],
)
def test_workers_must_be_told_of_each_other(monkeypatch, config, told):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match=told):
        make_strategy("multi_worker")


def test_a_strategy_that_is_none(monkeypatch):
    with pytest.raises(
        UserError, match="A strategy is auto, one_device, mirrored, multi_worker, tpu; not 'many'"
    ):
        make_strategy("many")
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert make_strategy("auto").num_replicas_in_sync == 1
    assert make_strategy("mirrored").num_replicas_in_sync == 4


JOINS = """
import os, signal, sys, time
from t2t_mm.cli import app
app.import_tensorflow()
from t2t_mm.errors import UserError
from t2t_mm.execution import strategies
joined = strategies.tf.distribute.MultiWorkerMirroredStrategy
def joining():
    strategy = joined()  # from here on SIGTERM has TensorFlow's handler
    os.kill(os.getpid(), signal.SIGTERM)
    return strategy
if "meanwhile" in sys.argv:
    strategies.tf.distribute.MultiWorkerMirroredStrategy = joining
try:
    strategies.make_strategy("multi_worker")
except UserError as error:
    raise SystemExit(str(error))
if "meanwhile" not in sys.argv:
    os.kill(os.getpid(), signal.SIGTERM)
time.sleep(1)
print("went on")
"""


@pytest.mark.parametrize("when", ["afterwards", "meanwhile", "never: its port is taken"])
def test_a_worker_heeds_sigterm_while_it_joins_and_says_where_its_port_is_taken(when):
    is_taken = when.startswith("never")
    (port,) = free_ports(1)
    with socket.create_server(("localhost", port)) if is_taken else contextlib.nullcontext():
        config = tf_config([f"localhost:{port}"], 0)
        line = [sys.executable, "-c", JOINS, when]
        environment = os.environ | {"TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = commands.run(line, cwd=ROOT, env=environment)
    if is_taken:
        assert done.returncode == 1 and "can't join the others of TF_CONFIG" in done.stderr
    else:
        assert done.returncode == -signal.SIGTERM and not done.stdout


class Workers:
    """Two processes that train together on this machine."""

    def __init__(self, output, until, *more):
        addresses = [f"localhost:{port}" for port in free_ports(2)]
        self.processes = []
        for index in range(2):
            config = tf_config(addresses, index)
            line = [sys.executable, "-m", "tests.execution.worker", output, str(until), *more]
            environment = os.environ | {"TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "3"}
            self.processes.append(commands.Command(line, cwd=ROOT, env=environment))

    def ends(self):
        """[(exit code, what was said)]"""
        return [(each.wait(), each.stdout + each.stderr) for each in self.processes]


def what_is_said(end):
    """What a worker that ended well says it ends with."""
    code, told = end
    assert code == 0, told
    return json.loads([line for line in told.splitlines() if line.startswith("{")][-1])


def test_two_workers_that_share_out_experts_train_as_if_each_had_all(tmp_path):
    each, shared = Workers(tmp_path / "off", 6, "off"), Workers(tmp_path / "on", 6, "on")
    theirs, same = map(what_is_said, each.ends())
    mine, other = map(what_is_said, shared.ends())
    assert theirs["weights"] == same["weights"] and theirs["rows"] == []
    assert mine["rows"] == other["rows"] == [2] * 4 and mine["all_rows"] == [4] * 4
    assert mine["weights"] == other["weights"] and mine["metrics"] == other["metrics"]
    for problem, metrics in theirs["metrics"].items():
        assert mine["metrics"][problem] == pytest.approx(metrics, rel=1e-4)
    one, another = (
        weights.read(found(tmp_path / way / "checkpoints")[-1]) for way in ("on", "off")
    )
    assert one.keys() == another.keys()
    for key, value in another.items():
        np.testing.assert_allclose(one[key], value, rtol=1e-3, atol=1e-4, err_msg=str(key))


def test_two_workers_stay_equal_and_go_on_after_one_is_killed(tmp_path):
    killed = Workers(tmp_path, 100_000, "on")
    deadline = time.monotonic() + 200
    while not found(tmp_path / "checkpoints") and time.monotonic() < deadline:
        time.sleep(0.2)
    killed.processes[1].send_signal(signal.SIGKILL)
    (chief, told), _ = killed.ends()
    assert chief == 1 and "lost another worker" in told
    step = int(found(tmp_path / "checkpoints")[-1].rpartition("-")[2])
    until = step + 6
    ends = Workers(tmp_path, until, "on").ends()
    assert [code for code, _ in ends] == [0, 0], ends
    first, second = map(what_is_said, ends)
    assert first["from"] == second["from"] == step and first["step"] == second["step"] == until
    assert first["weights"] == second["weights"] and first["metrics"] == second["metrics"]
    assert first["told"] == second["told"] == {"who": 0, "é": [1.5]}
    assert first["all"] == second["all"] == [[0, "é"], [1, "é"]]
    assert first["examples"] == 30  # of both workers' shares
