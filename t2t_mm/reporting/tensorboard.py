"""What TensorBoard shows, written by TensorFlow alone: the tensorboard package is needed only to
look at it."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

# As TensorBoard counts them: a scalar, a tensor, a sequence of blobs.
DATA_CLASSES = {"scalars": 1, "histograms": 2, "text": 2, "images": 3}


class Summaries:
    """Writes to a log directory.

    Tags: `loss/<problem>`, `log_perplexity/<problem>`, `<metric>_<split>/<problem>`,
    `experts_<layer>/...`, `train/...`, so that TensorBoard shows the problems of one quantity side
    by side.
    """

    def __init__(self, directory: str | os.PathLike) -> None:
        self.directory = os.fspath(directory)
        self._writer = None

    def scalars(self, step: int, values: Mapping[str, Any]) -> None:
        """Writes {tag: number}."""
        self._write("scalars", step, {tag: np.float32(value) for tag, value in values.items()})

    def histograms(self, step: int, values: Mapping[str, Any]) -> None:
        """Writes {tag: vector} as the distribution of its values."""
        self._write("histograms", step, {tag: _buckets(value) for tag, value in values.items()})

    def texts(self, step: int, values: Mapping[str, str]) -> None:
        """Writes {tag: text}, shown as Markdown, each line a line."""
        self._write(
            "text", step, {tag: value.replace("\n", "  \n") for tag, value in values.items()}
        )

    def pictures(self, step: int, values: Mapping[str, bytes]) -> None:
        """Writes {tag: PNG}."""
        self._write(
            "images", step, {tag: [*map(str, _size(png)), png] for tag, png in values.items()}
        )

    def _write(self, plugin, step, values):
        # What the functions of tf.summary, which live in the tensorboard package, would write.
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(self.directory, flush_millis=10_000)
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name, metadata.data_class = plugin, DATA_CLASSES[plugin]
        with self._writer.as_default():
            for tag, value in values.items():
                tf.summary.write(tag, value, step=step, metadata=metadata)

    def flush(self) -> None:
        """Makes what was written visible to readers."""
        if self._writer is not None:
            self._writer.flush()


def _buckets(values, count=30):
    """[count, 3]: left edge, right edge and number of the values in each bucket."""
    counts, edges = np.histogram(values, bins=count)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def _size(png):
    """(width, height) of a PNG, of its header."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def train_scalars(problem: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """{tag: value} of the result of one training step."""
    values = {
        f"loss/{problem}": result["loss"],
        f"log_perplexity/{problem}": result["nats"],
        f"gradient_norm/{problem}": result["gradient_norm"],
    }
    for layer, report in result["experts"].items():
        for name in ("importance", "load"):
            share = np.asarray(report[name], np.float64)
            values[f"experts_{layer}/{name}_max_over_mean/{problem}"] = share.max() / max(
                share.mean(), 1e-9
            )
        values[f"experts_{layer}/dropped/{problem}"] = report["dropped"]
    return values


def expert_histograms(problem: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """{tag: vector} of the mixtures of experts in the result of one training step."""
    return {
        f"experts_{layer}/{name}/{problem}": np.asarray(report[name])
        for layer, report in result["experts"].items()
        for name in ("importance", "load")
    }


def evaluation_scalars(split: str, results: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{tag: value} of the results of an evaluation."""
    return {
        f"{metric}_{split}/{problem}": value
        for problem, values in results.items()
        for metric, value in values.items()
        if metric not in ("examples", "tokens")
    }
