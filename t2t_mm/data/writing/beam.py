"""Apache Beam does the work of a raw reader, on this machine or on a cluster. Needs the extra
`beam`."""

import itertools
import logging

from t2t_mm.errors import UserError


def pipeline_options(options: tuple):
    """Beam's PipelineOptions of such as ("--runner=FlinkRunner", "--flink_master=host:8081").

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


def examples(builder, source):
    """The transform that gives the examples of a split: workers read the source up to a piece and
    load that.

    What is broken is named in the workers' logs; no limit is set to it."""
    import apache_beam as beam

    size = builder.PIECE
    items, load = builder.items, builder.loader(source)
    total = builder.total(source)
    if total is None:
        total = sum(1 for _ in items(source))

    def read(start):
        from t2t_mm.data.readers.raw import Broken, LeftOut

        for item in itertools.islice(items(source), start, start + size):
            for found in [item] if isinstance(item, Broken | LeftOut) else load(item):
                if isinstance(found, Broken):
                    logging.warning("left out, broken: %s (%s)", found.where, found.reason)
                elif not isinstance(found, LeftOut):
                    yield found

    return beam.Create(range(0, total, size)) | beam.Reshuffle() | beam.FlatMap(read)
