"""The base of all readers of raw folders: finds splits, and leaves out broken examples up to a limit."""

import collections
import contextlib
import dataclasses
import functools
import gzip
import os
import pathlib
import shutil
import time
import zlib
from collections.abc import Callable
from typing import NamedTuple

import tensorflow_datasets as tfds
from absl import logging

from t2t_mm.errors import UserError

BROKEN_LIMIT = 0.01  # share of a split's examples that may be broken, and is left out
_GIVE_UP = 1_000  # broken examples after which it stops early, if they are more than a tenth of the good
_NAMED = 5  # broken examples that are named
_STALE = 3600  # seconds after which an unfinished preparation that nothing writes to counts as dead


class Broken(NamedTuple):
    """In the place of an example that cannot be used: where it is (file and line), and what is wrong."""

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
    """Base of the readers. A subclass says what its examples hold (`features`), which files are a split
    (`find`), and yields what is in them (`read`). Examples are stored in an order shuffled by their keys."""

    VERSION = tfds.core.Version("1.0.0")
    # Our names of the splits -> what their files or folders may be called.
    SPLITS = {"train": ("train",), "validation": ("validation", "val", "dev"), "test": ("test",)}

    @classmethod
    def read_from(cls, problem, path, data_dir, log=print):
        """The builder for the raw folder `path` of `problem`."""
        with quiet():
            return cls(config=cls.configure(problem, path, log), data_dir=data_dir)

    @classmethod
    def configure(cls, problem, path, log) -> RawConfig:
        return RawConfig(name=problem.folder, path=str(path), log=log)

    def features(self) -> dict:
        """Names and TFDS features of an example."""
        raise NotImplementedError

    def find(self, name: str):
        """What `read` needs to read the split called `name`; None if it is not there."""
        raise NotImplementedError

    def looked_for(self) -> str:
        """What has to be there for the training split, for an error message."""
        raise NotImplementedError

    def read(self, source):
        """Yields (key, example), `Broken` and `LeftOut` for what `find` gave, never holding all in memory."""
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
        found = {split: next(filter(None, map(self.find, names)), None)
                 for split, names in self.SPLITS.items()}
        if found["train"] is None:
            there = sorted(os.listdir(self.folder))[:10] if self.folder.is_dir() else ["no such folder"]
            raise UserError(f"No training data in {self.folder}: expected {self.looked_for()}; found: "
                            f"{', '.join(there) or 'nothing'}.")
        return {split: source for split, source in found.items() if source is not None}

    def prepare(self):
        """Writes the data set, unless it is there already. Until all of it is written, none of it is there.

        Raises:
            UserError: the data cannot be used; the message says why and what to do.
        """
        self._sweep()
        with quiet():
            self.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
        return self

    def _sweep(self):
        """Removes what a killed preparation left; one that still runs has touched its files lately."""
        for folder in pathlib.Path(self.data_path).parent.glob("incomplete.*"):
            with contextlib.suppress(OSError):  # it may be finished just now
                if time.time() - max(path.stat().st_mtime for path in [folder, *folder.iterdir()]) > _STALE:
                    shutil.rmtree(folder)

    def _log_download_bytes(self):
        """Nothing is downloaded: TFDS is not to print that it is."""

    _log_download_done = _log_download_bytes

    def _info(self):
        self.sources  # noqa: B018 - what is not there is said before anything else
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(self.features()),
            metadata=tfds.core.MetadataDict(folder=self.builder_config.path),
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split, source) for split, source in self.sources.items()}

    def _generate_examples(self, split, source):
        good, broken, named, left_out = 0, 0, [], collections.Counter()
        for item in self.read(source):
            if isinstance(item, Broken):
                broken += 1
                if len(named) < _NAMED:
                    named.append(f"{item.where} ({item.reason})")
                if broken > _GIVE_UP and broken > good / 10:
                    break
            elif isinstance(item, LeftOut):
                left_out[item.reason] += 1
            else:
                good += 1
                yield item
        total = good + broken
        names = ", ".join(named) + (", ..." if broken > len(named) else "")
        if broken > BROKEN_LIMIT * total:
            raise UserError(f"{self.folder}: {broken} of {total} {split} examples are broken, more than the "
                            f"{BROKEN_LIMIT:.0%} that is left out: {names}. Repair or remove them.")
        if not good:
            reasons = "".join(f"; {count} {reason}" for reason, count in left_out.items())
            raise UserError(f"{self.folder}: its {split} files hold no example{reasons}. Expected "
                            f"{self.looked_for()}.")
        if broken:
            left_out[f"broken: {names}"] = broken
        for reason, count in left_out.items():
            self.tell(f"{split}: left out {count} {reason}")
        self.info.metadata[split] = {"examples": good, "left_out": dict(left_out)}


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


def lines(path):
    """Yields (number from 1, bytes) for each line of a file, gunzipped if it ends in .gz.

    Only a line feed ends a line. A carriage return before it goes, as does a byte order mark at the start.

    Raises:
        UserError: the file cannot be read.
    """
    path = pathlib.Path(path)
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            for number, line in enumerate(file, 1):
                line = line.removesuffix(b"\n").removesuffix(b"\r")
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def text(line: bytes) -> str | None:
    """The line as text; None if it is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def existing(path) -> pathlib.Path | None:
    """`path`, or `path` with .gz, whichever is a file."""
    return next((file for file in (pathlib.Path(path), pathlib.Path(f"{path}.gz")) if file.is_file()), None)
