"""Apache Beam does the work of a raw reader, on this machine or on a cluster. Needs the extra `beam`."""

import itertools

from t2t_mm.errors import UserError


def pipeline_options(options: tuple):
    """Beam's PipelineOptions of such as ("--runner=FlinkRunner", "--flink_master=host:8081").

    Raises:
        UserError: Beam is not installed.
    """
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError:
        raise UserError("--beam needs Apache Beam, which is not installed: pip install 't2t-mm[beam]'.") from None
    return PipelineOptions(flags=list(options))


def examples(builder, source):
    """The transform that gives the examples of a split: workers read the source up to a piece and load that."""
    import apache_beam as beam

    size = builder.PIECE
    items, load = builder.items, builder.loader(source)
    total = builder.total(source)
    if total is None:
        total = sum(1 for _ in items(source))

    def read(start):
        from t2t_mm.datasets.raw import Broken, LeftOut

        for item in itertools.islice(items(source), start, start + size):
            if not isinstance(item, Broken | LeftOut):
                yield from (found for found in load(item) if not isinstance(found, Broken | LeftOut))

    return beam.Create(range(0, total, size)) | beam.Reshuffle() | beam.FlatMap(read)
