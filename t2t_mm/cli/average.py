"""Averages the weights of the last checkpoints of a run, into an output directory of its own.

    t2t-mm-average --output_dir=output/mini8 --average_dir=output/mini8_mean --checkpoints=3

What reads a run reads it: the decoder, the exporter, the trainer's --mode=evaluate. The mean of the
last checkpoints is often better than the last of them, most where the learning rate does not end at
0.
"""

from absl import flags

from t2t_mm.cli import app
from t2t_mm.errors import UserError

flags.DEFINE_string("output_dir", None, "Of the training run.")
flags.DEFINE_string(
    "average_dir", None, "Where the averaged model goes; a directory that has no checkpoint yet."
)
flags.DEFINE_integer(
    "checkpoints", 3, "How many of the last checkpoints to average.", lower_bound=1
)


def main():
    """The command's work."""
    args = flags.FLAGS
    app.need("output_dir", "average_dir")
    from t2t_mm.runs.directory import OutputDir

    source, target = OutputDir(args.output_dir), OutputDir(args.average_dir)
    source.need_checkpoint()
    if target.has_checkpoint:
        raise UserError(
            f"There is a checkpoint in {target.checkpoints} already: give another --average_dir."
        )
    app.import_tensorflow()
    from t2t_mm.runs.corruption import corruption_of
    from t2t_mm.runs.paths import found, step_of
    from t2t_mm.runs.weights import write_mean

    paths = []
    for path in reversed(found(source.checkpoints)):
        reason = corruption_of(path) if len(paths) < args.checkpoints else ""
        if reason:
            print(f"{path} is corrupt ({reason}) and left out.")
        paths = paths if reason else [path, *paths]
    if len(paths) < args.checkpoints:
        raise UserError(
            f"{source.checkpoints} has {len(paths)} intact checkpoints, not "
            f"{args.checkpoints}: ask for fewer, or train on with a greater --keep_checkpoints."
        )
    target.check_writable()
    target.copy_record(source)
    paths = paths[-args.checkpoints :]
    path = write_mean(paths, target.checkpoints)
    steps = ", ".join(f"{step_of(each):,}" for each in paths)
    print(f"{path}: the mean of the weights after {steps} steps")


def entry():
    """The console script t2t-mm-average."""
    app.run(main)


if __name__ == "__main__":
    entry()
