"""An image folder, one folder a class, as ImageNet's: `train/<class>/<file>`,
`validation/<class>/<file>`."""

import functools
import io

import tensorflow_datasets as tfds

from t2t_mm import files
from t2t_mm.data.readers import raw

# What is no image by its first bytes is a broken image if its name ends like this, else a stray
# file.
_ENDINGS = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm"}
_FOR_TENSORFLOW = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")
_FIRST_BYTES = (*_FOR_TENSORFLOW, b"BM")


class ImageFolder(raw.RawBuilder, skip_registration=True):
    """Images of classes. The classes are the folders of all splits, sorted; the data set records
    their names.

    Examples: {"image": encoded bytes, "label": class}. A JPEG, PNG or GIF is stored as it is if
    TensorFlow can decode it; otherwise, if Pillow can, as an RGB PNG. Image files that are cut off
    or hold no image are broken examples; hidden files are passed over; other files are left out and
    counted."""

    def features(self):
        classes = {folder.name for folders in self.sources.values() for folder in folders}
        return {
            "image": tfds.features.Image(),
            "label": tfds.features.ClassLabel(names=sorted(classes)),
        }

    def looked_for(self):
        return "train/<class>/<image file>, one folder for each class"

    def find(self, name):
        folder = self.folder / name
        if not folder.is_dir():
            return None
        folders = sorted(
            path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
        classes = [path for path in folders if next(files.under(path), None)]
        if not classes:
            self.tell(f"{folder} has no class folders and is not read")
        return classes or None

    def items(self, source):
        for folder in source:
            yield from ((folder.name, files.stamped(path)) for path in files.under(folder))

    def total(self, source):
        return sum(1 for folder in source for _ in files.under(folder))

    def loader(self, source):
        return functools.partial(_load, self.folder)


def _load(root, item):
    """The picture in one file."""
    label, (path, *_) = item
    where = path.relative_to(root).as_posix()
    try:
        content = path.read_bytes()
        if not content.startswith(_FIRST_BYTES) and path.suffix.lower() not in _ENDINGS:
            yield raw.LeftOut("files that are no images")
            return
        content = decodable(content)
    except (OSError, ValueError) as error:
        yield raw.Broken(where, getattr(error, "strerror", None) or str(error))
        return
    yield where, {"image": content, "label": label}


def decodable(content: bytes) -> bytes:
    """An encoded image that `tf.io.decode_image` reads: `content` itself (JPEG, PNG, GIF), or else
    what Pillow makes of it as RGB PNG (BMP, WebP, TIFF and others).

    Raises:
        ValueError: `content` is empty, cut off, or no image.
    """
    import tensorflow as tf
    from PIL import Image

    if not content:
        raise ValueError("empty file")
    if content.startswith(_FOR_TENSORFLOW):  # not BMP, whose colour tables it takes for greys
        try:
            tf.io.decode_image(
                content, channels=3, expand_animations=False
            )  # refuses a JPEG that is cut off
            return content
        except tf.errors.OpError:
            pass
    try:
        with Image.open(io.BytesIO(content)) as image:
            png = io.BytesIO()
            image.convert("RGB").save(png, "PNG")
            return png.getvalue()
    except Image.UnidentifiedImageError as error:
        raise ValueError("no image") from error
    except Exception as error:  # Pillow's decoders raise all kinds
        raise ValueError(str(error) or type(error).__name__) from error
