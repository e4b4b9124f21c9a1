"""What TFDS has to know of a reader: one builder class for all of them."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from t2t_mm import compat
from t2t_mm.data.origin import record
from t2t_mm.data.readers.base import Reader
from t2t_mm.data.writing import shards
from t2t_mm.data.writing.options import DEFAULTS, Options
from t2t_mm.problem import locate


@dataclasses.dataclass(eq=False, kw_only=True)
class ReaderConfig(tfds.core.BuilderConfig):
    """A TFDS configuration that says who reads the raw data."""

    reader: Reader


class ReaderBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """The TFDS data set of a reader, `<data_dir>/<layout>/<name>/<version>`.

    Apache Beam has TFDS do the writing; otherwise `shards.write` does it.
    """

    def __init__(self, *, config: ReaderConfig, data_dir: str, version: Any = None):
        self.name = config.reader.layout  # TFDS would name it after this class
        self.reader = config.reader
        super().__init__(config=config, data_dir=data_dir, version=version)

    def _info(self) -> tfds.core.DatasetInfo:
        self.reader.sources  # noqa: B018 - a split that is missing comes before anything else
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(self.reader.features()),
            metadata=tfds.core.MetadataDict(folder=self.reader.path),
        )

    def _split_generators(self, dl_manager):
        from t2t_mm.data.writing import beam

        self.info.metadata[record.KEY] = record.of(self.reader, self.reader.stamps)
        sources = self.reader.sources.items()
        return {split: beam.examples(self.reader, source) for split, source in sources}

    def _generate_examples(self):
        raise NotImplementedError("the splits are given as Beam transforms")


def of_reader(reader: Reader, data_dir: str | os.PathLike) -> ReaderBuilder:
    """The builder of what a reader reads.

    Raises:
        UserError: there is no training split.
    """
    with compat.quiet_tfds():
        config = ReaderConfig(name=reader.name, version=reader.VERSION, reader=reader)
        return ReaderBuilder(config=config, data_dir=os.path.expanduser(data_dir))


def prepare(
    reader: Reader, data_dir: str | os.PathLike, options: Options = DEFAULTS
) -> tfds.core.DatasetBuilder:
    """Writes what a reader reads as a TFDS data set, unless it is there already.

    Until all of it is written, none of it is there; what was done before an interruption is not
    done again.

    Args:
        reader: a reader of a raw folder.
        data_dir: where data is prepared.
        options: how to do it.

    Returns:
        The builder to read the data set with.

    Raises:
        UserError: the data can't be used; the message says why, and what to do.
    """
    builder = of_reader(reader, data_dir)
    with compat.quiet_tfds():
        if options.beam:
            reader.log = print  # workers get a copy of it
            compat.without_download_notes(builder)
            builder.download_and_prepare(download_config=options.download_config())
        else:
            shards.write(builder, options)
    return locate.open_data(Path(builder.data_path))
