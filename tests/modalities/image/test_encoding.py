"""Pictures in graph: sizes, range, cuts and mirror images."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Picture

from t2t_mm.errors import UserError
from t2t_mm.modalities.image import decoding
from t2t_mm.modalities.image.spec import Image
from tests.modalities.image.pictures import saved, stored, tiff_block


def picture(height, width, channels=3):
    """A picture whose pixels tell where they are: rows in the first channel, columns in the
    second."""
    rows, columns = np.meshgrid(
        np.linspace(0, 255, height), np.linspace(0, 255, width), indexing="ij"
    )
    return np.stack([rows, columns, 0 * rows], axis=-1)[..., :channels].astype(np.uint8)


def encode(spec, pixels, training=False, seed=(0, 0)):
    return spec.encode(tf.constant(pixels), training, tf.constant(seed)).numpy()


@pytest.mark.parametrize("encoder", [tf.io.encode_png, tf.io.encode_jpeg])
@pytest.mark.parametrize("shape", [(40, 40), (31, 97), (200, 50)])
@pytest.mark.parametrize("training", [False, True])
def test_any_file_becomes_a_square_in_range(encoder, shape, training):
    spec = Image(size=32)
    data = tf.data.Dataset.from_tensors(encoder(picture(*shape)))
    (pixels,) = data.map(lambda value: spec.encode(value, training, [1, 2]))  # in graph
    assert pixels.shape == (32, 32, 3) and pixels.dtype == tf.float32
    assert -1.001 <= tf.reduce_min(pixels) < 0 < tf.reduce_max(pixels) <= 1.001


def test_a_picture_of_the_wanted_size_is_taken_whole():
    pixels = picture(32, 32)
    expected = pixels.astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(encode(Image(size=32), pixels), expected, atol=1e-6)
    np.testing.assert_allclose(
        encode(Image(size=32, flip=False), pixels, training=True), expected, atol=1e-6
    )


def test_evaluation_cuts_the_middle_and_training_anywhere():
    spec, pixels = Image(size=16, flip=False), picture(64, 128)
    middle = encode(spec, pixels)
    np.testing.assert_allclose(middle.mean(axis=(0, 1))[:2], 0, atol=0.02)  # the middle is grey
    columns = [
        encode(spec, pixels, training=True, seed=(0, i)).mean(axis=(0, 1))[1] for i in range(40)
    ]
    assert min(columns) < -0.2 and max(columns) > 0.2
    assert (
        encode(spec, pixels, True, (3, 4)).tolist() == encode(spec, pixels, True, (3, 4)).tolist()
    )


def test_crop_of_one_keeps_the_whole_short_side():
    rows = encode(Image(size=16, crop=1.0), picture(64, 64))[:, 0, 0]
    cut = encode(Image(size=16), picture(64, 64))[:, 0, 0]
    assert rows[0] < cut[0] and rows[-1] > cut[-1]


def test_flip_is_for_training_and_for_specs_that_allow_it():
    pixels = picture(32, 32)
    flipped = [encode(Image(size=32), pixels, True, (0, i))[0, 0, 1] > 0 for i in range(30)]
    assert 3 < sum(flipped) < 27
    assert not any(
        encode(Image(size=32, flip=False), pixels, True, (0, i))[0, 0, 1] > 0 for i in range(30)
    )


def test_shrinking_is_antialiased():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the result can show: must come out grey, not black or white
    assert np.abs(encode(Image(size=16), stripes)).max() < 0.1


def test_grey_pictures_and_colour_specs():
    grey = tf.io.encode_png(picture(20, 20, channels=1))
    assert Image(size=20).encode(grey).shape == (20, 20, 3)
    assert Image(size=20, channels=1).encode(grey).shape == (20, 20, 1)


def test_stretching_keeps_the_edges():
    wide = encode(Image(size=16, fit="stretch", crop=1.0), picture(25, 100))
    assert wide[0, 0, 1] < -0.9 and wide[0, -1, 1] > 0.9 and wide[-1, 0, 0] > 0.9
    spec = Image(size=16, fit="stretch", flip=False)
    columns = [encode(spec, picture(64, 128), True, (0, i))[0, 0, 1] for i in range(30)]
    assert min(columns) < -0.9 and max(columns) > -0.8  # a cut of 7/8, anywhere


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_a_jpeg_is_cut_before_it_is_decoded_to_the_same_pixels(fit, training):
    spec = Image(size=32, fit=fit)
    encoded = tf.io.encode_jpeg(picture(120, 75), quality=95)
    whole = encode(spec, tf.io.decode_jpeg(encoded).numpy(), training, (5, 6))
    np.testing.assert_allclose(
        spec.encode(encoded, training, tf.constant([5, 6])), whole, atol=0.03
    )


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_what_is_cut_of_a_jpeg_in_training_is_upright(fit):
    spec = Image(size=32, fit=fit)
    kinds = [tf.TensorSpec([], tf.string), tf.TensorSpec([2], tf.int32)]
    encoded = tf.function(lambda value, seed: spec.encode(value, True, seed), kinds)
    for orientation in range(1, 9):
        lying = Picture.fromarray(stored(picture(120, 75), orientation))
        exif = b"Exif\0\0" + tiff_block(orientation)
        content = saved(lying, "JPEG", quality=95, subsampling=0, exif=exif)
        pixels, seed = decoding.decode(content), tf.constant([5, orientation])
        assert pixels.shape == (120, 75, 3)
        wanted = spec.encode(pixels, True, seed)
        np.testing.assert_allclose(encoded(content, seed), wanted, atol=0.03, err_msg=orientation)


@pytest.mark.parametrize(
    "mode, colour, form, seen",
    [
        ("RGBA", (255, 0, 0, 0), "PNG", (1, 1, 1)),
        ("RGBA", (255, 0, 0, 255), "PNG", (1, -1, -1)),
        ("LA", (0, 128), "PNG", (0, 0, 0)),
        ("L", 255, "JPEG", (1, 1, 1)),
        ("CMYK", (0, 255, 255, 0), "JPEG", (1, -1, -1)),
        ("P", 0, "GIF", (-1, -1, -1)),
        ("RGB", (0, 0, 255), "BMP", (-1, -1, 1)),
        ("1", 1, "PNG", (1, 1, 1)),
    ],
)
def test_colour_spaces_and_transparency(mode, colour, form, seen):
    file = io.BytesIO()
    Picture.new(mode, (20, 20), colour).save(file, form)
    pixels = Image(size=16).encode(tf.constant(file.getvalue())).numpy()
    np.testing.assert_allclose(pixels.mean(axis=(0, 1)), seen, atol=0.03)


def test_a_fit_that_is_none():
    with pytest.raises(UserError, match='fit is "crop" or "stretch", not \'pad\''):
        Image(fit="pad")
