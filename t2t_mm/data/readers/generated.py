"""The data of a user's own reader, `Problem.generate(split, raw_dir)`, stored as a TFDS data
set."""

import dataclasses
import functools
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from t2t_mm import files
from t2t_mm.data.readers import image_folder, raw
from t2t_mm.errors import UserError

SIDES = ("inputs", "targets")


@dataclasses.dataclass(eq=False)
class GeneratedConfig(raw.RawConfig):
    """Whose `generate` is read; path is what it gets as its `raw_dir`, None if empty."""

    problem: Any = None


class Generated(raw.RawBuilder, skip_registration=True):
    """Examples {"inputs": ..., "targets": ...} as `generate` yields them. Values are, by the sides'
    modality:

    - language: str, or bytes in UTF-8
    - image: an encoded image as bytes, its path, or uint8 [height, width, channels]
    - categorical: a class's number or its name; names are sorted and numbered in the order
    - audio: samples, int16 or float in [-1, 1]

    A split for which `generate` yields nothing, or finds no file, is not there. `generate` is
    called more than once."""

    CONFIG = GeneratedConfig
    PIECE = 1_000
    SPLITS = {split: (split,) for split in raw.RawBuilder.SPLITS}
    _missing = ""

    @classmethod
    def settings(cls, problem):
        return {"problem": problem}

    def features(self):
        return {
            side: self._feature(side, getattr(self.builder_config.problem, side)) for side in SIDES
        }

    def looked_for(self):
        given = "" if self.builder_config.path else "; no --raw_dir was given"
        return (
            'examples from generate("train", raw_dir), of which there are '
            f"none{self._missing}{given}"
        )

    def find(self, name):
        try:
            next(self._examples(name))
        except (StopIteration, FileNotFoundError, NotADirectoryError) as error:
            if name == "train" and getattr(error, "filename", None):
                self._missing = f": there is no {error.filename}"
            return None
        return name

    def items(self, source):
        for number, example in enumerate(self._examples(source)):
            paths = [
                value
                for side, value in example.items()
                if side in SIDES and self._is_path(side, value)
            ]
            yield number, example, *map(files.stamped, paths)

    def _is_path(self, side, value):
        return getattr(self.builder_config.problem, side).kind == "image" and isinstance(
            value, str | os.PathLike
        )

    def loader(self, source):
        problem = self.builder_config.problem
        features = self.info.features
        return functools.partial(
            _load, {side: (getattr(problem, side).kind, features[side]) for side in SIDES}
        )

    def _examples(self, split):
        problem = self.builder_config.problem
        for example in problem.generate(split, self.builder_config.path or None):
            if not isinstance(example, dict) or not set(SIDES) <= set(example):
                raise UserError(
                    f'{problem.name}: generate("{split}", raw_dir) must yield {{"inputs": ..., '
                    f'"targets": ...}}, but yields {str(example)[:80]!r}.'
                )
            yield example

    def _feature(self, side, spec):
        if spec.kind == "language":
            return tfds.features.Text()
        if spec.kind == "image":
            return tfds.features.Image(shape=(None, None, spec.channels), encoding_format="png")
        if spec.kind == "audio":
            return tfds.features.Audio(shape=(None,), dtype=np.int16, sample_rate=spec.sample_rate)
        if spec.num_classes and isinstance(next(self._examples("train"))[side], int | np.integer):
            return tfds.features.ClassLabel(num_classes=spec.num_classes)
        try:
            found = {example[side] for split in self.sources for example in self._examples(split)}
        except TypeError:  # lists, arrays
            found = {None}
        if all(isinstance(label, str) for label in found):
            if blank := [
                label for label in found if label != label.strip() or not label or "\n" in label
            ]:
                raise UserError(
                    f"{self.builder_config.problem.name}: {blank[0]!r} in {side!r} can't be the "
                    "name of a "
                    "class: no name is empty, or begins or ends with a space."
                )
            return tfds.features.ClassLabel(names=sorted(found))
        if all(isinstance(label, int | np.integer) and label >= 0 for label in found):
            return tfds.features.ClassLabel(num_classes=int(max(found)) + 1)
        raise UserError(
            f"{self.builder_config.problem.name}: the classes in {side!r} must be all names or "
            f"all numbers from 0 up, not {', '.join(repr(label) for label in list(found)[:5])}."
        )


def _load(sides, item):
    """The example of what `generate` yielded."""
    number, example, *_ = item
    try:
        yield number, {side: _stored(example[side], *sides[side]) for side in SIDES}
    except (OSError, ValueError, TypeError, KeyError) as error:
        yield raw.Broken(f"example {number}", str(error))


def _stored(value, kind, feature):
    """The value as its TFDS feature takes it; ValueError or TypeError if it cannot be."""
    if kind == "language":
        if not isinstance(value, str | bytes):
            raise TypeError(f"text expected, not {type(value).__name__}")
        return (
            value.encode("utf-8")
            if isinstance(value, str)
            else value.decode("utf-8").encode("utf-8")
        )
    if kind == "image":
        if isinstance(value, str | os.PathLike):
            value = pathlib.Path(value).read_bytes()
        return image_folder.decodable(value) if isinstance(value, bytes) else value
    if kind == "audio":
        samples = np.asarray(value)
        if samples.ndim != 1 or samples.dtype.kind not in "if":
            raise ValueError(
                f"samples [length] expected, not {samples.dtype} {list(samples.shape)}"
            )
        if not samples.size or not np.isfinite(samples).all():
            raise ValueError("no samples" if not samples.size else "samples that are no numbers")
        if samples.dtype.kind == "f":
            samples = np.clip(np.round(samples * 2.0**15), -(2**15), 2**15 - 1)
        if samples.min() < -(2**15) or samples.max() >= 2**15:
            raise ValueError("integer samples beyond 16 bits")
        return samples.astype(np.int16)
    number = feature.encode_example(value)
    if not 0 <= number < feature.num_classes:
        raise ValueError(
            f"class {value!r}, where those from 0 to {feature.num_classes - 1} are expected"
        )
    return number
