"""How many words and characters ids stand for, against the text itself."""

import pytest
import tensorflow as tf

from t2t_mm.modalities.language import vocabulary_training
from t2t_mm.modalities.language.spec import Language

TEXTS = [
    "A dog sleeps.",
    "  Two  spaces\tand a tab ",
    "Größe — 猫, naïve \u2581 \x10 x 🙂",
    "a",
    "",
    "one\ntwo \x10\u2581three",
]


@pytest.mark.parametrize("units", ["subword", "characters", "bytes"])
def test_they_are_those_of_the_text(units, tmp_path):
    spec = Language(vocab="words", size=290, units=units)
    if spec.vocabulary_of():
        train = vocabulary_training.TRAINERS[units]
        train(TEXTS[:3] * 20, spec.vocab_path(tmp_path), 290, sources=[])
    spec = spec.resolve(tmp_path)
    rows = [spec.encode(text).numpy().tolist() for text in TEXTS]
    ids = tf.ragged.constant(rows, tf.int32).to_tensor(5)  # padding that would count
    mask = tf.sequence_mask([len(row) for row in rows])
    counted = tf.function(spec.amounts, jit_compile=True)(ids, mask)
    found = {name: int(each) for name, each in counted.items()}
    words = sum(len(text.encode().split()) for text in TEXTS)
    assert found == {"words": words, "characters": sum(map(len, TEXTS))}
