"""Averages the weights of the last checkpoints of a run, into an output directory of its own.

    t2t-mm-average --output_dir=output/mini8 --average_dir=output/mini8_mean --checkpoints=3

The result is read like any run: by the decoder, the exporter, the trainer's --mode=evaluate. The
mean of the last checkpoints is often better than the last one alone, above all where the learning
rate does not end at 0.
"""

from pathlib import Path

from absl import flags

from t2t_mm.cli import app, checkpoint
from t2t_mm.config import limits
from t2t_mm.errors import UserError

FLAGS = app.new_flags()
flags.DEFINE_string("output_dir", None, "Directory of the training run.", flag_values=FLAGS)
checkpoint.define(FLAGS)
flags.DEFINE_string(
    "average_dir",
    None,
    "Where the averaged model goes; a directory without a checkpoint.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "checkpoints",
    3,
    "How many to average: the last ones up to --checkpoint.",
    lower_bound=1,
    upper_bound=limits.INT32,
    flag_values=FLAGS,
)


def main() -> str:
    """The command's work."""
    app.need(FLAGS, "output_dir", "average_dir")
    from t2t_mm.runs.directory import OutputDir

    source, target = OutputDir(FLAGS.output_dir), OutputDir(FLAGS.average_dir, "average_dir")
    last = checkpoint.check(FLAGS)
    source.check_record()
    if target.has_checkpoint:
        raise UserError(
            f"There is a checkpoint in {target.checkpoints} already: give another --average_dir."
        )
    target.check_writable()
    app.import_tensorflow()
    from t2t_mm.runs.paths import step_of

    with target.writing():
        target.copy_record(source)
        path, paths = _mean_of_intact(source.checkpoints, last, target.checkpoints)
    steps = ", ".join(f"{step_of(each):,}" for each in paths)
    print(f"{path}: the mean of the weights after {steps} steps")
    return FLAGS.average_dir


def _mean_of_intact(folder: Path, last: str, target: Path) -> tuple[str, list[str]]:
    """The path prefix of the mean of the last checkpoints up to `last` that can be read; and of
    these, oldest first."""
    from t2t_mm.runs.corruption import CorruptCheckpoint
    from t2t_mm.runs.mean import write_mean
    from t2t_mm.runs.paths import found, step_of

    count = FLAGS.checkpoints
    intact = [*(path for path in found(folder) if step_of(path) < step_of(last)), last]
    while len(intact) >= count:
        try:  # whether they are intact shows when they are read
            return write_mean(intact[-count:], target), intact[-count:]
        except CorruptCheckpoint as error:
            print(f"{error.path} is corrupt ({error.reason}) and left out.")
            intact.remove(error.path)
    raise UserError(
        f"{folder} has {len(intact)} intact checkpoints, not {count}: ask for fewer, or train on "
        "with a greater --keep_checkpoints."
    )


def entry() -> None:
    """The console script t2t-mm-average."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
