"""The base of all readers of raw folders: finds the splits, and says what was left out and what is
wrong."""

import contextlib
import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import tensorflow_datasets as tfds
from absl import logging

from t2t_mm.data.readers import configuration
from t2t_mm.data.writing import shards
from t2t_mm.data.writing.options import DEFAULTS
from t2t_mm.errors import UserError


class Broken(NamedTuple):
    """In the place of an example that cannot be used: where it is (file and line), and what is
    wrong."""

    where: str
    reason: str


class LeftOut(NamedTuple):
    """In the place of something that is no example and no mistake, such as an empty line."""

    reason: str


@dataclasses.dataclass(eq=False)
class RawConfig(tfds.core.BuilderConfig):
    """Which folder is read.

    Attributes:
        path: the raw folder.
        log: function of one str, told what was left out.
    """

    path: str = ""
    log: Callable = print


class RawBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of the readers. A subclass says what its examples hold (`features`), which files are a
    split (`find`), lists what is in them (`items`), and makes examples of that (`loader`). Examples
    are stored in an order shuffled by their keys. Reading is in two halves so that the second,
    which is the work, can be done by several processes, and is not done again after an
    interruption."""

    VERSION = tfds.core.Version("1.0.0")
    # Our names of the splits -> what their files or folders may be called.
    SPLITS = {"train": ("train",), "validation": ("validation", "val", "dev"), "test": ("test",)}
    CONFIG = RawConfig
    PIECE = 500  # items that are made into examples together: what an interruption may cost

    @classmethod
    def read_from(cls, problem, path, data_dir, log=print):
        """The builder for the raw folder `path` of `problem`."""
        with quiet():
            config = cls.CONFIG(
                name=configuration(problem, cls.name),
                path=str(path or ""),
                log=log,
                **cls.settings(problem),
            )
            return cls(config=config, data_dir=data_dir)

    @classmethod
    def settings(cls, problem) -> dict:
        """The fields of CONFIG beyond RawConfig's."""
        return {}

    def features(self) -> dict:
        """Names and TFDS features of an example."""
        raise NotImplementedError

    def find(self, name: str):
        """What `items` needs to list the split called `name`; None if it is not there."""
        raise NotImplementedError

    def looked_for(self) -> str:
        """What has to be there for the training split, for an error message."""
        raise NotImplementedError

    def items(self, source):
        """Lists what `find` gave, quickly and never holding all in memory: yields what `loader`
        takes (which changes if a file changes), or `Broken`, or `LeftOut`."""
        raise NotImplementedError

    def total(self, source) -> int | None:
        """How many items there are, None if only reading can tell. Called before `items`: refuses
        files that don't fit together."""
        return None

    def loader(self, source) -> Callable:
        """Function of an item that yields (key, example), `Broken` and `LeftOut`. It can be
        pickled."""
        raise NotImplementedError

    def tell(self, message: str):
        """Logs something that the user should know."""
        self.builder_config.log(f"{self.builder_config.name}: {message}")

    @property
    def folder(self) -> pathlib.Path:
        return pathlib.Path(self.builder_config.path)

    @functools.cached_property
    def sources(self) -> dict:
        """Splits that are there -> what `find` gave."""
        found = {
            split: next(filter(None, map(self.find, names)), None)
            for split, names in self.SPLITS.items()
        }
        if found["train"] is None:
            if not self.builder_config.path:
                raise UserError(
                    f"No training data for {self.builder_config.name}: expected "
                    f"{self.looked_for()}."
                )
            there = (
                sorted(os.listdir(self.folder))[:10] if self.folder.is_dir() else ["no such folder"]
            )
            raise UserError(
                f"No training data in {self.folder}: expected {self.looked_for()}; found: "
                f"{', '.join(there) or 'nothing'}."
            )
        return {split: source for split, source in found.items() if source is not None}

    def prepare(self, options=DEFAULTS):
        """Writes the data set, unless it is there already. Until all of it is written, none of it
        is there; what was done before an interruption is not done again.

        Args:
            options: options.Options.
        Returns:
            The builder to read the data set with.
        Raises:
            UserError: the data cannot be used; the message says why and what to do.
        """
        with quiet():
            if options.beam:
                self.builder_config.log = print  # workers get a copy of it
                self.download_and_prepare(download_config=options.download_config())
            else:
                shards.write(self, options)
            return tfds.builder_from_directory(self.data_path)

    def _info(self):
        self.sources  # noqa: B018 - what is not there is said before anything else
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(self.features()),
            metadata=tfds.core.MetadataDict(folder=self.builder_config.path),
        )

    # Where Apache Beam does the work, TFDS writes.

    def _split_generators(self, dl_manager):
        from t2t_mm.data.writing import beam

        return {split: beam.examples(self, source) for split, source in self.sources.items()}

    def _generate_examples(self):
        raise NotImplementedError("the splits are given as Beam transforms")

    def _log_download_bytes(self):
        """Nothing is downloaded: TFDS is not to print that it is."""

    _log_download_done = _log_download_bytes


@contextlib.contextmanager
def quiet():
    """TFDS without progress bars and without its notes on every step."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
