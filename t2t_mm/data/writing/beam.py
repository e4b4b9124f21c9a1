"""Apache Beam does the work of a reader, on this machine or on a cluster. Needs the extra
`beam`."""

import itertools
import logging
from typing import Any

from t2t_mm.data.items import Broken, LeftOut, load
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError, shortened


def pipeline_options(options: tuple[str, ...]) -> Any:
    """Beam's PipelineOptions, of ("--runner=FlinkRunner", "--flink_master=host:8081") for one.

    Raises:
        UserError: Beam is not installed.
    """
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError:
        raise UserError(
            "--beam needs Apache Beam, which is not installed: pip install 't2t-mm[beam]'."
        ) from None
    return PipelineOptions(flags=list(options))


def examples(reader: Reader, source: Any) -> Any:
    """The Beam transform that gives the examples of a split.

    Workers read the source up to a piece and load that. What is broken is named in the workers'
    logs; no limit is set to it.
    """
    import apache_beam as beam

    size = reader.PIECE
    items, loader = reader.items, reader.loader(source)
    total = reader.total(source)
    if total is None:
        total = sum(1 for _ in items(source))

    def read(start):
        for item in itertools.islice(items(source), start, start + size):
            for found in load(item, loader):
                if isinstance(found, Broken):
                    logging.warning(
                        "left out, broken: %s (%s)", shortened(found.where), shortened(found.reason)
                    )
                elif not isinstance(found, LeftOut):
                    yield found

    return beam.Create(range(0, total, size)) | beam.Reshuffle() | beam.FlatMap(read)
