"""What it costs to save and to resume: seconds, CPU-seconds, memory, bytes on the disk.

    python benchmarks/checkpoints.py                                  # tiny and base, about 5 GB
    python benchmarks/checkpoints.py --hparams_set=multimodel_paper   # where there is room for it

A model of text is built as the trainer does, without data or training, is saved, resumed and read
as for decoding; a process for each set. The time of a save is that for which training stands, then
that until all is written; meanwhile every variable is changed, as by a step. The peak is what the
process has in memory at most above what it had before, the state among it; bytes that are read or
written are counted as multiples of the size of the files.
"""

import ctypes
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from absl import flags

from t2t_mm.cli import app
from t2t_mm.config import hparams_files
from t2t_mm.config.run import RunConfig
from t2t_mm.modalities.language.spec import Language

FLAGS = app.new_flags()
flags.DEFINE_string("hparams_set", None, "Named hparams; none: tiny and base.", flag_values=FLAGS)
flags.DEFINE_string("hparams", "", "Changes to single hparams.", flag_values=FLAGS)
flags.DEFINE_string("folder", None, "Where to write; none: a temporary one.", flag_values=FLAGS)
GIB = 2**30


class Text:
    """A problem without data."""

    name, command = "text", "to-english"
    inputs = targets = Language(vocab="text", size=8192)


def main():
    """Prints a line an event."""
    if not FLAGS.hparams_set:
        for name in ("multimodel_tiny", "multimodel_base"):
            subprocess.run([sys.executable, *sys.argv, f"--hparams_set={name}"], check=True)
        return
    app.import_tensorflow()
    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams)
    with tempfile.TemporaryDirectory(dir=FLAGS.folder) as folder:
        measure(hparams, Path(folder))


def measure(hparams, folder):
    """Saves, resumes, and reads as for decoding."""
    from t2t_mm.execution.replicas import Replicas
    from t2t_mm.inference.run import put_weights
    from t2t_mm.runs.checkpoints import Checkpoints
    from t2t_mm.training.state import TrainState

    state = TrainState.create([Text()], hparams, RunConfig(seed=1), Replicas())
    checkpoints = Checkpoints(folder, state.model, state.optimizer, average=state.average)
    variables = [*state.model.variables, *state.optimizer.variables]
    for number, variable in enumerate(state.optimizer.variables):
        change(variable, number)
    size = sum(v.value.shape.num_elements() * v.value.dtype.size for v in variables) / GIB
    weights = f"{state.model.count_params():,} weights, {size:.2f} GiB with the optimizer"
    print(f"{FLAGS.hparams_set}: {weights}", flush=True)
    print(f"{'':24}{'s':>8}{'CPU-s':>8}{'peak GiB':>10}{'read':>7}{'written':>9}", flush=True)

    before, cost = total(variables), Cost(folder)
    checkpoints.save(1)
    cost.tell("save, training stands")
    for variable in variables:
        change(variable, 1)
    checkpoints.wait()
    cost.tell("save, all is written")
    sizes = [file.stat().st_size / GIB for file in folder.glob("ckpt-*")]

    cost = Cost(folder)
    checkpoints.restore()
    cost.tell("resume")
    same = total(variables) == before
    cost = Cost(folder)
    put_weights(state.model, str(folder / "ckpt-1"))
    cost.tell("weights alone")
    print(f"{len(sizes)} files of {sum(sizes):.2f} GiB; all values came back: {same}", flush=True)


def change(variable, number):
    """Adds a number to a variable, in place."""
    import tensorflow as tf

    variable.value.assign_add(tf.cast(tf.fill(variable.shape, number), variable.dtype))


def total(variables):
    """The sum of all values, by which they are known again."""
    import tensorflow as tf

    return sum(float(tf.reduce_sum(tf.cast(v.value, tf.float64) / 1e3)) for v in variables)


class Cost:
    """What this process spends from here on.

    Args:
        folder: of the checkpoint.
    """

    def __init__(self, folder):
        self.folder = folder
        ctypes.CDLL(None).malloc_trim(0)  # what is free is not kept
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self.memory, self.bytes = memory("VmRSS"), transferred()
        self.wall, self.cpu = time.monotonic(), time.process_time()

    def tell(self, event):
        """Prints what it was so far."""
        wall, cpu = time.monotonic() - self.wall, time.process_time() - self.cpu
        peak = (memory("VmHWM") - self.memory) / GIB
        size = sum(file.stat().st_size for file in self.folder.glob("ckpt-*") if file.is_file())
        spent = [now - then for now, then in zip(transferred(), self.bytes, strict=True)]
        read, written = (each / size if size else 0 for each in spent)
        costs = f"{wall:8.2f}{cpu:8.2f}{peak:10.2f}{read:7.2f}{written:9.2f}"
        print(f"{event:24}{costs}", flush=True)


def memory(name):
    """Bytes of a line of the process's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def transferred():
    """Bytes that the process has read and written so far."""
    return [int(line.split()[1]) for line in Path("/proc/self/io").read_text().splitlines()[:2]]


if __name__ == "__main__":
    app.run(main, FLAGS)
