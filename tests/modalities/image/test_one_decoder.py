"""The same bytes give the same pixels, in whatever way they come in: all formats, depths and
modes."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Picture

from t2t_mm.modalities.image import reading
from t2t_mm.modalities.image.spec import Image
from tests.modalities.image.pictures import CASES, SIDE

SPEC = Image(size=SIDE, flip=False)
TEXT = tf.TensorSpec([], tf.string)
ENCODED = tf.function(SPEC.encode, input_signature=[TEXT])
TRAINED_ON = tf.function(lambda value: SPEC.encode(value, True, [1, 2]), input_signature=[TEXT])
SERVED = tf.function(lambda value: SPEC.encode(SPEC.read_in_graph(value)), input_signature=[TEXT])


def answered(value):
    """As `predict` reads an input."""
    return SPEC.encode(tf.convert_to_tensor(SPEC.read(value)))


def opened(content):
    return Picture.open(io.BytesIO(content))


WAYS = {
    "prepared": lambda content, path: ENCODED(SPEC.store(content, None)),
    "prepared from a path": lambda content, path: ENCODED(SPEC.store(path, None)),
    "trained on": lambda content, path: TRAINED_ON(SPEC.store(content, None)),
    "path": lambda content, path: answered(str(path)),
    "bytes": lambda content, path: answered(content),
    "open file": lambda content, path: answered(io.BytesIO(content)),
    "PIL image": lambda content, path: answered(opened(content)),
    "array": lambda content, path: answered(reading.pixels(opened(content))),
    "export": lambda content, path: SERVED(content),
    "loaded export": lambda content, path: SERVED(SPEC.sent(SPEC.read(content))),
    "PIL image to an export": lambda content, path: SERVED(SPEC.sent(SPEC.read(opened(content)))),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_way_shows_what_a_person_sees(case, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(case.content)
    wanted = case.seen / 127.5 - 1.0
    first = None
    for way, read in WAYS.items():
        if way == "export" and not case.in_graph:
            with pytest.raises(tf.errors.OpError):
                read(case.content, path)
            continue
        found = read(case.content, path).numpy()
        assert found.shape == (SIDE, SIDE, 3) and found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=case.tolerance, err_msg=way)
        first = found if way == "prepared" else first
        np.testing.assert_allclose(found, first, atol=1.1 / 127.5, err_msg=way)
