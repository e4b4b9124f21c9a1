"""Data sets as other libraries hand them over: of Hugging Face's `datasets`, and of tf.data.

Known by what they offer, so that neither library is imported.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from t2t_mm.data.readers.base import Reader
from t2t_mm.data.readers.columns import check_columns, found_in, named
from t2t_mm.errors import UserError


def of_split(found: Any, split: str) -> Any:
    """The data set of a split, of a dict of them, () if it lacks that; what is no such dict, as it
    is."""
    known = [name for names in Reader.SPLITS.values() for name in names]
    if not isinstance(found, Mapping) or not any(name in found for name in known):
        return found
    return next((found[name] for name in Reader.SPLITS[split] if name in found), ())


def is_one(found: Any) -> bool:
    """Whether it is such a data set."""
    return hasattr(found, "features") or hasattr(found, "as_numpy_iterator")


def rows(
    found: Any,
    keys: Mapping[str, str],
    cells: Sequence[str],
    place: str,
    optional: Container[str] = (),
) -> Iterator[Any]:
    """What `Columns.rows` yields of such a data set.

    Args:
        found: the data set: dicts of columns; of tf.data also pairs of inputs and targets.
        keys: {cell: column}.
        cells: those that are wanted.
        place: what it is, for messages.
        optional: cells that may be empty.

    Raises:
        UserError: it lacks a column, or has neither dicts nor pairs.
    """
    wanted = {cell: keys[cell] for cell in cells}
    if hasattr(found, "as_numpy_iterator"):
        records = (_as_dict(each, keys, place) for each in found.as_numpy_iterator())
    else:
        records = _of_hugging_face(found, list(wanted.values()), place)
    for number, record in enumerate(records):
        yield found_in(number, record, wanted, optional)


def _as_dict(element, keys, place):
    """What a tf.data.Dataset gives, as {column: value}."""
    if isinstance(element, tuple) and len(element) == len(keys):
        return dict(zip(keys.values(), element, strict=True))
    if len(keys) == 1 and not isinstance(element, dict):  # targets alone
        return dict.fromkeys(keys.values(), element)
    if not isinstance(element, dict):
        raise UserError(
            f"{place} must hold dicts of columns, or pairs of inputs and targets, not "
            f"{str(element)[:80]!r}."
        )
    return element


def _of_hugging_face(found, columns, place):
    """The examples of a Hugging Face Dataset, with the names of classes in place of numbers."""
    features = found.features or {}  # one that is streamed may know none
    if features:
        check_columns(place, list(features), columns)
        roots = [each if each in features else each.partition("/")[0] for each in columns]
        found = found.select_columns(list(dict.fromkeys(roots)))  # others need not be decoded
    names = {name: getattr(each, "names", None) or () for name, each in features.items()}
    for record in found:
        yield {name: _plain(value, names.get(name, ())) for name, value in record.items()}


def _plain(value, names):
    if hasattr(value, "get_all_samples"):  # a decoder of sound, which other processes can't be sent
        return {"array": value["array"], "sampling_rate": value["sampling_rate"]}
    return named(value, names)
