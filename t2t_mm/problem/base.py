"""Problem: a data set, the modality of each side, the output space, and the metrics.

A registered subclass is a problem; its class attributes say everything, and the first line of its
docstring describes it in listings. The instance that the registry hands out names sizes that are
wanted; `resolve` gives a copy with the sizes that the prepared data has, which is what models and
input pipelines take.
"""

import copy
import inspect
from typing import NamedTuple

from t2t_mm.data.writing.options import DEFAULTS
from t2t_mm.errors import UserError
from t2t_mm.modalities.base import Modality, check
from t2t_mm.problem import keys

SPLITS = ("train", "validation", "test")


class Source(NamedTuple):
    """Where data comes from, for the catalogue.

    Attributes:
      page: the address of its page.
      licence: in a word or two.
      size: what TFDS downloads, or what is to be fetched by hand.
      by_hand: files that have to be fetched by hand, "" if TFDS downloads them.
      free: name of a problem that does about the same with data that is free, "" if this one's is.
    """

    page: str
    licence: str
    size: str
    by_hand: str = ""
    free: str = ""


class Problem:
    """One task. Subclass, set the attributes, and register.

    The data comes from the user's raw folder where there is one (read by `raw_layout`, or by a
    `generate` of the subclass), else from a stock TFDS data set (`dataset`). A subclass with
    `generate` needs nothing else but `command`, `inputs` and `targets`.

    Attributes:
      name: set by the registry.
      dataset: TFDS name with its configuration, as in "wmt14_translate/de-en"; "" (or a raw layout)
          if none.
      raw_layout: which of datasets/ reads the raw folder: "parallel_text", "image_folder",
        "bracketed_trees", "coco", "kaldi".
      raw_folder: folder under --raw_dir; the problem's name if not given.
      command: the output space, whose learned token starts the decoder: "to-german". Same space,
          same token.
      input_command: the output space of the inputs, for `_rev` and `_copy`.
      inputs, targets: modality specs.
      input_key, target_key: what the two sides are called in the data set's examples;
          "captions/text" lies
        deeper. Where targets are several, each is one as good as another: training draws one.
      stock_splits: our split names -> those of the stock data set, as "a+b" where it has two.
      source: for the catalogue: where the stock data comes from, its licence and its size.
      metrics: names of metrics on decoded output; the teacher-forced ones follow from the targets'
          modality.
      modifiers: which of "rev" and "copy" make sense.
    """

    name: str = ""
    dataset: str = ""
    raw_layout: str = ""
    raw_folder: str = ""
    command: str = ""
    input_command: str = ""
    inputs: Modality
    targets: Modality
    input_key: str = "inputs"
    target_key: str = "targets"
    stock_splits = {split: split for split in SPLITS}
    source: Source | None = None
    metrics: tuple = ()
    modifiers: tuple = ("rev", "copy")

    _builder = None  # set by `resolve`

    def __repr__(self):
        return f"<{self.name or type(self).__name__}: {self.inputs} -> {self.targets}>"

    @property
    def description(self) -> str:
        """First line of the class's docstring."""
        return (inspect.getdoc(type(self)) or "").partition("\n")[0]

    def check(self):
        """Raises a UserError if something is missing from the class, or doesn't go together."""
        for side in ("inputs", "targets"):
            check(getattr(self, side, None), side, self.name)
        if not self.command:
            raise UserError(
                f'{self.name}: its class has to name its output space, as in command = "to-german".'
            )

    @property
    def folder(self) -> str:
        """Name of the raw folder, and of the data set's TFDS configuration where we read one."""
        return self.raw_folder or self.name

    # -- preparing and resolving

    def generate(self, split: str, raw_dir):
        """The subclass's own reader. A split that isn't there yields nothing, or finds no file.

        Args:
          split: "train", "validation" or "test".
          raw_dir: what --raw_dir says, None if it wasn't given.
        Yields:
          {"inputs": ..., "targets": ...} in Python values: text; a class's name or number; an
          encoded picture or its path; samples.
        """
        raise NotImplementedError

    def configure(self, hparams) -> "Problem":
        """A copy as `hparams` want it, such as pictures of `image_size` pixels. Idempotent; goes
        before `prepare`."""
        changed = copy.copy(self)
        changed.inputs = self.inputs.configure(hparams)
        changed.targets = self.targets.configure(hparams)
        return changed

    def prepare(self, data_dir, raw_dir=None, log=print, options=DEFAULTS):
        """Writes the data set under `data_dir`: the raw folder's if there is one, else the stock
        data set.

        Does nothing where it is prepared. Vocabularies are made by `prepare.prepare`, which sees
        all.

        Args:
          data_dir, raw_dir: as --data_dir and --raw_dir.
          log: function of one str.
          options: datasets.options.Options.
        Raises:
          UserError: with what was looked for and what to do.
        """
        from t2t_mm.data import sources

        sources.prepare(self, data_dir, raw_dir, log, options)

    def located(self, data_dir) -> "Problem":
        """A copy that reads the data prepared under `data_dir`, its specs as they are.

        Raises:
          UserError: if the data is not prepared there.
        """
        from t2t_mm.data import sources

        found = copy.copy(self)
        found._builder = sources.find(self, data_dir)
        return found

    def resolve(self, data_dir, hparams=None) -> "Problem":
        """A copy whose specs hold the sizes of the prepared data; configured by `hparams` where
        given.

        Raises:
          UserError: if the data or a vocabulary is not prepared under `data_dir`.
        """
        found = (self.configure(hparams) if hparams else self).located(data_dir)
        info = found.builder.info
        sides = []
        for spec, key in ((found.inputs, self.input_key), (found.targets, self.target_key)):
            feature = keys.feature(info.features, key)
            if feature is None:
                raise UserError(
                    f"{self.name}: its data set {info.full_name} has no feature {key!r}, only "
                    f"{', '.join(keys.names(info.features))}. Set input_key and target_key."
                )
            if not spec.reads(feature):
                raise UserError(
                    f"{self.name}: {key!r} in {found.builder.data_path} is not {spec.kind}. If "
                    "the class "
                    "was another when the data was prepared, delete that folder."
                )
            sides.append(spec.resolve(data_dir, feature))
        found.inputs, found.targets = sides
        return found

    # -- reading

    @property
    def builder(self):
        """The prepared TFDS builder of a resolved problem."""
        if self._builder is None:
            raise UserError(f"{self.name} is not resolved: call problem.resolve(data_dir) first.")
        return self._builder

    def stored_splits(self) -> dict:
        """Our split names -> those in the prepared data, for the splits there are."""
        there = self.builder.info.splits
        is_stock = self.builder.name == self.dataset.partition("/")[0]
        names = self.stock_splits if is_stock else {split: split for split in SPLITS}
        return {
            split: name
            for split, name in names.items()
            if all(part in there and there[part].num_examples for part in name.split("+"))
        }

    def splits(self) -> dict:
        """Examples of each split that is there."""
        there = self.builder.info.splits
        return {split: there[name].num_examples for split, name in self.stored_splits().items()}

    def stored_side(self, side: str) -> str:
        """Where a side comes from, as in "parallel_text/wmt_ende/1.0.0:en"; equal where the same is
        read."""
        key = self.input_key if side == "inputs" else self.target_key
        return f"{self.builder.info.full_name}:{key}"

    def examples(self, split: str, *, shuffle_seed=None, sides=("inputs", "targets")):
        """The raw examples of a split, {"inputs": raw, "targets": raw}. Pictures stay encoded.

        Args:
          shuffle_seed: reads the files in random order, another at each pass; None reads in the
              stored order.
          sides: those that are wanted; the other is not read.
        Raises:
          UserError: if there is no such split.
        """
        import tensorflow_datasets as tfds

        from t2t_mm.data.readers.raw import quiet

        names = self.stored_splits()
        if split not in names:
            raise UserError(
                f"{self.name} has no {split} examples in {self.builder.data_path}, only "
                f"{', '.join(names) or 'an empty data set'}."
            )
        wanted = {"inputs": self.input_key, "targets": self.target_key}
        wanted = {side: wanted[side] for side in sides}
        decoders = {
            key: tfds.decode.SkipDecoding()
            for side, key in wanted.items()
            if getattr(self, side).skips_decoding
        }
        if (
            type(self.builder.info.features) is tfds.features.FeaturesDict
        ):  # TFDS reads no part of a Translation
            decoders = tfds.decode.PartialDecoding(keys.tree(wanted.values()), decoders=decoders)
        config = tfds.ReadConfig(shuffle_seed=shuffle_seed, try_autocache=False, skip_prefetch=True)
        with quiet():
            data = self.builder.as_dataset(
                names[split],
                shuffle_files=shuffle_seed is not None,
                decoders=decoders,
                read_config=config,
            )
        return data.map(
            lambda example: {side: keys.value(example, key) for side, key in wanted.items()}
        )

    def encode_inputs(self, value, training=False, seed=None):
        """Raw input -> tensor for the input net: in training, in decoding and in the exported model
        alike.

        `training` turns augmentation on, drawn statelessly from `seed` (int32 [2])."""
        return self.inputs.encode(value, training, seed)

    def encode_targets(self, value, training=False, seed=None):
        """Raw target -> int32 [length]."""
        return self.targets.encode(value, training, seed)

    def preprocess(self, value):
        """In graph: a raw input as a person gives it, as the data set has it."""
        return value

    rewrites_outputs = False  # whether postprocess_in_graph has to be called

    def postprocess(self, text: str, source: str | None) -> str:
        """A target's text as a person reads it, given the input's."""
        return text

    def postprocess_in_graph(self, texts, sources):
        """In graph, as `postprocess`: strings [n], [n] -> strings [n]."""
        return texts

    def describe_target(self, text: str, source: str | None) -> list[str]:
        """Further lines that show a target, given its text and the input's."""
        return []

    def with_sides(self, inputs, targets) -> "Problem":
        """A copy with other specs."""
        changed = copy.copy(self)
        changed.inputs, changed.targets = inputs, targets
        return changed

    def decode_targets(self, ids) -> str:
        """Target ids as a person reads them: text, symbols, or a class name."""
        return self.targets.decode(ids)

    # -- modifiers

    def reversed(self) -> "Problem":
        """The problem the other way round (`name_rev`): modalities and vocabularies go with their
        sides."""
        self._allow("rev")
        if not (self.targets.as_input and self.inputs.as_target):
            raise UserError(
                f"{self.name}_rev is not possible: {self.targets.kind} is no input, or "
                f"{self.inputs.kind} no target. Only language goes both ways."
            )
        return View(self, "_rev", ("targets", "inputs"))

    def copied(self) -> "Problem":
        """Inputs to inputs (`name_copy`), an autoencoder."""
        self._allow("copy")
        if not self.inputs.as_target:
            raise UserError(f"{self.name}_copy is not possible: {self.inputs.kind} is no target.")
        return View(self, "_copy", ("inputs", "inputs"))

    def _allow(self, modifier):
        if modifier not in self.modifiers:
            raise UserError(
                f"{self.name} does not allow _{modifier}"
                f"{', only _' + ' and _'.join(self.modifiers) if self.modifiers else ''}."
            )


class View(Problem):
    """A problem that reads the data of another with its sides put elsewhere; what `_rev` and
    `_copy` give.

    Args:
      base: the other problem.
      suffix: what is added to its name.
      sides: which of its sides, "inputs" or "targets", are our inputs and our targets.
    """

    def __init__(self, base: Problem, suffix: str, sides: tuple):
        self.base, self.suffix, self.sides = base, suffix, sides
        self.name, self.modifiers = base.name + suffix, base.modifiers
        self.inputs, self.targets = (getattr(base, side) for side in sides)
        spaces = {"inputs": base.input_command or f"to-{base.name}-inputs", "targets": base.command}
        self.input_command, self.command = (spaces[side] for side in sides)
        # a metric of translations holds both ways; one of trees says nothing about sentences
        self.metrics = base.metrics if base.inputs == base.targets else ()
        self.source = base.source

    @property
    def description(self):
        return (
            f"{self.base.description} "
            f"({'reversed' if self.suffix == '_rev' else 'copying the inputs'})"
        )

    @property
    def folder(self):
        return self.base.folder

    @property
    def builder(self):
        return self.base.builder

    def with_sides(self, inputs, targets):
        base = copy.copy(self.base)
        for side, spec in zip(self.sides, (inputs, targets), strict=True):
            setattr(base, side, spec)
        return View(base, self.suffix, self.sides)

    def configure(self, hparams):
        return View(self.base.configure(hparams), self.suffix, self.sides)

    def prepare(self, data_dir, raw_dir=None, log=print, options=DEFAULTS):
        self.base.prepare(data_dir, raw_dir, log, options)

    def located(self, data_dir):
        return View(self.base.located(data_dir), self.suffix, self.sides)

    def resolve(self, data_dir, hparams=None):
        return View(self.base.resolve(data_dir, hparams), self.suffix, self.sides)

    def stored_splits(self):
        return self.base.stored_splits()

    def stored_side(self, side):
        return self.base.stored_side(self.sides[("inputs", "targets").index(side)])

    def examples(self, split, *, shuffle_seed=None, sides=("inputs", "targets")):
        theirs = dict(zip(("inputs", "targets"), self.sides, strict=True))
        data = self.base.examples(
            split, shuffle_seed=shuffle_seed, sides={theirs[side] for side in sides}
        )
        return data.map(lambda example: {side: example[theirs[side]] for side in sides})

    def encode_inputs(self, value, training=False, seed=None):
        return self._encode(self.sides[0], value, training, seed)

    def encode_targets(self, value, training=False, seed=None):
        return self._encode(self.sides[1], value, training, seed)

    def _encode(self, side, value, training, seed):
        encode = self.base.encode_inputs if side == "inputs" else self.base.encode_targets
        return encode(value, training, seed)


class TreeProblem(Problem):
    """Parsing: the words of a sentence to its tree, linearised without them; invertible given the
    sentence.

    A subclass gives `inputs` and `targets`; `keep_functions = True` keeps function tags (NP-SBJ),
    and `keep_traces = True` the traces of what was moved.
    """

    raw_layout = "bracketed_trees"
    command = "to-parse-tree"
    input_command = "to-english"
    input_key = "words"
    target_key = "symbols"
    rewrites_outputs = True

    def postprocess(self, text, source):
        from t2t_mm.problem import trees

        return text if source is None else trees.delinearize(text, source)

    def postprocess_in_graph(self, texts, sources):
        from t2t_mm.problem.trees_in_graph import delinearize

        return delinearize(texts, sources)

    def describe_target(self, text, source):
        from t2t_mm.problem import trees
        from t2t_mm.problem.tree_drawing import draw

        (tree,) = trees.parse(self.postprocess(text, source))
        return ["tree:", *(f"  {row}" for row in draw(tree))]

    keep_functions = False
    keep_traces = False
    metrics = ("bracket_f1",)

    def configure(self, hparams):
        """With `parse_vocab=shared`, trees are written in the vocabulary of the sentences."""
        changed = super().configure(hparams)
        if hparams.parse_vocab == "shared":
            changed.targets = self.inputs
        return changed


def check_nets(problems):
    """Problems of one run agree on the nets they share.

    Raises:
      UserError: if two specs differ that would have a net of one name, such as two label spaces.
    """
    seen = {}
    for problem in problems:
        for spec in (problem.inputs, problem.targets):
            other, owner = seen.setdefault(spec.net_name(), (spec, problem.name))
            if other != spec:
                raise UserError(
                    f"{owner} and {problem.name} both name the net {spec.net_name()}, but "
                    f"differ: {other} against {spec}. Give one another name, or make them equal."
                )
