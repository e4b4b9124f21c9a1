"""What a run leaves in its output directory, and whether a new run fits what is there. No
TensorFlow here."""

import dataclasses
import json
import os
import shutil
import tempfile
from pathlib import Path

from t2t_mm import files, registry
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import VOCABULARIES

PROBLEMS_FILE = "problems.json"
CHECKPOINTS = "checkpoints"


class OutputDir:
    """`<output_dir>`: hparams.json, config.gin, problems.json, checkpoints/, tensorboard/,
    metrics_<split>.json.

    Files are replaced as a whole. Once there is a checkpoint, only a run of the same architecture,
    problems and vocabularies may write here.
    """

    def __init__(self, path):
        self.path = Path(path).expanduser()
        self.checkpoints = self.path / CHECKPOINTS
        self.tensorboard = self.path / "tensorboard"

    @property
    def has_checkpoint(self):
        """Whether there is something to go on from (or to evaluate)."""
        return any(self.checkpoints.glob("ckpt-*.index"))

    def need_checkpoint(self):
        """Raises a UserError if there is no checkpoint."""
        if not self.path.is_dir():
            raise UserError(
                f"There is no directory {self.path}, where a trained model is expected."
            )
        if not self.has_checkpoint:
            raise UserError(
                f"There is no checkpoint in {self.checkpoints}. Train first: run with --mode=train."
            )

    def check_writable(self):
        """Makes the directory if need be. Raises a UserError if it can't be written to."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(bytes(4096))  # a full disk refuses this
        except OSError as error:
            raise self._unwritable(error) from error

    def check_hparams(self, hparams):
        """Raises a UserError naming the fields in which `hparams` differ from the architecture of
        the checkpoint."""
        if self.has_checkpoint:
            hparams.check_resumes(hparams_files.load(str(self.path)), str(self.checkpoints))

    def check_names(self, names):
        """Raises a UserError if the checkpoint was trained on problems that are not among these."""
        recorded = self.recorded_problems() if self.has_checkpoint else {}
        if set(recorded) - set(names):
            raise UserError(
                f"The checkpoint in {self.checkpoints} was trained on {_names(recorded)}, not on "
                f"{_names(names)} alone. Give --problems={'+'.join(recorded)}, to which others "
                "may be added, or "
                f"another --output_dir, with --warm_start_from={self.path} to start from this "
                "model."
            )

    def check_problems(self, problems):
        """Raises a UserError if resolved `problems` differ from those of the checkpoint: spec or
        vocabulary."""
        self.check_names([p.name for p in problems])
        recorded = self.recorded_problems() if self.has_checkpoint else {}
        for problem in problems:
            old, new = recorded.get(problem.name), describe(problem)
            for field in new if old else ():
                if _essence(problem, field, old[field]) != _essence(problem, field, new[field]):
                    raise UserError(
                        f"{problem.name} has other {field} than when the checkpoint in "
                        f"{self.checkpoints} "
                        "was trained: "
                        f"{_difference(old[field], new[field])}. Take the --data_dir of that run, "
                        "or another "
                        "--output_dir."
                    )

    def ordered(self, names):
        """`names` in the order of the recorded run, which decides what (seed, step) samples."""
        recorded = list(self.recorded_problems()) if self.has_checkpoint else []
        return sorted(
            names, key=lambda name: recorded.index(name) if name in recorded else len(recorded)
        )

    def recorded_problems(self):
        """{name: description}, as last written; {} if there is none."""
        try:
            return json.loads((self.path / PROBLEMS_FILE).read_text(encoding="utf-8"))["problems"]
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError) as error:
            raise UserError(
                f"{self.path / PROBLEMS_FILE} can't be read: {error}. Restore it, or take another "
                "--output_dir."
            ) from error

    def problem(self, name):
        """The registered problem that the run was trained on. A UserError says how to register one
        that isn't."""
        try:
            return registry.problem(name)
        except registry.RegistryError as error:
            raise UserError(
                f"{self.path} was trained on {name}, which is not registered here. Give its "
                "directory with "
                "--t2t_usr_dir (in Python, registry.load_directory), or register it."
            ) from error

    def recorded_model(self):
        """Name of the registered model."""
        try:
            return json.loads((self.path / PROBLEMS_FILE).read_text(encoding="utf-8")).get(
                "model", "multimodel"
            )
        except (OSError, ValueError):
            return "multimodel"

    def record(self, hparams, problems, model="multimodel"):
        """Writes hparams.json, config.gin, problems.json and the vocabularies: all that decoding
        needs."""
        try:
            hparams_files.save(hparams, str(self.path))
            for spec in {
                spec
                for p in problems
                for spec in (p.inputs, p.targets)
                if getattr(spec, "path", "")
            }:
                copy = spec.vocab_path(self.path)
                copy.parent.mkdir(parents=True, exist_ok=True)
                for source in (Path(spec.path), Path(spec.path).with_suffix(".json")):
                    if source.is_file():
                        files.copy(source, copy.with_name(source.name))
        except OSError as error:
            raise self._unwritable(error) from error
        self.write_json(
            PROBLEMS_FILE, {"model": model, "problems": {p.name: describe(p) for p in problems}}
        )

    def copy_record(self, other):
        """Takes over what `record` wrote into another output directory."""
        try:
            for name in (hparams_files.JSON_FILE, hparams_files.GIN_FILE, PROBLEMS_FILE):
                shutil.copyfile(other.path / name, self.path / name)
            if (other.path / VOCABULARIES).is_dir():
                shutil.copytree(
                    other.path / VOCABULARIES, self.path / VOCABULARIES, dirs_exist_ok=True
                )
        except OSError as error:
            raise self._unwritable(error) from error

    def write_metrics(self, split, step, results):
        """Writes metrics_<split>.json from `evaluation.evaluate`'s results."""
        counts = ("examples", "tokens")
        metrics = {
            p: {k: v for k, v in values.items() if k not in counts} for p, values in results.items()
        }
        self.write_json(f"metrics_{split}.json", {"step": step, "problems": metrics})

    def write_json(self, name, value):
        """Writes a JSON file, whole or not at all. Raises a UserError if it can't be written."""
        temporary = self.path / f"{name}.tmp"
        try:
            temporary.write_text(
                json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            os.replace(temporary, self.path / name)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _unwritable(self, error):
        return UserError(
            f"--output_dir={self.path} can't be written to: {error.strerror or error}. Give a "
            "directory on "
            "a disk with room, that you may write to."
        )


def describe(problem):
    """What a resolved problem was made of, for JSON: specs, output space, fingerprints of
    vocabularies."""
    return {
        "command": problem.command,
        "inputs": _spec(problem.inputs),
        "targets": _spec(problem.targets),
    }


def _spec(feature):
    values = {"kind": feature.kind, **dataclasses.asdict(feature)}
    if values.pop("path", ""):  # where the vocabulary lies doesn't matter, what it holds does
        values["fingerprint"] = feature.vocabulary().fingerprint
    return json.loads(json.dumps(values))


def _essence(problem, field, value):
    """The part of a recorded value that the weights depend on: specs without what stands outside
    their equality."""
    if not isinstance(value, dict):
        return value
    outside = {f.name for f in dataclasses.fields(getattr(problem, field)) if not f.compare}
    return {name: v for name, v in value.items() if name not in outside}


def _difference(old, new):
    if not isinstance(old, dict):
        return f"{old} then, {new} now"
    changed = [name for name in new | old if old.get(name) != new.get(name)]
    return ", ".join(
        f"{name} was {_short(old.get(name))} and is {_short(new.get(name))}" for name in changed
    )


def _short(value):
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _names(names):
    return ", ".join(sorted(names))
