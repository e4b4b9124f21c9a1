"""TensorBoard scalars, written with TensorFlow alone (the tensorboard package is needed only to look at
them)."""

import numpy as np
import tensorflow as tf


class Summaries:
    """Writes scalars to a log directory.

    Tags: `loss/<problem>`, `log_perplexity/<problem>`, `<metric>_<split>/<problem>`, `experts_<layer>/...`,
    `train/...`, so that TensorBoard shows the problems of one quantity side by side.
    """

    def __init__(self, directory):
        self.directory = str(directory)
        self._writer = None

    def scalars(self, step, values):
        """Writes {tag: number} for a step. The file is opened at the first call."""
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(self.directory, flush_millis=10_000)
        with self._writer.as_default():
            for tag, value in values.items():
                tf.summary.write(tag, np.float32(value), step=step, metadata=_metadata())

    def flush(self):
        """Makes what was written visible to readers."""
        if self._writer is not None:
            self._writer.flush()


def _metadata():
    # What tf.summary.scalar, which lives in the tensorboard package, would set.
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    metadata.data_class = 1  # DATA_CLASS_SCALAR
    return metadata


def train_scalars(problem, result):
    """{tag: value} of one train step's result (training/step.py)."""
    values = {
        f"loss/{problem}": result["loss"], f"log_perplexity/{problem}": result["nats"],
        f"gradient_norm/{problem}": result["gradient_norm"],
    }
    for layer, report in result["experts"].items():
        for name in ("importance", "load"):
            share = np.asarray(report[name], np.float64)
            values[f"experts_{layer}/{name}_max_over_mean/{problem}"] = share.max() / max(share.mean(), 1e-9)
        values[f"experts_{layer}/dropped/{problem}"] = report["dropped"]
    return values


def evaluation_scalars(split, results):
    """{tag: value} of `evaluation.evaluate`'s results."""
    return {
        f"{metric}_{split}/{problem}": value
        for problem, values in results.items()
        for metric, value in values.items()
        if metric not in ("examples", "tokens")
    }
