"""Loads a SavedModel with tensorflow and tensorflow_text alone, and answers: python alone.py MODEL
REQUESTS ANSWERS"""

import importlib.util
import json
import sys
import time
from pathlib import Path

started = time.perf_counter()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_text  # noqa: E402, F401

assert not any(
    importlib.util.find_spec(name) for name in ("t2t_mm", "sentencepiece", "tensorflow_datasets")
)
model, requests, answers = sys.argv[1:]
served = tf.saved_model.load(model).signatures
said, first = {}, None
for name, inputs in json.loads(Path(requests).read_text()).items():
    batch = tf.constant([bytes.fromhex(value) for value in inputs], tf.string, [len(inputs)])
    found = {key: value.numpy() for key, value in served[name](inputs=batch).items()}
    first = first or time.perf_counter() - started
    said[name] = {
        key: np.vectorize(
            lambda text: text.hex() if isinstance(text, bytes) else text, otypes=[object]
        )(value.astype(object)).tolist()
        for key, value in found.items()
    }
Path(answers).write_text(json.dumps({"answers": said, "first": first}))
