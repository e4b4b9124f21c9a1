"""What a train step costs: seconds, CPU-seconds, tokens per second, peak memory, share of the
matrix-product peak.

    python benchmarks/train_step.py     # tiny and base, on text, image and speech
    python benchmarks/train_step.py --hparams_set=multimodel_base --modality=text

Batches of 2,048 target tokens (`--tokens`), or of what costs as much, made up. Work is counted in
floating-point operations of matrix products and convolutions, forward once and backward twice that;
the peak is that of a large matrix product measured between the steps. Each case runs in a process
of its own, so that its peak memory is its own.
"""

import resource
import statistics
import subprocess
import sys
import time
from unittest import mock

import numpy as np
from absl import flags

from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.config import hparams_files
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language

FLAGS = app.new_flags()
flags.DEFINE_string("hparams_set", None, "Named hparams; none: tiny and base.", flag_values=FLAGS)
flags.DEFINE_string("hparams", "", "Changes to single hparams.", flag_values=FLAGS)
flags.DEFINE_enum(
    "modality",
    None,
    ["text", "image", "speech"],
    "Which batch; none: all three.",
    flag_values=FLAGS,
)
flags.DEFINE_integer("steps", 7, "Steps to take the median of.", lower_bound=1, flag_values=FLAGS)
flags.DEFINE_integer(
    "tokens",
    2048,
    "Target tokens of a batch; a picture counts as its positions.",
    lower_bound=64,
    flag_values=FLAGS,
)

TEXT = Language(vocab="text", size=8192)


class Case:
    """A problem without data: one side of each modality, and a batch of it."""

    command = "to-english"

    def __init__(self, modality, hparams):
        picture = Image().configure(hparams)
        self.name = modality
        self.inputs = {"text": TEXT, "image": picture, "speech": Audio()}[modality]
        self.targets = (
            Categorical(labels="thing", num_classes=1000) if modality == "image" else TEXT
        )
        positions = (-(-picture.size // picture.stride)) ** 2
        self.examples, self.length = (
            (max(FLAGS.tokens // positions, 1), 1)
            if modality == "image"
            else (FLAGS.tokens // 32, 32)
        )

    def batch(self):
        """Random inputs and targets, nothing padded: numpy arrays."""
        random, examples, length = np.random.default_rng(0), self.examples, self.length
        if self.name == "text":
            inputs = random.integers(3, TEXT.size, (examples, length), np.int32)
        elif self.name == "image":
            inputs = random.normal(size=(examples, self.inputs.size, self.inputs.size, 3)).astype(
                np.float32
            )
        else:
            inputs = random.normal(size=(examples, 8 * 60, 80, 1)).astype(np.float32)  # 4.8 seconds
        classes = getattr(self.targets, "num_classes", TEXT.size)
        result = {
            "inputs": inputs,
            "targets": random.integers(3, classes, (examples, length), np.int32),
            "targets_mask": np.ones((examples, length), bool),
        }
        return (
            result
            if self.name == "image"
            else result | {"inputs_mask": np.ones(inputs.shape[:2], bool)}
        )


def main():
    """Prints a line a case."""
    sets = [FLAGS.hparams_set] if FLAGS.hparams_set else ["multimodel_tiny", "multimodel_base"]
    modalities = [FLAGS.modality] if FLAGS.modality else ["text", "image", "speech"]
    if FLAGS.hparams_set and FLAGS.modality:
        print(measure(FLAGS.hparams_set, FLAGS.modality), flush=True)
        return
    titles = f"{'s/step':>8}{'CPU-s':>8}{'tokens/s':>10}{'GFLOP':>8}{'of peak':>9}{'GiB':>6}"
    print(f"{'set':18}{'batch':8}{titles}", flush=True)
    for name in sets:
        for modality in modalities:
            extra = [f"--hparams_set={name}", f"--modality={modality}"]
            subprocess.run([sys.executable, *sys.argv, *extra], check=True)


def measure(set_name, modality):
    """The line of one case."""
    import tensorflow as tf

    from t2t_mm.training.optimizers import make_optimizer
    from t2t_mm.training.step import TrainStep

    hparams = hparams_files.resolve(set_name, overrides=FLAGS.hparams)
    case = Case(modality, hparams)
    batch, build = tf.nest.map_structure(tf.constant, case.batch()), registry.model("multimodel")
    work = 3 * forward_flops(
        build(hparams.replace(feed_forward="equal_flops"), [case]), case, batch
    )
    model = build(hparams, [case])
    step = TrainStep(model, make_optimizer(hparams, model.trainable_variables), hparams)
    seconds, cpu, rates = [], [], []
    for i in range(FLAGS.steps + 2):
        started, cpu_started = time.perf_counter(), time.process_time()
        float(step(modality, batch, 1e-4)["loss"])
        if i >= 2:  # the first two compile and warm up
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - cpu_started)
            rates.append(matmul_rate())
    wall = statistics.median(seconds)
    share = work / wall / statistics.median(rates)
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    tokens = FLAGS.tokens if modality == "image" else case.examples * case.length
    return (
        f"{set_name:18}{modality:8}{wall:8.2f}{statistics.median(cpu):8.2f}{tokens / wall:10,.0f}"
        f"{work / 1e9:8.0f}"
        f"{share:9.0%}{gib:6.1f}"
    )


def forward_flops(model, case, batch):
    """Operations of one forward pass, counted in the graph. (The dense twin has the experts'
    operations.)"""
    import tensorflow as tf
    from tensorflow.python.profiler import model_analyzer, option_builder

    from t2t_mm.layers import kernels

    # what is in a graph of its own would not be counted
    with mock.patch.object(kernels, "shares_graphs", lambda: False):
        graph = (
            tf.function(lambda batch: model(batch, problem=case.name)["logits"])
            .get_concrete_function(batch)
            .graph
        )
    options = option_builder.ProfileOptionBuilder(
        option_builder.ProfileOptionBuilder.float_operation()
    )
    options = options.with_empty_output().with_node_names(hide_name_regexes=[]).build()
    return model_analyzer.profile(graph, options=options).total_float_ops


def matmul_rate(size=2048):
    """Floating-point operations per second of one large product of matrices, all threads."""
    import tensorflow as tf

    a = tf.random.normal((size, size))
    started = time.perf_counter()
    tf.matmul(a, a).numpy()
    return 2 * size**3 / (time.perf_counter() - started)


if __name__ == "__main__":
    app.run(main, FLAGS)
