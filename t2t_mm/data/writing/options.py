"""How data is prepared, and how far that is."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Options:
    """How to prepare data.

    Attributes:
        workers: processes that make examples; 1 is this process alone.
        report: function of a Status, called often.
        beam: options of an Apache Beam pipeline, such as ("--runner=FlinkRunner", ...), to have it
            do the work.
        manual_dir: where files lie that had to be fetched by hand for stock data sets.
        again: whether data and vocabularies that are prepared are prepared anew.
        hold_out: splits to cut from the training examples, as config.hold_out has it; "" for those
            that the problem says.
    """

    workers: int = 1
    report: Callable[["Status"], Any] = lambda status: None
    beam: tuple[str, ...] = ()
    manual_dir: str = ""
    again: bool = False
    hold_out: str = ""

    def download_config(self) -> Any:
        """TFDS's DownloadConfig."""
        import tensorflow_datasets as tfds

        options = None
        if self.beam:
            from t2t_mm.data.writing import beam

            options = beam.pipeline_options(self.beam)
        return tfds.download.DownloadConfig(
            try_download_gcs=False, beam_options=options, manual_dir=self.manual_dir or None
        )


@dataclasses.dataclass
class Status:
    """How far the writing of a split is.

    Attributes:
        name: of the data set and the split.
        done: items read so far.
        total: items there are, None if unknown.
        found: of `done`, those that an interrupted run had done already.
        size: bytes written.
        merging: whether all pieces are there, and `done` and `total` count examples put into
            shards.
    """

    name: str
    done: int = 0
    total: int | None = None
    found: int = 0
    size: int = 0
    merging: bool = False


DEFAULTS = Options()
