"""Problems over characters and bytes, whose answers are rewritten."""

import tensorflow as tf

from t2t_mm import Language, Problem, registry

CHARACTERS = Language(vocab="letters", units="characters", size=300)
BYTES = Language(vocab="letters_as_bytes", units="bytes")


class Words(Problem):
    rewrites_outputs = True

    def generate(self, split, raw_dir):
        for i in range({"train": 30, "validation": 5}.get(split, 0)):
            yield {"inputs": f"{split} größe {i}", "targets": f"{i} naïve Füße"}

    def postprocess(self, text, source):
        return f"[{text}]"

    def postprocess_in_graph(self, texts, sources):
        return tf.strings.join(["[", texts, "]"])


@registry.register_problem
class ToBytes(Words):
    """Characters to bytes."""

    command = "to-bytes"
    inputs, targets = CHARACTERS, BYTES


@registry.register_problem
class ToCharacters(Words):
    """Bytes to characters."""

    command = "to-characters"
    inputs, targets = BYTES, CHARACTERS
