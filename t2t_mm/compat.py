"""Private API of other packages: all that we use of it stands here, each with a test of its own.

A release of such a package may take any of it away without notice; then it is mended here. Nothing
is imported until a function is called.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

# ---- TFDS


@contextlib.contextmanager
def quiet_tfds() -> Iterator[None]:
    """TFDS without progress bars, and without its notes on every step."""
    import tensorflow_datasets as tfds
    from absl import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def without_download_notes(builder: Any) -> Any:
    """The TFDS builder, which no longer prints that it downloads: for data made on this machine."""
    builder._log_download_bytes = builder._log_download_done = lambda: None
    return builder


def limit_download_retries(count: int) -> None:
    """TFDS gives up on an address after so many attempts, each after twice the wait of the last."""
    from tensorflow_datasets.core.download import downloader

    downloader.MAX_RETRIES = count


# ---- sacrebleu


def sacrebleu_statistics(metric: Any, hypotheses: list[str], references: list) -> list[list]:
    """The counts of each example that a sacrebleu metric sums up.

    Args:
        metric: such as sacrebleu.metrics.BLEU().
        hypotheses: a text for each example.
        references: for each position of a reference, a text for each example, None where it has
            fewer.
    """
    return metric._extract_corpus_statistics(hypotheses, references)


def sacrebleu_score(metric: Any, sums: list) -> Any:
    """The sacrebleu Score of a corpus from the sums of its examples' statistics."""
    return metric._compute_score_from_stats(sums)


# ---- tensorflow-text


def with_named_resource(tokenizer: Any, model: bytes, name: str) -> Any:
    """A SentencepieceTokenizer whose resource has a name.

    Its own belongs to the kernel that made it, and `tf.random.set_seed` (which
    `keras.utils.set_random_seed` calls) drops all kernels: every tokeniser of the process would be
    gone.

    Args:
        tokenizer: of tensorflow_text.
        model: the sentencepiece model, serialised.
        name: the same for equal models.
    """
    from tensorflow_text.python.ops import sentencepiece_tokenizer

    class NamedResource(type(tokenizer._model_resource)):
        def _create_resource(self):
            return sentencepiece_tokenizer.gen_sentencepiece_tokenizer.sentencepiece_op(
                model=model, shared_name=f"sentencepiece_{name}"
            )

    tokenizer._model_resource = NamedResource(model, None)
    return tokenizer


# ---- TensorFlow


def unescaped_checkpoint_key(key: str) -> str:
    """A part of a key of a TensorFlow checkpoint as the name it was made from.

    TensorFlow joins names by "/", and in a name writes "." as ".." and "/" as ".S".
    """
    return re.sub(r"\.([.S])", lambda found: "." if found[1] == "." else "/", key)


# ---- Keras


def own_variables(layer: Any) -> list:
    """The variables that a Keras layer made itself, in the order in which it made them."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def own_layers(layer: Any) -> list:
    """The layers that a Keras layer holds directly, in the order in which it took them up."""
    return list(layer._layers)
