"""Line-aligned text: `train.en` and `train.de`, `validation.en`, ...; each may end in .gz."""

import dataclasses
import functools

import tensorflow_datasets as tfds

from t2t_mm import files
from t2t_mm.data.readers import raw
from t2t_mm.errors import UserError


@dataclasses.dataclass(eq=False)
class ParallelTextConfig(raw.RawConfig):
    """Which languages are read: the endings of the file names, and the keys of the examples."""

    languages: tuple = ()


class ParallelText(raw.RawBuilder, skip_registration=True):
    """Line n of each file of a split says the same in another language.

    Examples: {"en": text, "de": text}, as the lines are. A pair of which one line is empty is left
    out and counted. A line that is no UTF-8 is a broken example. Files of one split with differing
    numbers of lines are an error."""

    CONFIG = ParallelTextConfig
    PIECE = 20_000

    @classmethod
    def settings(cls, problem):
        # Sorted: the data set of a problem and of its reverse is the same.
        return {"languages": tuple(sorted({problem.input_key, problem.target_key}))}

    def features(self):
        return {language: tfds.features.Text() for language in self.builder_config.languages}

    def looked_for(self):
        names = " and ".join(f"train.{language}" for language in self.builder_config.languages)
        return f"{names}, each also with .gz"

    def find(self, name):
        wanted = [self.folder / f"{name}.{language}" for language in self.builder_config.languages]
        found = [files.existing(path) for path in wanted]
        if not any(found):
            return None
        for path, other in zip(wanted, found, strict=True):
            if other is None:
                raise UserError(
                    f"There is no {path}, though {next(filter(None, found)).name} is there: "
                    "line-aligned text has a file for each language."
                )
        return found

    def items(self, source):
        for rows in zip(*map(files.lines, source), strict=True):
            number = rows[0][0]
            yield number, [line for _, line in rows]

    def total(self, source):
        counts = [sum(1 for _ in files.lines(path)) for path in source]
        if len(set(counts)) > 1:
            lengths = ", ".join(
                f"{path} has {count}" for path, count in zip(source, counts, strict=True)
            )
            raise UserError(
                f"Line-aligned files must have the same number of lines, but {lengths}. "
                "Align them anew."
            )
        return counts[0]

    def loader(self, source):
        return functools.partial(
            _load, self.builder_config.languages, [path.name for path in source]
        )


def _load(languages, names, item):
    """The example of the lines of one number."""
    number, lines = item
    texts = [files.text(line) for line in lines]
    if None in texts:
        yield raw.Broken(f"{names[texts.index(None)]}:{number}", "not UTF-8")
    elif not all(text.strip() for text in texts):
        yield raw.LeftOut("pairs with an empty line")
    else:
        yield number, dict(zip(languages, texts, strict=True))
