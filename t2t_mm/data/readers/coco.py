"""COCO's own layout: `annotations/captions_train2017.json` with the pictures in `train2017/`."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError
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
        return sorted((self.folder / "annotations").glob(f"captions_{name}*.json")) or None

    def items(self, source: Any) -> Iterator[Any]:
        for path in source:
            images, captions = _annotations(path)
            folder = self.folder / path.stem.removeprefix("captions_")
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
        images = {image["id"]: image["file_name"] for image in found["images"]}
        if wrong := [name for name in images.values() if not isinstance(name, str)]:
            raise TypeError(f"the file name {wrong[0]!r} is no text")
        captions = {}
        for annotation in found["annotations"]:
            caption = " ".join(annotation["caption"].split())  # one line, as a model writes it
            if not is_blank(caption):
                captions.setdefault(annotation["image_id"], []).append(caption)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        wrong = f"it has no {error}" if isinstance(error, KeyError) else error
        raise UserError(
            f"{path} is not what COCO has for captions: {wrong}. Expected are lists of images (id, "
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
