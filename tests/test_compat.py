"""The private API of other packages that we use is there, and does what we use it for."""

import tensorflow as tf


def test_a_tokenizer_with_a_named_resource_outlives_a_new_seed(tmp_path):
    from t2t_mm.modalities.language.vocabulary_training import train_subwords

    vocabulary = train_subwords(["some text to learn from"] * 3, tmp_path / "v.model", 300)
    before = vocabulary.tokenize("some text").numpy()
    tf.random.set_seed(1)  # drops all kernels, and the resources that they own
    assert list(vocabulary.tokenize("some text").numpy()) == list(before)
