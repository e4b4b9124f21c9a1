"""Parquet files: `train.parquet`, or several `train/*.parquet`; also those of Hugging Face."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

from t2t_mm import registry
from t2t_mm.data.readers.columns import check_columns, named
from t2t_mm.data.readers.table import Table
from t2t_mm.errors import UserError

_BATCH = 100  # rows that are in memory: pictures may be among them


@registry.register_reader
class Parquet(Table):
    """Parquet files: one row per example, columns of text, classes, numbers, pictures or sounds.

    A picture or a sound is the content of its file, its path, or Hugging Face's {"bytes", "path"}.
    The numbers of classes that Hugging Face has named are read as those names.
    """

    TEXT = False

    def total(self, source: Any) -> int | None:
        counts = []
        for path in source:
            with _opened(path) as file:
                counts.append(file.metadata.num_rows)
        return sum(counts)

    def records(self, path: pathlib.Path, columns: list[str]) -> Iterator[tuple[int, Any]]:
        with _opened(path) as file:
            there = file.schema_arrow.names
            check_columns(path, there, columns)
            roots = {each if each in there else each.partition("/")[0] for each in columns}
            names = _class_names(file.schema_arrow.metadata or {})
            batches, number = file.iter_batches(_BATCH, columns=sorted(roots)), 0
            while (batch := _next(batches, path)) is not None:
                for index in range(len(batch)):
                    number += 1
                    yield number, _record(batch, index, names)


def _opened(path):
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise _broken(path, error) from error


def _next(batches, path):
    import pyarrow

    try:
        return next(batches, None)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise _broken(path, error) from error


def _broken(path, error):
    return UserError(f"{path} cannot be read: {' '.join(str(error).split())[:300]}")


def _record(batch, index, names):
    """A row as {column: value}, or what is wrong with it."""
    try:
        found = {name: batch[name][index].as_py() for name in batch.schema.names}
    except (ValueError, ArithmeticError) as error:  # text that is not UTF-8; times beyond Python's
        return str(error)
    return found | {name: named(found[name], names[name]) for name in names.keys() & found.keys()}


def _class_names(metadata):
    """{column: names of classes} of what Hugging Face writes beside the schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        found = {name: each["names"] for name, each in features.items() if "names" in each}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: each for name, each in found.items() if _are_names(each)}


def _are_names(value):
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
