"""Directories of runs as training leaves them, without the training."""

from t2t_mm.config.run import RunConfig
from t2t_mm.runs.directory import OutputDir
from tests.toys import TINY, Toy, ToyClass

UNITS = {"accuracy": "%"}


def evaluated(folder, losses, names=("toy_copy",), hparams=TINY, metrics=None, **options):
    """The directory of a run that has ended.

    Args:
        folder: of the run.
        losses: {step: log-perplexity of every problem}, of the validation split.
        names: of the problems.
        hparams: of the run.
        metrics: others than the log-perplexity, {name: value}, at every step.
        options: of the run.
    """
    output = OutputDir(folder)
    output.check_writable()
    made = [ToyClass(name) if "first" in name else Toy(name) for name in names]
    options = {"problems": "+".join(names), "train_steps": 100, "data_dir": "data"} | options
    output.record(hparams, made, RunConfig(**options))
    for step, loss in losses.items():
        results = {name: {"log_perplexity": loss} | (metrics or {}) for name in names}
        output.write_metrics("validation", step, results, UNITS if metrics else {})
    output.write_status("ended", max(losses, default=0), "finished")
    return folder
