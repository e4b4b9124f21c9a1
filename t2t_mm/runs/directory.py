"""What a run leaves in its output directory, and whether a new run fits what is there. No
TensorFlow here."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from t2t_mm import files, locks, records, registry
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError, first_line
from t2t_mm.modalities.language.spec import VOCABULARIES
from t2t_mm.problem.base import Problem
from t2t_mm.runs import history
from t2t_mm.runs.description import changes, describe
from t2t_mm.runs.paths import found

PROBLEMS_FILE = "problems.json"
CONFIG_FILE = "run.json"
STATUS_FILE = "status.json"
CHECKPOINTS = "checkpoints"
LOCK_FILE = "lock"  # held by the process that trains


class _Side(TypedDict):
    kind: str


class _Findings(TypedDict, total=False):
    findings: dict[str, dict[str, Any]]  # not recorded by older versions


class _Described(_Findings):
    command: str
    inputs: _Side
    targets: _Side


class _Model(TypedDict, total=False):
    model: str


class _Problems(_Model):
    problems: dict[str, _Described]


class _Status(TypedDict, total=False):
    state: str
    host: str  # of the process that trains
    train_steps: int  # of a run to which nothing is to be added


class _Metrics(TypedDict, total=False):
    step: int
    units: dict[str, str]
    problems: dict[str, dict[str, float | None]]


class OutputDir:
    """`<output_dir>`: hparams.json, config.gin, run.json, problems.json, status.json, vocabs/,
    checkpoints/, best/, tensorboard/, metrics_<split>.json, metrics.jsonl.

    Files are replaced as a whole. Once there is a checkpoint, only a run of the same architecture,
    problems and vocabularies may write here.

    Args:
        path: of the directory, which need not exist.
        flag: the flag that gives it, for errors.
    """

    def __init__(self, path: str | os.PathLike, flag: str = "output_dir") -> None:
        files.check_local(path, flag)
        self.path, self.flag = Path(path).expanduser(), flag
        self.checkpoints = self.path / CHECKPOINTS
        self.best = self.path / "best"
        self.tensorboard = self.path / "tensorboard"

    # -- what is there

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is something to go on from (or to evaluate)."""
        return bool(found(self.checkpoints))

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
        """{name: description}, as last written, of a run that has a checkpoint."""
        recorded = self._read(PROBLEMS_FILE, _Problems)["problems"]
        if not recorded:
            raise self._unreadable(PROBLEMS_FILE, "it has no problems")
        return recorded

    def recorded_model(self) -> str:
        """Name of the registered model."""
        return self._read(PROBLEMS_FILE, _Problems).get("model", "multimodel")

    def recorded_config(self) -> RunConfig | None:
        """The options of the run; None if an older version wrote the directory."""
        if not os.path.lexists(self.path / CONFIG_FILE):
            return None
        try:
            return RunConfig.from_dict(self._read(CONFIG_FILE, dict[str, Any]))
        except UserError as error:
            raise self._unreadable(CONFIG_FILE, error) from error

    def state(self) -> str:
        """ "training", "ended", "killed" (which shows on the machine that it was trained on alone),
        or "" where nothing was trained, or by an older version."""
        if not os.path.lexists(self.path / STATUS_FILE):
            return ""
        status = self._read(STATUS_FILE, _Status)
        is_ours = status.get("host") == socket.gethostname()
        was_killed = is_ours and not locks.is_locked(self.path / LOCK_FILE)
        state = status.get("state", "")
        return "killed" if state == "training" and was_killed else state

    def has_ended(self) -> bool:
        """Whether the training run has ended, for whatever reason; false while it goes on, as far
        as `state` knows."""
        return self.state() in ("ended", "killed")

    def is_complete(self, train_steps: int) -> bool:
        """Whether a command was through that trained for so many steps."""
        if not self.has_checkpoint or not os.path.lexists(self.path / STATUS_FILE):
            return False
        return self._read(STATUS_FILE, _Status).get("train_steps", -1) >= train_steps

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

    def check_record(self) -> None:
        """Raises a UserError if what `record` wrote can't be read."""
        self.recorded_problems()
        self.recorded_config()
        hparams_files.load(self.path, self.recorded_model())

    def ordered(self, names: Iterable[str]) -> list[str]:
        """`names` in the order of the recorded run, which decides what (seed, step) samples."""
        recorded = list(self.recorded_problems()) if self.has_checkpoint else []
        return sorted(
            names, key=lambda name: recorded.index(name) if name in recorded else len(recorded)
        )

    # -- whether a run fits it

    def check_writable(self) -> None:
        """Makes the directory if need be. Raises a UserError if it can't be written to."""
        with self.writing():
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (self.path, self.tensorboard, self.checkpoints):
                if folder.exists():
                    with tempfile.TemporaryFile(dir=folder) as file:
                        file.write(bytes(4096))  # a full disk refuses this

    def check_free(self) -> None:
        """Raises a UserError if another process trains in the directory."""
        if locks.is_locked(self.path / LOCK_FILE):
            raise self._taken()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time trains in the directory: a UserError for the second. However it
        ends, its lock goes with it."""
        try:
            with locks.locked(self.path / LOCK_FILE):
                yield
        except locks.Locked:
            raise self._taken() from None

    def _taken(self):
        return UserError(
            f"Another process is training in {self.path}. Wait for it to end, or give another "
            "--output_dir; --mode=evaluate can run beside it."
        )

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
        with self.writing():
            hparams_files.save(hparams, self.path)
            specs = {spec for p in problems for spec in (p.inputs, p.targets)}
            for source in [path for spec in specs for path in spec.assets()]:
                copy = self.path / VOCABULARIES / source.name
                copy.parent.mkdir(parents=True, exist_ok=True)
                if source.is_file():
                    files.copy(source, copy)
        described = {p.name: describe(p) for p in problems}
        self.write_json(PROBLEMS_FILE, {"model": config.model, "problems": described})
        self.write_json(CONFIG_FILE, config.to_dict())

    def copy_record(self, other: "OutputDir") -> None:
        """Takes over what `record` wrote into another output directory."""
        for name in (hparams_files.JSON_FILE, hparams_files.GIN_FILE, PROBLEMS_FILE, CONFIG_FILE):
            if (other.path / name).exists():
                self._copy(other.path / name, self.path / name)
        vocabularies = self.path / VOCABULARIES
        for path in sorted((other.path / VOCABULARIES).glob("*")):
            with self.writing():
                vocabularies.mkdir(exist_ok=True)
            self._copy(path, vocabularies / path.name)

    def _copy(self, source, target):
        try:
            content = files.content(source, records.LARGEST)
        except (OSError, ValueError) as error:
            raise self._unreadable(source, error) from error
        with self.writing():
            files.write_bytes(target, content)

    def write_status(self, state: str, step: int, reason: str = "") -> None:
        """Writes status.json.

        Args:
            state: "training", by the process that is `alone`, or "ended".
            step: how many steps the model has been trained.
            reason: why it ended.
        """
        where = {"host": socket.gethostname()} if state == "training" else {}
        self.write_json(STATUS_FILE, {"state": state, "step": step, "reason": reason, **where})

    def write_complete(self, step: int, train_steps: int) -> None:
        """Writes status.json once a command is through that was to train for `train_steps`: the
        model, trained for `step`, is saved and evaluated."""
        complete = {"step": step, "reason": "finished", "train_steps": train_steps}
        self.write_json(STATUS_FILE, {"state": "ended", **complete})

    def write_metrics(
        self,
        split: str,
        step: int,
        results: dict[str, dict[str, float]],
        units: dict[str, str],
    ) -> None:
        """Writes metrics_<split>.json from the results of an evaluation, with the unit of each
        metric that has one, and appends them to metrics.jsonl. Files without units are of 0.1.0:
        accuracies are shares there.

        What an evaluation of other problems at the same step has written stays beside it.
        """
        counts = ("examples", "tokens")
        metrics = {
            p: {k: v for k, v in values.items() if k not in counts} for p, values in results.items()
        }
        with self.writing():
            history.append(self.path, split, step, units, metrics)
        before = self._metrics(split)
        if before.get("step") == step and "units" in before and "problems" in before:
            units, metrics = before["units"] | units, before["problems"] | metrics
        self.write_json(
            f"metrics_{split}.json", {"step": step, "units": units, "problems": metrics}
        )

    def write_resumed(self, step: int) -> None:
        """Notes in metrics.jsonl that training goes on from `step`."""
        with self.writing():
            history.resume(self.path, step)

    def _metrics(self, split: str) -> "_Metrics":
        """What metrics_<split>.json says; nothing where it can't be read, since it is replaced."""
        try:
            return self._read(f"metrics_{split}.json", _Metrics)
        except UserError:
            return {}

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Writes to the directory: what the machine refuses is a UserError."""
        try:
            yield
        except Exception as error:
            is_of_tensorflow = type(error).__module__.startswith("tensorflow.")
            if not isinstance(error, OSError) and not is_of_tensorflow:
                raise
            name = getattr(error, "filename", None)
            where = f" ({name})" if name and Path(name) != self.path else ""
            reason = getattr(error, "strerror", None) or first_line(error)
            raise UserError(
                f"--{self.flag}={self.path} can't be written to{where}: {reason}. Give a directory "
                "on a disk with room, that you may write to."
            ) from error

    def write_json(self, name: str, value: Any) -> None:
        """Writes a JSON file, whole or not at all. Raises a UserError if it can't be written."""
        with self.writing():
            files.write_json(self.path / name, value)

    def _read(self, name: str, shape: Any) -> Any:
        """The content of a JSON file of this directory."""
        return records.read_json(self.path / name, shape, hparams_files.REMEDY)

    def _unreadable(self, name, reason):
        return UserError(f"{self.path / name} can't be read: {reason}. {hparams_files.REMEDY}")


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
