"""What a run leaves in its output directory, and whether a new run fits what is there. No
TensorFlow here."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from t2t_mm import files, registry
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import VOCABULARIES
from t2t_mm.problem.base import Problem
from t2t_mm.runs.description import changes, describe

PROBLEMS_FILE = "problems.json"
CONFIG_FILE = "run.json"
STATUS_FILE = "status.json"
CHECKPOINTS = "checkpoints"


class OutputDir:
    """`<output_dir>`: hparams.json, config.gin, run.json, problems.json, status.json, vocabs/,
    checkpoints/, best/, tensorboard/, metrics_<split>.json.

    Files are replaced as a whole. Once there is a checkpoint, only a run of the same architecture,
    problems and vocabularies may write here.

    Args:
        path: of the directory, which need not exist.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path).expanduser()
        self.checkpoints = self.path / CHECKPOINTS
        self.best = self.path / "best"
        self.tensorboard = self.path / "tensorboard"

    # -- what is there

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is something to go on from (or to evaluate)."""
        return any(self.checkpoints.glob("ckpt-*.index"))

    def need_checkpoint(self) -> None:
        """Raises a UserError if there is no checkpoint."""
        if not self.path.is_dir():
            raise UserError(
                f"There is no directory {self.path}, where a trained model is expected."
            )
        if not self.has_checkpoint:
            raise UserError(
                f"There is no checkpoint in {self.checkpoints}. Train first: run with --mode=train."
            )

    def recorded_problems(self) -> dict[str, dict[str, Any]]:
        """{name: description}, as last written; {} if there is none."""
        recorded = self._read(PROBLEMS_FILE) or {"problems": {}}
        if "problems" not in recorded:
            raise self._unreadable(PROBLEMS_FILE, "it has no problems")
        return recorded["problems"]

    def recorded_model(self) -> str:
        """Name of the registered model."""
        return (self._read(PROBLEMS_FILE) or {}).get("model", "multimodel")

    def recorded_config(self) -> RunConfig | None:
        """The options of the run; None if an older version wrote the directory."""
        recorded = self._read(CONFIG_FILE)
        try:
            return None if recorded is None else RunConfig.from_dict(recorded)
        except UserError as error:
            raise self._unreadable(CONFIG_FILE, error) from error

    def has_ended(self) -> bool:
        """Whether the training run has ended, for whatever reason; false while it goes on, if it
        was killed, and if an older version wrote the directory."""
        return (self._read(STATUS_FILE) or {}).get("state") == "ended"

    def problem(self, name: str) -> Problem:
        """The registered problem that the run was trained on. A UserError says how to register one
        that isn't."""
        try:
            return registry.problem(name)
        except registry.RegistryError as error:
            raise UserError(
                f"{self.path} was trained on {name}, which is not registered here. Give its "
                "directory with --t2t_usr_dir (in Python, registry.load_directory), or register it."
            ) from error

    def ordered(self, names: Iterable[str]) -> list[str]:
        """`names` in the order of the recorded run, which decides what (seed, step) samples."""
        recorded = list(self.recorded_problems()) if self.has_checkpoint else []
        return sorted(
            names, key=lambda name: recorded.index(name) if name in recorded else len(recorded)
        )

    # -- whether a run fits it

    def check_writable(self) -> None:
        """Makes the directory if need be. Raises a UserError if it can't be written to."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(bytes(4096))  # a full disk refuses this
        except OSError as error:
            raise self._unwritable(error) from error

    def check_config(self, config: RunConfig) -> dict[str, tuple[Any, Any]]:
        """{option: (value now, value before)} of what a run that goes on from the checkpoint
        changes. Raises a UserError naming the options that can't change."""
        if not self.has_checkpoint:
            return {}
        saved = self.recorded_config()
        if saved is None:  # an older version recorded the model alone
            saved = config.replace(model=self.recorded_model())
        return config.changes(saved)

    def check_hparams(self, hparams: HParams) -> None:
        """Raises a UserError naming the fields in which `hparams` differ from the architecture of
        the checkpoint."""
        if self.has_checkpoint:
            saved = hparams_files.load(self.path, self.recorded_model())
            hparams.check_resumes(saved, str(self.checkpoints))

    def check_names(self, names: Iterable[str]) -> None:
        """Raises a UserError if the checkpoint was trained on problems that are not among these."""
        recorded = self.recorded_problems() if self.has_checkpoint else {}
        if set(recorded) - set(names):
            raise UserError(
                f"The checkpoint in {self.checkpoints} was trained on {_names(recorded)}, not on "
                f"{_names(names)} alone. Give --problems={'+'.join(recorded)}, to which others "
                f"may be added, or another --output_dir, with --warm_start_from={self.path} to "
                "start from this model."
            )

    def check_are_recorded(self, names: Iterable[str]) -> None:
        """Raises a UserError if some of these problems are not among those of the run."""
        recorded = self.recorded_problems()
        if others := [name for name in names if name not in recorded]:
            raise UserError(
                f"The run in {self.path} was trained on {_names(recorded)}, not on "
                f"{_names(others)}."
            )

    def check_problems(self, problems: Sequence[Problem]) -> None:
        """Raises a UserError if resolved `problems` differ from those of the same name of the
        checkpoint: spec or vocabulary."""
        recorded = self.recorded_problems() if self.has_checkpoint else {}
        for problem in problems:
            then = recorded.get(problem.name)
            for field, change in changes(problem, then) if then else ():
                raise UserError(
                    f"{problem.name} has other {field} than when the checkpoint in "
                    f"{self.checkpoints} was trained: {change}. Take the --data_dir of that run, "
                    "or another --output_dir."
                )

    # -- writing

    def record(self, hparams: HParams, problems: Sequence[Problem], config: RunConfig) -> None:
        """Writes hparams.json, config.gin, run.json, problems.json and the vocabularies: all that
        going on and decoding need."""
        try:
            hparams_files.save(hparams, self.path)
            specs = {spec for p in problems for spec in (p.inputs, p.targets)}
            for source in [path for spec in specs for path in spec.assets()]:
                copy = self.path / VOCABULARIES / source.name
                copy.parent.mkdir(parents=True, exist_ok=True)
                if source.is_file():
                    files.copy(source, copy)
        except OSError as error:
            raise self._unwritable(error) from error
        described = {p.name: describe(p) for p in problems}
        self.write_json(PROBLEMS_FILE, {"model": config.model, "problems": described})
        self.write_json(CONFIG_FILE, config.to_dict())

    def copy_record(self, other: "OutputDir") -> None:
        """Takes over what `record` wrote into another output directory."""
        names = (hparams_files.JSON_FILE, hparams_files.GIN_FILE, PROBLEMS_FILE, CONFIG_FILE)
        try:
            for name in names:
                if name != CONFIG_FILE or (other.path / name).exists():
                    shutil.copyfile(other.path / name, self.path / name)
            if (other.path / VOCABULARIES).is_dir():
                shutil.copytree(
                    other.path / VOCABULARIES, self.path / VOCABULARIES, dirs_exist_ok=True
                )
        except OSError as error:
            raise self._unwritable(error) from error

    def write_status(self, state: str, step: int, reason: str = "") -> None:
        """Writes status.json.

        Args:
            state: "training", or "ended".
            step: how many steps the model has been trained.
            reason: why it ended.
        """
        self.write_json(STATUS_FILE, {"state": state, "step": step, "reason": reason})

    def write_metrics(
        self,
        split: str,
        step: int,
        results: dict[str, dict[str, float]],
        units: dict[str, str],
    ) -> None:
        """Writes metrics_<split>.json from the results of an evaluation, with the unit of each
        metric that has one. Files without units are of 0.1.0: accuracies are shares there.

        What an evaluation of other problems at the same step has written stays beside it.
        """
        counts = ("examples", "tokens")
        metrics = {
            p: {k: v for k, v in values.items() if k not in counts} for p, values in results.items()
        }
        before = self._read(f"metrics_{split}.json") or {}
        if before.get("step") == step and "units" in before:
            units, metrics = before["units"] | units, before["problems"] | metrics
        self.write_json(
            f"metrics_{split}.json", {"step": step, "units": units, "problems": metrics}
        )

    def write_json(self, name: str, value: Any) -> None:
        """Writes a JSON file, whole or not at all. Raises a UserError if it can't be written."""
        try:
            files.write_json(self.path / name, value)
        except OSError as error:
            raise self._unwritable(error) from error

    def _read(self, name: str) -> Any:
        """The content of a JSON file that holds an object; None if there is none."""
        try:
            value = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise self._unreadable(name, error) from error
        if not isinstance(value, dict):
            raise self._unreadable(name, "it is no JSON object")
        return value

    def _unreadable(self, name, reason):
        return UserError(
            f"{self.path / name} can't be read: {reason}. Restore it, or take another --output_dir."
        )

    def _unwritable(self, error):
        return UserError(
            f"--output_dir={self.path} can't be written to: {error.strerror or error}. Give a "
            "directory on a disk with room, that you may write to."
        )


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
