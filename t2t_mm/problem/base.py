"""Problem: a data set, the modality of each side, the output space, and the metrics.

A registered subclass is a problem; its class attributes say everything, and the first line of its
docstring describes it in listings. The instance that the registry hands out names sizes that are
wanted; `resolve` gives a copy with the sizes that the prepared data has, which is what models and
input pipelines take.
"""

import copy
import difflib
import functools
import inspect
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from t2t_mm import registry
from t2t_mm.config.hold_out import HoldOut
from t2t_mm.errors import UserError
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.nothing.spec import Nothing
from t2t_mm.modalities.several.spec import Several
from t2t_mm.problem import damage, keys, locate
from t2t_mm.problem.cells import SIDES, cells_of, keys_of, side_of
from t2t_mm.problem.stored import Records, Stored, in_files, of_dataset
from t2t_mm.problem.views import Modifiable

SPLITS = ("train", "validation", "test")
LEARNT_FROM = 20_000  # training examples that a modality may learn from before training


class Source(NamedTuple):
    """Where data comes from, for the catalogue.

    Attributes:
        page: the address of its page.
        licence: in a word or two.
        size: what TFDS downloads, or what is to be fetched by hand.
        by_hand: files that have to be fetched by hand, "" if TFDS downloads them.
        free: name of a problem that does about the same with data that is free, "" if this one's
            is.
    """

    page: str
    licence: str
    size: str
    by_hand: str = ""
    free: str = ""


class Problem(Modifiable):
    """One task. Subclass, set the attributes, and register; override hooks (hooks.py) if need be.

    The data comes from the user's raw folder where there is one (read by `raw_layout`, or by a
    `generate` of the subclass), else from a TFDS data set (`dataset`). A subclass with `generate`
    needs nothing else but `command`, `inputs` and `targets`.

    Attributes:
        name: set by the registry.
        dataset: TFDS name with its configuration, as in "wmt14_translate/de-en"; "" (or a raw
            layout) if none.
        dataset_module: a module to import so that TFDS knows `dataset`, where it is not TFDS's own.
        raw_layout: the registered reader of the raw folder: "csv", "tsv", "jsonl", "parquet",
            "parallel_text", "image_folder", "bracketed_trees", "coco", "kaldi", or one of yours.
        raw_folder: folder under --raw_dir; the problem's name if not given.
        command: the output space, whose learned token starts the decoder: "to-german". Same space,
            same token.
        input_command: the output space of the inputs, for `_rev` and `_copy`.
        inputs, targets: the modalities of the two sides; `inputs = None` for a language model,
            whose outputs follow from nothing, or go on from a prefix; a dict of modalities for
            several inputs.
        optional_inputs: names of those of several inputs that an example may lack.
        input_key, target_key: what the two sides are called in the data set's examples, such as
            the columns of a table; "captions/text" is nested; several inputs have their own names,
            unless `input_key` is a dict with others. Where targets are several, each is as
            good as another: training draws one.
        hold_out: splits that are cut from the training examples of a raw folder or of `generate`
            where they have none of their own: "validation:0.05+test:0.05"; see config.hold_out.
        stock_splits: our names of the splits -> those of the stock data set; "a+b" for two.
        source: for the catalogue: where the stock data comes from, its licence and its size.
        metrics: names of metrics of decoded output; the teacher-forced ones follow from the
            targets' modality.
        modifiers: which of "rev" and "copy" make sense.
    """

    name: str = ""
    dataset: str = ""
    dataset_module: str = ""
    raw_layout: str = ""
    raw_folder: str = ""
    command: str = ""
    input_command: str = ""
    optional_inputs: tuple[str, ...] = ()
    input_key: str | Mapping[str, str] = "inputs"
    target_key: str = "targets"
    hold_out: str = ""
    stock_splits: dict[str, str] = {split: split for split in SPLITS}
    source: Source | None = None
    metrics: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ("rev", "copy")

    train_examples: int = 0  # set by `first`: how many are trained on; 0: all
    _builder: Any = None  # set by `located`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        given: Any = cls.__dict__.get("inputs", cls)
        if given is None:
            cls.inputs = Nothing()
        elif isinstance(given, dict):
            cls.inputs = Several(tuple(given.items()), tuple(cls.optional_inputs))

    @property
    def description(self) -> str:
        """First paragraph of the class's docstring, in one line."""
        return " ".join((inspect.getdoc(type(self)) or "").partition("\n\n")[0].split())

    @property
    def folder(self) -> str:
        """Name of the raw folder, and of the data set that a reader makes of it."""
        return self.raw_folder or self.name

    @property
    def original(self) -> "Problem":
        """The problem whose data is read: of `_rev` and `_copy`, what they were made of."""
        return self

    def check(self) -> None:
        """Raises a UserError or RegistryError if something is missing from the class, or doesn't
        go together."""
        for side in SIDES:
            _check_side(getattr(self, side, None), side, self.name)
        if not self.command:
            raise UserError(
                f'{self.name}: its class has to name its output space, as in command = "to-german".'
            )
        if not self.has_inputs:
            _check_language_model(self)
        if tuple(self.optional_inputs) != self.inputs.optional:
            raise UserError(
                f"{self.name}: optional_inputs is for inputs = {{...}}, several of them."
            )
        self.inputs.check()
        if self.raw_layout:
            registry.reader(self.raw_layout)
        self.check_source()
        HoldOut.parse(self.hold_out, f"{self.name}: hold_out")

    def check_source(self) -> None:
        """Raises a UserError if the class doesn't say where its data comes from."""
        if not (self.generates or self.raw_layout or self.dataset):
            near = difflib.get_close_matches("generate", set(dir(type(self))) - set(dir(Problem)))
            raise UserError(
                f"{self.name}: its class has to say where its data comes from: a method "
                f"generate(self, split, raw_dir), a raw_layout or a TFDS dataset"
                f"{f'; it has {near[0]}: is that to be called generate?' if near else '.'}"
            )

    # -- preparing and resolving

    def generate(
        self, split: str, raw_dir: str | None
    ) -> Iterable[Any] | Mapping[str, Iterable[Any]]:
        """The subclass's own reader. A split that isn't there yields nothing, or finds no file.

        In place of examples, it may return a Hugging Face Dataset or a tf.data.Dataset, or a dict
        of them by split: of their columns, `input_key` and `target_key` are read.

        Args:
            split: "train", "validation" or "test".
            raw_dir: what --raw_dir says, None if it wasn't given.

        Yields:
            {"inputs": ..., "targets": ...} (or as `input_key` and `target_key` say) in Python
            values that the modalities can store: text; a class's name or number; an encoded picture
            or sound, or its path; samples. Without inputs {"targets": ...}, of several {field: ...,
            "targets": ...}; an optional one may be None, or missing.
        """
        raise NotImplementedError

    @property
    def generates(self) -> bool:
        """Whether the class has a `generate` of its own."""
        return type(self).generate is not Problem.generate

    def configure(self, hparams: Any) -> "Problem":
        """A copy as `hparams` want it, such as pictures of at most `image_size` pixels. Idempotent;
        goes before preparation."""
        return self.with_sides(self.inputs.configure(hparams), self.targets.configure(hparams))

    def with_sides(self, inputs: Modality, targets: Modality) -> "Problem":
        """A copy with other modalities, such as those that a run has recorded."""
        changed = copy.copy(self)
        changed.inputs, changed.targets = inputs, targets
        return changed

    def located(self, data_dir: str | os.PathLike) -> "Problem":
        """A copy that reads the data prepared under `data_dir`, its specs as they are.

        Raises:
            UserError: the data is not prepared there.
        """
        found = copy.copy(self)
        found._builder = locate.find(self, data_dir)
        return found

    def resolve(self, data_dir: str | os.PathLike, hparams: Any = None) -> "Problem":
        """A copy whose specs hold the sizes of the prepared data, configured by `hparams` if given.

        Raises:
            UserError: the data or a vocabulary is not prepared under `data_dir`.
        """
        found = (self.configure(hparams) if hparams else self).located(data_dir)
        found = found.with_sides(*(found._resolved(side, data_dir) for side in SIDES))
        learnt = (
            getattr(found, side).learn(functools.partial(found._training_values, side))
            for side in SIDES
        )
        return found.with_sides(*learnt)

    def _training_values(self, side: str) -> Iterator[Any]:
        """The first raw values of a side in the training split, as arrays; none if there is no such
        split."""
        if "train" in self.stored_splits():
            examples = self.examples("train", sides=(side,)).take(LEARNT_FROM).as_numpy_iterator()
            yield from (example[side] for example in damage.read(self, examples))

    def _resolved(self, side: str, data_dir: str | os.PathLike) -> Modality:
        features = {
            cell: self.stored_feature(cell) for cell in cells_of(self) if side_of(cell) == side
        }
        return getattr(self, side).resolve(data_dir, keys.nested(features).get(side))

    def stored_feature(self, cell: str) -> Any:
        """The TFDS feature that a cell is read from; UserError if there is none that fits."""
        spec, key, info = cells_of(self)[cell], keys_of(self)[cell], self.builder.info
        feature = keys.feature(info.features, key)
        if feature is None:
            raise UserError(
                f"{self.name}: its data set {info.full_name} has no feature {key!r}, only "
                f"{', '.join(keys.names(info.features))}. Set input_key and target_key."
            )
        if not spec.reads(feature):
            raise UserError(
                f"{self.name}: {key!r} in {self.builder.data_path} is not {spec.kind}. If the "
                "class has changed since the data was prepared, prepare it again: "
                "--generate_data=again."
            )
        return feature

    def first(self, count: int) -> "Problem":
        """A copy that trains on the first `count` examples alone, in the stored order; 0: on all.
        Vocabularies and other splits stay as they are."""
        limited = copy.copy(self)
        limited.train_examples = count
        return limited

    # -- reading

    @property
    def builder(self) -> Any:
        """The prepared TFDS builder of a resolved problem."""
        if self._builder is None:
            raise UserError(f"{self.name} is not resolved: call problem.resolve(data_dir) first.")
        return self._builder

    @property
    def folder_of_data(self) -> Path | None:
        """Where the prepared data lies; None if the problem is not resolved, or has no files."""
        return Path(self._builder.data_path) if self._builder is not None else None

    def stored_splits(self) -> dict[str, str]:
        """Our names of the splits -> those in the prepared data, for the splits there are."""
        there = self.builder.info.splits
        is_stock = self.builder.name == self.dataset.partition("/")[0]
        names = self.stock_splits if is_stock else {split: split for split in SPLITS}
        return {
            split: name
            for split, name in names.items()
            if all(part in there and there[part].num_examples for part in name.split("+"))
        }

    def splits(self) -> dict[str, int]:
        """How many examples each split has, of the splits there are."""
        there = self.builder.info.splits
        found = {split: there[name].num_examples for split, name in self.stored_splits().items()}
        if self.train_examples and "train" in found:
            found["train"] = min(found["train"], self.train_examples)
        return found

    def stored_side(self, cell: str) -> str:
        """Where a side, or a cell of it, comes from, as in "parallel_text/wmt_ende/1.0.0:en"; equal
        where the same is read."""
        return f"{self.builder.info.full_name}:{keys_of(self)[cell]}"

    def examples(
        self, split: str, *, shuffle_seed: int | None = None, sides: Iterable[str] = SIDES
    ) -> Any:
        """The raw examples of a split, {"inputs": raw, "targets": raw}. Pictures stay encoded.

        Args:
            split: "train", "validation" or "test".
            shuffle_seed: reads the files in random order, another at each pass; None reads in the
                stored order.
            sides: those that are wanted; the other is not read.

        Returns:
            A tf.data.Dataset.

        Raises:
            UserError: there is no such split.
        """
        return Stored(self, split, sides).examples(shuffle_seed)

    def records(self, split: str, sides: Iterable[str] = SIDES) -> Records:
        """The same examples as records in files, for whoever reads them in an order of its own.

        Raises:
            UserError: there is no such split.
        """
        if in_files(self):
            return Stored(self, split, sides).records()
        return of_dataset(self.examples(split, sides=sides), self.splits().get(split, 0))


def check_nets(problems: Iterable[Modifiable]) -> None:
    """Problems of one run agree on the nets they share.

    Raises:
        UserError: two specs differ that would have a net of one name, such as two label spaces.
    """
    seen: dict[str, tuple[Modality, str]] = {}
    for problem in problems:
        for spec in (*problem.inputs.fields.values(), problem.targets):
            other, owner = seen.setdefault(spec.net_name(), (spec, problem.name))
            if other != spec:
                raise UserError(
                    f"{owner} and {problem.name} both name the net {spec.net_name()}, but "
                    f"differ: {other} against {spec}. Rename one, or make them equal."
                )


def alike(problems: Iterable[Modifiable]) -> Iterator[str]:
    """A line for each two resolved problems that the model can't tell apart: the same sides, and
    the same command."""
    seen: dict[Any, str] = {}
    for problem in problems:
        other = seen.setdefault((problem.inputs, problem.targets, problem.command), problem.name)
        if other != problem.name:
            yield (
                f"{other} and {problem.name} have the same inputs, targets and command "
                f"({problem.command!r}): the model can't tell them apart. That is fine if they "
                "are one task; otherwise give one of them another command."
            )


def _check_side(spec: Any, side: str, owner: str) -> None:
    """Raises a UserError if `spec` can't be that side, "inputs" or "targets", of a problem."""
    for each in spec.fields.values() if isinstance(spec, Modality) else [spec]:
        if not isinstance(each, Modality):
            raise UserError(
                f"{owner}: its class has to give {side}, as in {side} = "
                f'Language(vocab="english_8k"); it gives {each!r}.'
            )
        if not (each.as_input if side == "inputs" else each.as_target):
            raise UserError(f"{owner}: {each.kind} can't be the {side} of a problem.")


def _check_language_model(problem: Problem) -> None:
    """Raises a UserError for what a problem without inputs can't have."""
    if not problem.targets.is_sequence:
        raise UserError(
            f"{problem.name}: its class has to give inputs, unless its targets are a sequence, as "
            f"Language is, which follows from its own beginning; {problem.targets.kind} is none."
        )
    if problem.metrics:
        raise UserError(
            f"{problem.name} has no inputs, so that its outputs compare with no reference: leave "
            f"out metrics = {problem.metrics!r}. It is measured by perplexity."
        )
