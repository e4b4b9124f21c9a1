"""An image folder, as ImageNet's: `train/<class>/<file>`, `validation/<class>/<file>`."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.modalities.base import LARGEST
from t2t_mm.modalities.image.formats import is_picture
from t2t_mm.modalities.image.reading import decodable

# What is no image by its first bytes is a broken image if its name ends like this, else a stray
# file.
_ENDINGS = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm"}


@registry.register_reader
class ImageFolder(Reader):
    """Image folders: one folder per class, with its pictures at any depth.

    The classes are the folders of all splits, sorted; the data set records their names.

    Examples: {"image": encoded bytes, "label": class}. A JPEG, PNG or GIF is stored as it is if
    it can be decoded in graph; a BMP, WebP, TIFF or PPM as an RGB PNG. Image files that are
    truncated, too large or hold no image, and what is no regular file, are broken examples; hidden
    files are ignored; other files are left out and counted.
    """

    IDENTITY = ("image",)

    def features(self) -> dict[str, Any]:
        import tensorflow_datasets as tfds

        classes = {folder.name for folders in self.sources.values() for folder in folders}
        return {
            "image": tfds.features.Image(),
            "label": tfds.features.ClassLabel(names=sorted(classes)),
        }

    def expected(self) -> str:
        return "one folder per class (train/<class>/<picture>, validation/<class>/<picture>, ...)"

    def find(self, name: str) -> Any:
        folder = self.folder / name
        if not folder.is_dir():
            return None
        folders = sorted(
            path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
        classes = [path for path in folders if next(files.under(path), None)]
        if not classes:
            self.note(f"{folder} has no class folders and is not read")
        return classes or None

    def items(self, source: Any) -> Iterator[Any]:
        for folder in source:
            yield from ((folder.name, files.stamped(path)) for path in files.under(folder))

    def total(self, source: Any) -> int | None:
        return sum(1 for folder in source for _ in files.under(folder))

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        return functools.partial(_load, self.folder)


def _load(root, item):
    """The picture in one file."""
    label, (path, *_) = item
    where = path.relative_to(root).as_posix()
    try:
        is_named = path.suffix.lower() in _ENDINGS
        if not is_named and not is_picture(files.head(path, 16)):
            yield LeftOut("files that are no images")
            return
        content = decodable(files.content(path, LARGEST))
    except (OSError, ValueError) as error:
        yield Broken(where, getattr(error, "strerror", None) or str(error))
        return
    yield where, {"image": content, "label": label}
