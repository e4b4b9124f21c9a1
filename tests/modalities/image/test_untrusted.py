"""Pictures that are meant to do harm, or do it by mistake: programs, bombs, numbers without a
scale."""

import io
import os
import socket
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import EpsImagePlugin
from PIL import Image as Picture

from t2t_mm.modalities.image import decoding, headers
from t2t_mm.modalities.image.spec import Image
from tests.modalities.image.pictures import COLOURS, png, saved, tiff_block

SPEC = Image(size=16)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
COLOURED = Picture.fromarray(COLOURS)


@pytest.fixture
def no_ghostscript(monkeypatch):
    def start(*args, **kwargs):
        pytest.fail("a program was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", start)
    monkeypatch.setattr(EpsImagePlugin, "has_ghostscript", lambda: True)


@pytest.mark.parametrize("before", [b"", b"\xc5\xd0\xd3\xc6" + b"\0" * 28])
def test_no_picture_starts_a_program(no_ghostscript, tmp_path, before):
    (tmp_path / "a.jpg").write_bytes(before + EPS)
    for value in (EPS, before + EPS, tmp_path / "a.jpg", str(tmp_path / "a.jpg"), io.BytesIO(EPS)):
        for read in (SPEC.read, lambda value: SPEC.store(value, None)):
            if hasattr(value, "seek"):
                value.seek(0)
            with pytest.raises(ValueError, match="not a known picture format"):
                read(value)
    with pytest.raises(ValueError, match="EPS is not read; convert it first"):
        SPEC.read(Picture.open(io.BytesIO(EPS)))
    with pytest.raises(tf.errors.OpError):
        decoding.decode(EPS)
    with pytest.raises(Picture.UnidentifiedImageError):
        SPEC.describe(EPS)


@pytest.mark.parametrize("form", ["ICO", "PCX", "TGA", "SGI", "DDS", "JPEG2000"])
def test_formats_that_are_not_named_are_refused(form):
    with pytest.raises(ValueError, match="not a known picture format"):
        SPEC.read(saved(COLOURED, form))


def announcing(form, width, height):
    """A picture whose header says that it is so large; there may be no more of it."""
    if form == "PNG":
        content = bytearray(png(COLOURS, 8, 2))
        content[16:24] = struct.pack(">II", width, height)
        content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    elif form == "JPEG":
        content = bytearray(saved(COLOURED, "JPEG"))
        place = content.index(b"\xff\xc0")
        content[place + 5 : place + 9] = struct.pack(">HH", height, width)
    elif form == "BMP":
        content = bytearray(saved(COLOURED, "BMP"))
        content[18:26] = struct.pack("<ii", width, height)
    else:
        content = bytearray(saved(COLOURED.convert("P"), "GIF"))
        content[6:10] = struct.pack("<HH", width, height)
        if form == "GIF frame":  # the canvas stays small
            content = bytearray(saved(COLOURED.convert("P"), "GIF"))
            place = content.index(b",", 13 + 3 * 2 ** ((content[10] & 7) + 1))
            content[place + 5 : place + 9] = struct.pack("<HH", width, height)
    return bytes(content)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "GIF frame"])
@pytest.mark.parametrize("width, height", [(13_000, 13_000), (65_000, 2_000)])
def test_too_many_pixels_are_refused_from_the_header(form, width, height):
    content = announcing(form, width, height)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too many pixels"):
        decoding.decode(content)
    with pytest.raises(ValueError, match="make it smaller|too many pixels|exceeds limit"):
        SPEC.read(content)


@pytest.mark.parametrize("form", ["TIFF", "WEBP", "PPM"])
def test_too_many_pixels_are_refused_by_pillow_too(form):
    if form == "PPM":
        content = b"P6 13000 13000 255\n"
    else:
        size = (9_000, 9_000) if form == "TIFF" else (16_000, 8_000)
        options = {"compression": "tiff_lzw"} if form == "TIFF" else {"method": 0}
        content = saved(Picture.new("1" if form == "TIFF" else "RGB", size), form, **options)
    with pytest.raises(ValueError, match="where 67,108,864 in all and 65,536 a side are the most"):
        SPEC.read(content)


def test_a_long_thin_picture_is_no_bomb():
    # stretched, it would take size × width numbers
    thin = saved(Picture.new("L", (70_000, 1)), "PNG")
    with pytest.raises(ValueError, match="70,000×1 pixels"):
        SPEC.read(thin)
    with pytest.raises(ValueError, match="65,536 a side"):
        SPEC.read(np.zeros([1, 70_000, 3], np.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoding.decode(thin)
    stretched, wide = Image(size=16, fit="stretch"), Picture.new("L", (60_000, 1))
    assert stretched.encode(tf.constant(saved(wide, "PNG"))).shape == (16, 16, 3)


def test_pictures_are_shrunk_as_they_are_one_byte_a_value():
    function = tf.function(SPEC.encode).get_concrete_function(tf.TensorSpec([], tf.string))
    nodes = [
        node for inner in function.graph.as_graph_def().library.function for node in inner.node_def
    ]
    kinds = {node.attr["T"].type for node in nodes if node.op == "ScaleAndTranslate"}
    assert kinds == {tf.uint8.as_datatype_enum}


@pytest.mark.parametrize("mode", ["I", "F"])
def test_greys_without_a_scale_are_refused(mode):
    values = np.linspace(0, 9e4, 256).reshape(16, 16)
    image = Picture.fromarray(values.astype(np.int32 if mode == "I" else np.float32))
    for value in (saved(image, "TIFF"), image):
        with pytest.raises(ValueError, match="of unknown range"):
            SPEC.read(value)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"MM",
        b"II*\0",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        tiff_block(0),
        tiff_block(9),
        tiff_block(6)[:20],
        b"XX\0*" + tiff_block(6)[4:],
    ],
)
def test_exif_that_says_nothing_leaves_a_picture_as_it_is(block):
    assert headers.orientation(tf.constant(block)) == 1
    content = png(COLOURS, 8, 2, (b"eXIf", block))
    np.testing.assert_array_equal(decoding.decode(content), COLOURS)
    jpeg = saved(COLOURED, "JPEG", exif=b"Exif\0\0" + block)
    np.testing.assert_array_equal(decoding.decode(jpeg), decoding.decode(saved(COLOURED, "JPEG")))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF"])
def test_every_cut_is_refused_or_whole(form):
    content = saved(COLOURED.convert("P" if form == "GIF" else "RGB"), form)
    whole = decoding.decode(content).numpy()
    for length in range(0, len(content), max(1, len(content) // 60)):
        try:
            found = decoding.decode(content[:length]).numpy()
        except (tf.errors.OpError, UnicodeDecodeError):
            continue
        np.testing.assert_array_equal(found, whole)


def test_what_never_ends_in_its_header_is_refused():
    many = png(COLOURS, 8, 2, *[(b"tEXt", b"")] * 2000)
    with pytest.raises(tf.errors.InvalidArgumentError, match="without pixels"):
        decoding.decode(many)


@pytest.fixture(params=["pipe", "device", "folder", "sparse", "socket"])
def no_file(request, tmp_path):
    path = tmp_path / "a.jpg"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    elif request.param == "folder":
        path.mkdir()
    elif request.param == "socket":
        place = os.open(tmp_path, os.O_RDONLY)  # such a path may be longer than a socket's may
        socket.socket(socket.AF_UNIX).bind(f"/proc/self/fd/{place}/a.jpg")
        os.close(place)
    else:
        with open(path, "wb") as file:
            file.truncate(50 * 2**30)
    return path


def test_what_is_no_file_is_never_opened(no_file):
    for read in (SPEC.read, lambda value: SPEC.store(value, None)):
        with pytest.raises(ValueError, match="not a regular file|bytes long, where 268,435,456"):
            read(no_file)


def test_an_open_file_without_an_end():
    with open("/dev/zero", "rb") as file, pytest.raises(ValueError, match="longer than"):
        SPEC.read(file)
