"""COCO's own layout: `annotations/captions_train2017.json` with the pictures in `train2017/`."""

import functools
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError, shortened
from t2t_mm.modalities.base import LARGEST
from t2t_mm.modalities.image.reading import decodable
from t2t_mm.modalities.language.visible import is_blank


@registry.register_reader
class Coco(Reader):
    """COCO's own layout: pictures with one caption or several.

    Examples: {"image": encoded bytes, "filename": its name, "captions": [{"text": ...}, ...]}, as
    in the stock data set; line breaks in captions are spaces. A picture that is missing or can't be
    decoded is a broken example; pictures and captions that have no partner are left out and
    counted.
    """

    IDENTITY = ("image",)

    def features(self) -> dict[str, Any]:
        import tensorflow_datasets as tfds

        captions = tfds.features.Sequence({"text": tfds.features.Text()})
        return {
            "image": tfds.features.Image(),
            "filename": tfds.features.Text(),
            "captions": captions,
        }

    def expected(self) -> str:
        return (
            "COCO's own layout (annotations/captions_train2017.json and train2017/, "
            "captions_val2017.json, ..., or of another year)"
        )

    def find(self, name: str) -> Any:
        # of val, not of validation
        pattern = re.compile(rf"captions_{name}(?![a-z])(\d*).*\.json")
        found = {
            path: match[1]
            for path in sorted((self.folder / "annotations").glob(f"captions_{name}*.json"))
            if (match := pattern.fullmatch(path.name))
        }
        if len(set(found.values())) > 1:
            raise UserError(
                f"{self.folder / 'annotations'} has {' and '.join(path.name for path in found)}: "
                "COCO's years hold the same pictures. Keep those of one year."
            )
        return list(found) or None

    def files(self, source: Any) -> Iterator[pathlib.Path]:
        for path in source:
            yield path
            yield from files.under(self._pictures(path))

    def items(self, source: Any) -> Iterator[Any]:
        for path in source:
            images, captions = _annotations(path)
            folder = self._pictures(path)
            if not folder.is_dir():
                raise UserError(f"There is no folder {folder}, where {path.name} has its pictures.")
            for key, name in images.items():
                texts = captions.get(key)
                if not texts:
                    yield LeftOut("pictures without a caption")
                    continue
                yield f"{folder.name}/{name}", files.stamped(folder / name), texts
            for key in captions.keys() - images.keys():
                yield from [LeftOut("captions of pictures that are not listed")] * len(
                    captions[key]
                )

    def _pictures(self, path):
        """The folder with the pictures of a file of captions."""
        return self.folder / path.stem.removeprefix("captions_")

    def total(self, source: Any) -> int | None:
        found = map(_annotations, source)
        return sum(
            len(images) + sum(len(texts) for key, texts in captions.items() if key not in images)
            for images, captions in found
        )

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        return _load


@functools.lru_cache(maxsize=1)  # it is long, and read twice
def _annotations(path):
    """({picture: file name}, {picture: [caption, ...]})."""
    try:
        found = files.read_json(path)
        images: dict[Any, Any] = {}
        for image in found["images"]:
            if images.setdefault(image["id"], image["file_name"]) != image["file_name"]:
                raise TypeError(
                    f"the id {image['id']!r} stands for {images[image['id']]!r} and for "
                    f"{image['file_name']!r}"
                )
        if wrong := [name for name in images.values() if not isinstance(name, str)]:
            raise TypeError(f"the file name {wrong[0]!r} is no text")
        captions = {}
        for annotation in found["annotations"]:
            caption = " ".join(annotation["caption"].split())  # one line, as a model writes it
            if not is_blank(caption):
                captions.setdefault(annotation["image_id"], []).append(caption)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        wrong = shortened(f"it has no {error}" if isinstance(error, KeyError) else error)
        raise UserError(
            f"{path} is not a COCO captions file: {wrong}. Expected: lists of images (id, "
            "file_name) and of annotations (image_id, caption)."
        ) from error
    return images, captions


def _load(item):
    """The example of one picture."""
    where, (path, *_), texts = item
    try:
        image = decodable(files.content(path, LARGEST))
    except (OSError, ValueError) as error:
        yield Broken(where, getattr(error, "strerror", None) or str(error))
        return
    yield where, {"image": image, "filename": path.name, "captions": {"text": texts}}
