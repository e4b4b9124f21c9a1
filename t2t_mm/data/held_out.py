"""A reader whose training examples are dealt out to several splits."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from t2t_mm.config.hold_out import HoldOut
from t2t_mm.data.items import Broken, LeftOut, load
from t2t_mm.data.readers.base import Reader
from t2t_mm.problem import locate


def reader(problem: Any, folder: Any, log: Callable[[str], Any], hold_out: str) -> Any:
    """The reader of a problem's raw data, which cuts splits off where the option says so, or else
    the problem; None if the problem has no raw data."""
    found = locate.reader(problem, folder, log)
    wanted = HoldOut.parse(hold_out or getattr(problem, "hold_out", ""))
    return HeldOut(found, wanted) if found and wanted.splits else found


class HeldOut:
    """A reader with splits that are cut from its training examples, where they have no files of
    their own. All else is as the reader has it.

    Args:
        reader: who reads.
        hold_out: which examples are cut off.
    """

    def __init__(self, reader: Reader, hold_out: HoldOut):
        self.reader, self.hold_out = reader, hold_out

    def __getattr__(self, name: str) -> Any:
        if name == "reader" or name.startswith("__"):  # while a copy is being made
            raise AttributeError(name)
        return getattr(self.reader, name)

    @property
    def log(self) -> Callable[[str], Any]:
        return self.reader.log

    @log.setter
    def log(self, log: Callable[[str], Any]) -> None:
        self.reader.log = log

    @functools.cached_property
    def sources(self) -> dict[str, Any]:
        """{split: (what the reader found, the split to be cut from it, "" for all of it)}."""
        found = self.reader.sources
        cut = [split for split in self.hold_out.splits if split not in found]
        sources = {split: (source, "") for split, source in found.items()}
        for split in set(self.hold_out.splits) - set(cut):
            self.note(f"{split} has data of its own, and is not cut from the training examples")
        if "train" in found and cut:
            sources |= {split: (found["train"], split) for split in ("train", *cut)}
        return {split: sources[split] for split in self.reader.SPLITS if split in sources}

    def items(self, source: Any) -> Iterable[Any]:
        inner, split = source
        found = self.reader.items(inner)
        if split in ("", "train"):
            return found
        return (item for item in found if not isinstance(item, Broken | LeftOut))

    def total(self, source: Any) -> int | None:
        return self.reader.total(source[0])

    def settings(self) -> dict[str, Any]:
        return {**self.reader.settings(), "hold_out": self.hold_out}

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        inner, split = source
        whole = self.reader.loader(inner)
        if not split:
            return whole
        cut = [name for name, (_, part) in self.sources.items() if part and name != "train"]
        return functools.partial(
            _of_split, whole, split, self.hold_out, tuple(cut), self.reader.IDENTITY
        )


def _of_split(loader, split, hold_out, cut, identity, item) -> Iterator[Any]:
    """What an item gives to one split; what is broken or left out counts for the training split."""
    for found in load(item, loader):
        if isinstance(found, Broken | LeftOut):
            wanted = split == "train"
        else:
            example = found[1]
            parts = (_content(example[key]) for key in identity or sorted(example))
            wanted = hold_out.split_of(parts, cut) == split
        if wanted:
            yield found


def _content(value) -> bytes:
    """A value of an example as bytes, equal for equal values."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict | list | tuple):
        pairs = sorted(value.items()) if isinstance(value, dict) else enumerate(value)
        return b"\0".join(f"{key}".encode() + b":" + _content(each) for key, each in pairs)
    array = np.asarray(value)
    return f"{array.dtype}{array.shape}".encode() + array.tobytes()
