"""Where a run starts: its newest checkpoint, the weights of another run, or fresh values."""

import functools
from collections.abc import Callable, Sequence

from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.execution.replicas import Replicas
from t2t_mm.problem.base import Problem
from t2t_mm.runs.checkpoints import Checkpoints
from t2t_mm.runs.choice import NEWEST
from t2t_mm.runs.corruption import CorruptCheckpoint, newest_intact, read_chosen
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.paths import checkpoint_path
from t2t_mm.runs.warm_start import is_part_of, load_fitting
from t2t_mm.training.state import TrainState


class Restorer:
    """Gives a fresh state the values that the run goes on with.

    Args:
        state: fresh.
        problems: resolved problems, those of the model.
        replicas: in whose scope the state was made.
        log: function of one line.
    """

    def __init__(
        self,
        state: TrainState,
        problems: Sequence[Problem],
        replicas: Replicas,
        log: Callable[[str], None],
    ) -> None:
        self.state, self.problems, self.replicas, self.log = state, problems, replicas, log

    def resume(self, output: OutputDir, checkpoints: Checkpoints) -> None:
        """Restores the newest intact checkpoint, if there is one. If problems have come since, the
        run starts from its weights, at its step.

        Of several workers the chief chooses it: on a disk that machines share, a file that was
        written a moment ago may not be seen by all of them.
        """
        if not self.replicas.from_chief(output.has_checkpoint):
            checkpoints.check_not_mixed()
            return

        def read(path: str) -> int:
            if is_part_of(path, self.state.model):
                checkpoints.check_not_mixed()
                self._load_fitting(output, path)
                return checkpoints.restore_inputs(path)
            step = checkpoints.restore(path)
            self.log(f"Resuming from the checkpoint of step {step:,} in {output.checkpoints}")
            return step

        step = None
        if self.replicas.is_chief:
            step = newest_intact(output.checkpoints, read, self.log, with_inputs=True)
        self.state.step = self.replicas.from_chief(step)
        if not self.replicas.is_chief:
            self._follow(checkpoint_path(output.checkpoints, self.state.step), read)

    def _follow(self, path: str, read: Callable[[str], int]) -> None:
        """In a worker: reads the checkpoint that the chief has read."""
        try:
            read(path)
        except CorruptCheckpoint as error:
            raise UserError(
                f"Worker {self.replicas.worker} can't read {path}, from which the chief goes on "
                f"({error.reason}). Give an --output_dir that all workers see, and start the same "
                "command on all of them again."
            ) from error

    def start_from(self, output: OutputDir, which: str = NEWEST, rescale: bool = False) -> None:
        """Takes the weights that fit of a checkpoint of another run.

        Args:
            output: of that run.
            which: "newest" (that is intact), "best" or a step.
            rescale: see `warm_start.load_fitting`.
        """
        read = functools.partial(self._load_fitting, output, rescale=rescale)
        read_chosen(output, which, read, self.log)

    def _load_fitting(self, output, path, rescale=False) -> None:
        """Takes the weights that fit; the optimizer starts again."""
        recorded, model = output.recorded_problems(), self.state.model
        with self.replicas.scope():
            load_fitting(model, self.problems, path, recorded, output.path, self.log, rescale)
            if self.state.average:
                self.state.average.restart()


def check(
    output: OutputDir, problems: Sequence[Problem], hparams: HParams, config: RunConfig
) -> list[str]:
    """What a run that goes on changes, as lines to be logged.

    Raises:
        UserError: if it can't go on: another architecture, model, other problems or vocabularies.
    """
    options = output.check_config(config)
    output.check_hparams(hparams)
    output.check_names([problem.name for problem in problems])
    output.check_problems(problems)
    if not output.has_checkpoint:
        return []
    saved = hparams_files.load(output.path, output.recorded_model())
    found = (("hparams", hparams.diff(saved)), ("options", options))
    return [_line(what, changed) for what, changed in found if changed]


def _line(what: str, changed: dict[str, tuple]) -> str:
    changes = ", ".join(f"{name}={new} (was {old})" for name, (new, old) in changed.items())
    return f"Changed {what}: {changes}"
