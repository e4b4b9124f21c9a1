"""What a train step costs on an accelerator: seconds, tokens per second, share of the
matrix-product peak, memory.

    python benchmarks/accelerator.py    # base and paper sizes, on text, image and speech
    python benchmarks/accelerator.py --check    # is a loss there the loss on the CPU?
    python benchmarks/accelerator.py --hparams_set=multimodel_tiny --modality=text \\
        --anyway                        # on a CPU, to try it

In bfloat16, compiled by XLA, with Adam. TensorFlow takes the step where it has the accelerator;
where only JAX has it, the same keras.ops model runs there. Batches are those of
benchmarks/train_step.py; operations are counted in the graph of the forward pass, and twice that
backward. `--check` takes five steps of the tiny set in float32, without rounding of products, on
the accelerator and on the CPU, and prints both losses; those of bfloat16 stand beside them.
"""

import functools
import itertools
import os
import statistics
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags  # noqa: E402
from train_step import FLAGS, Case, forward_flops  # noqa: E402

from t2t_mm import registry  # noqa: E402
from t2t_mm.cli import app  # noqa: E402
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError  # noqa: E402

flags.DEFINE_bool("anyway", False, "Measure even if there is no accelerator.", flag_values=FLAGS)
flags.DEFINE_bool("check", False, "Compare with the CPU; measure nothing.", flag_values=FLAGS)
flags.DEFINE_bool("exact", False, "Float32, products not rounded.", flag_values=FLAGS)
flags.DEFINE_enum(
    "task",
    None,
    ["find", "count", "measure", "losses"],
    "What a process that this one starts does.",
    flag_values=FLAGS,
)
flags.DEFINE_float("work", 0.0, "Floating-point operations of a step.", flag_values=FLAGS)

CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
# Several processes on one accelerator: none takes all of its memory.
SHARED = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}


def main():
    """Prints a line a case."""
    if FLAGS.task:
        print(globals()[FLAGS.task](), flush=True)
        return
    found = {name: device for name in ("tensorflow", "jax") if (device := child("find", name))}
    accelerated = [name for name, device in found.items() if device != "CPU"]
    usable = accelerated or (list(found) if FLAGS.anyway else [])
    if not usable:
        raise UserError(
            "Neither TensorFlow nor JAX finds an accelerator here; --anyway measures the CPU."
        )
    backend = usable[0]
    print(f"{found[backend]}, by {backend}", flush=True)
    modalities = [FLAGS.modality] if FLAGS.modality else ["text", "image", "speech"]
    (print_agreement if FLAGS.check else print_cost)(backend, modalities)


def print_cost(backend, modalities):
    """Prints what a step of each set and modality takes."""
    sets = [FLAGS.hparams_set] if FLAGS.hparams_set else ["multimodel_base", "multimodel_paper"]
    cases = list(itertools.product(sets, modalities))
    print(
        f"{'set':18}{'batch':8}{'s/step':>8}{'tokens/s':>10}{'TFLOP':>8}{'of peak':>9}"
        f"{'GiB':>6}{'compiling':>11}"
    )
    work = list(side_by_side("count", backend, [(flags_of(*case), CPU) for case in cases]))
    for case, operations in zip(cases, work, strict=True):
        line = child("measure", backend, *flags_of(*case), f"--work={operations or 0}")
        print(line or "{:18}{:8} failed".format(*case), flush=True)


def print_agreement(backend, modalities):
    """Prints the losses of five steps on the accelerator and on the CPU."""
    name = FLAGS.hparams_set or "multimodel_tiny"
    kinds = [
        ("CPU, float32", "--exact", CPU),
        ("accelerator, float32", "--exact", {}),
        ("accelerator, bfloat16", "--noexact", {}),
    ]
    cases = list(itertools.product(modalities, kinds))
    runs = [
        ([*flags_of(name, modality), flag], SHARED | environment)
        for modality, (_, flag, environment) in cases
    ]
    losses = side_by_side("losses", backend, runs)
    for (modality, (kind, *_)), values in zip(cases, losses, strict=True):
        print(f"{modality:8}{kind:24}{values or 'failed'}", flush=True)


def flags_of(hparams_set, modality):
    """What a process is given that runs this case."""
    return [f"--hparams_set={hparams_set}", f"--modality={modality}"]


def side_by_side(task, backend, runs):
    """What `child` gives for each of these (flags, environment), in their order: for what is not
    timed."""
    with futures.ThreadPoolExecutor(max(os.cpu_count() // 2, 1)) as pool:
        yield from pool.map(lambda run: child(task, backend, *run[0], **run[1]), runs)


def child(task, backend, *flags_given, **environment):
    """The last line that a process says that has a backend, and an accelerator's memory, to itself;
    "" if it fails."""
    line = [sys.executable, __file__, *sys.argv[1:], *flags_given, f"--task={task}"]
    errors = None if task in ("measure", "losses") else subprocess.DEVNULL
    environment = os.environ | {"KERAS_BACKEND": backend} | environment
    done = subprocess.run(line, text=True, stdout=subprocess.PIPE, stderr=errors, env=environment)
    return (
        done.stdout.strip().splitlines()[-1] if done.stdout.strip() and not done.returncode else ""
    )


def find():
    """The accelerator that the backend has, in words; "CPU" if it has none."""
    if os.environ["KERAS_BACKEND"] == "jax":
        import jax

        device = jax.devices()[0]
        return "CPU" if device.platform == "cpu" else device.device_kind
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU") + tf.config.list_physical_devices("TPU")
    return (
        tf.config.experimental.get_device_details(found[0]).get("device_name", found[0].name)
        if found
        else "CPU"
    )


def count():
    """Operations of a step: forward, and twice that backward."""
    import keras

    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams)
    case = Case(FLAGS.modality, hparams)
    dense = registry.model("multimodel")(hparams.replace(feed_forward="equal_flops"), [case])
    if keras.backend.backend() == "jax":
        return 3 * jax_flops(dense, case)
    import tensorflow as tf

    return 3 * forward_flops(dense, case, tf.nest.map_structure(tf.constant, case.batch()))


def jax_flops(model, case):
    """Operations of a forward pass as XLA counts them before it compiles."""
    import jax

    call = lambda *variables: model.stateless_call(*variables, case.batch(), problem=case.name)  # noqa: E731
    variables = [
        [variable.value for variable in group]
        for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    return jax.jit(call).lower(*variables).cost_analysis()["flops"]


def parts():
    """(the case, a train step that is waited for, the rate of a large product, peak memory)"""
    import keras

    on_jax = keras.backend.backend() == "jax"
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("float32" if FLAGS.exact else "mixed_bfloat16")
    if FLAGS.exact and on_jax:
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    elif FLAGS.exact:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)
    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams).replace(dropout=0.0)
    case = Case(FLAGS.modality, hparams)
    model = registry.model("multimodel")(hparams, [case])
    return case, *(jax_parts if on_jax else tensorflow_parts)(model, case, hparams)


def losses():
    """The losses of five steps."""
    step = parts()[1]
    return " ".join(f"{step():.6f}" for _ in range(5))


def measure():
    """The line of one case."""
    case, step, product, memory = parts()
    started = time.perf_counter()
    step()
    compiling = time.perf_counter() - started
    step()
    seconds, rates = [], []
    for _ in range(FLAGS.steps):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
        rates.append(product())
    wall, tokens = (
        statistics.median(seconds),
        case.batch()["targets"].shape[0] * max(case.length, 1),
    )
    tokens = FLAGS.tokens if FLAGS.modality == "image" else tokens
    return (
        f"{FLAGS.hparams_set:18}{FLAGS.modality:8}{wall:8.3f}{tokens / wall:10,.0f}"
        f"{FLAGS.work / 1e12:8.2f}"
        f"{FLAGS.work / wall / max(rates):9.0%}{memory() / 2**30:6.1f}{compiling:10.0f}s"
    )


def tensorflow_parts(model, case, hparams):
    """(a train step that is waited for, the rate of a large product, peak bytes of memory)"""
    import tensorflow as tf

    from t2t_mm.training.optimizers import make_optimizer
    from t2t_mm.training.step import TrainStep

    batch = tf.nest.map_structure(tf.constant, case.batch())
    train = TrainStep(
        model, make_optimizer(hparams, model.trainable_variables), hparams, jit_compile=True
    )
    a = tf.random.normal((side(), side()), dtype=tf.bfloat16)
    multiply = tf.function(lambda a: tf.reduce_sum(tf.matmul(a, a)), jit_compile=True)
    multiply(a)
    gpus = tf.config.list_logical_devices("GPU")
    memory = lambda: tf.config.experimental.get_memory_info("GPU:0")["peak"] if gpus else 0  # noqa: E731
    return (
        lambda: float(train(case.name, batch, 1e-4)["loss"]),
        functools.partial(rate, lambda: float(multiply(a))),
        memory,
    )


def jax_parts(model, case, hparams):
    """As `tensorflow_parts`; the step is that of Keras' stateless calls."""
    import jax
    import jax.numpy as jnp
    import keras

    batch = jax.tree.map(jnp.asarray, case.batch())
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(model.trainable_variables)

    def loss(trainable, others):
        out, others = model.stateless_call(
            trainable, others, batch, problem=case.name, training=True
        )
        nats = -jnp.take_along_axis(
            jax.nn.log_softmax(out["logits"]), batch["targets"][..., None], -1
        ).mean()
        return nats + out["aux_loss"], others

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def train(trainable, others, slots):
        (nats, others), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, others)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return nats, (trainable, others, slots)

    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = [[variable.value for variable in group] for group in groups]

    def step():
        nats, state[:] = train(*state)
        return float(nats)

    a = jax.random.normal(jax.random.key(0), (side(), side()), jnp.bfloat16)
    multiply = jax.jit(lambda a: (a @ a).sum())
    multiply(a)
    memory = lambda: (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)  # noqa: E731
    return step, functools.partial(rate, lambda: float(multiply(a))), memory


def side():
    """Of the matrices whose product is the peak: large for an accelerator, small for a CPU."""
    return 1024 if FLAGS.anyway else 8192


def rate(product):
    """Operations per second of a product of two matrices."""
    started = time.perf_counter()
    product()
    return 2 * side() ** 3 / (time.perf_counter() - started)


if __name__ == "__main__":
    app.run(main, FLAGS)
