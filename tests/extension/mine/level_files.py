"""A reader of one's own: a line of words, a tab, then levels such as 0.5,1 0.25,2."""

import numpy as np

from t2t_mm import files, registry
from t2t_mm.data.items import Broken
from t2t_mm.data.readers.base import Reader


@registry.register_reader
class LevelFiles(Reader):
    """Words and levels, one example per line."""

    def features(self):
        import tensorflow_datasets as tfds

        levels = tfds.features.Tensor(shape=(None, 2), dtype=np.float32, encoding="bytes")
        return {"levels": levels, "words": tfds.features.Text()}

    def expected(self):
        return "words and levels (train.txt, validation.txt, ...)"

    def find(self, name):
        return files.existing(self.folder / f"{name}.txt")

    def items(self, source):
        return files.lines(source)

    def loader(self, source):
        return _load


def _load(item):
    number, line = item
    words, _, levels = line.decode("utf-8").partition("\t")
    try:
        rows = [[float(level) for level in row.split(",")] for row in levels.split()]
        yield number, {"levels": np.array(rows, np.float32), "words": words}
    except ValueError as error:
        yield Broken(f"line {number}", str(error))
