"""What TensorBoard shows, written by TensorFlow alone: the tensorboard package is needed only to
look at it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.config.fields import Fields
from t2t_mm.reporting import hparams_page
from t2t_mm.reporting.markdown import table

TRAINING = "train"  # the part that training itself writes
# As TensorBoard counts them: a scalar, a tensor, a sequence of blobs.
DATA_CLASSES = {
    "scalars": 1,
    "histograms": 2,
    "text": 2,
    "images": 3,
    "audio": 3,
    hparams_page.PLUGIN: 2,
}
WAV = b"\x10\x0b"  # the message of the audio plugin: encoding (its second field) is WAV, 11


class Summaries:
    """Writes to a log directory, to a folder of its own for each part: "train", by training, and
    the splits that are evaluated. TensorBoard draws what has one tag in several folders in one
    chart.

    Tags: `<quantity>/<problem>`, such as `log_perplexity/<problem>` of training and of evaluations;
    `experts_<layer>/...`, `train/...`; so that it shows the problems of one quantity side by side.

    Args:
        directory: the log directory.
        settings: {name: value} of the hyperparameters and options of the run, for the HPARAMS page.
    """

    def __init__(
        self, directory: str | os.PathLike, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.directory, self.settings = os.fspath(directory), dict(settings or {})
        self._writers: dict[str, Any] = {}
        self._pages: set[str] = set()
        self._heard: set[tuple[str, str]] = set()

    def scalars(self, step: int, values: Mapping[str, Any], part: str = TRAINING) -> None:
        """Writes {tag: number}."""
        found = {tag: np.float32(value) for tag, value in values.items()}
        self._write(part, "scalars", step, found)

    def histograms(self, step: int, values: Mapping[str, Any], part: str = TRAINING) -> None:
        """Writes {tag: vector} as the distribution of its values."""
        found = {tag: _buckets(value) for tag, value in values.items()}
        self._write(part, "histograms", step, found)

    def texts(self, step: int, values: Mapping[str, str], part: str = TRAINING) -> None:
        """Writes {tag: text}, shown as Markdown, each line a line."""
        found = {tag: value.replace("\n", "  \n") for tag, value in values.items()}
        self._write(part, "text", step, found)

    def pictures(self, step: int, values: Mapping[str, bytes], part: str = TRAINING) -> None:
        """Writes {tag: PNG}."""
        found = {tag: [*map(str, _size(png)), png] for tag, png in values.items()}
        self._write(part, "images", step, found)

    def sounds(
        self, step: int, values: Mapping[str, Sequence[bytes]], part: str = TRAINING
    ) -> None:
        """Writes {tag: WAV files}, each tag once: inputs are the same at every evaluation."""
        new = {tag: files for tag, files in values.items() if (part, tag) not in self._heard}
        self._heard |= {(part, tag) for tag in new}
        self._write(part, "audio", step, {tag: list(files) for tag, files in new.items()}, WAV)

    def graph(self, nodes: Any) -> None:
        """Writes a graph, a GraphDef, to training's part."""
        with self._writer(TRAINING).as_default():
            tf.summary.graph(nodes)

    def hparams(self, part: str) -> None:
        """Makes a part a row of the HPARAMS page, with the settings beside its scalars. Of a run
        that goes on with other settings TensorBoard shows the first."""
        if self.settings and part not in self._pages:
            self._pages.add(part)
            content = hparams_page.content(self.settings)
            nothing = np.zeros([0], np.float32)  # all there is to read is its metadata
            self._write(part, hparams_page.PLUGIN, 0, {hparams_page.TAG: nothing}, content)

    def _write(self, part, plugin, step, values, content=b""):
        # What the functions of tf.summary, which live in the tensorboard package, would write.
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name, metadata.data_class = plugin, DATA_CLASSES[plugin]
        metadata.plugin_data.content = content
        with self._writer(part).as_default():
            for tag, value in values.items():
                tf.summary.write(tag, value, step=step, metadata=metadata)

    def _writer(self, part):
        if part not in self._writers:
            folder = os.path.join(self.directory, part)
            self._writers[part] = tf.summary.create_file_writer(folder, flush_millis=10_000)
        return self._writers[part]

    def flush(self) -> None:
        """Makes what was written visible to readers."""
        for writer in self._writers.values():
            writer.flush()


def part_of(split: str) -> str:
    """The part that evaluations of a split write: not that of training, whose figures are of single
    batches, with dropout."""
    return "train_evaluated" if split == TRAINING else split


def _buckets(values, count=30):
    """[count, 3]: left edge, right edge and number of the values in each bucket."""
    counts, edges = np.histogram(values, bins=count)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def _size(png):
    """(width, height) of a PNG, of its header."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def settings(config: Fields) -> str:
    """Options or hyperparameters as a table in Markdown."""
    fields = config.fields().values()
    rows = ((f.name, f"`{getattr(config, f.name)!r}`", f.meaning) for f in fields)
    return table(("name", "value", "meaning"), rows)


def train_scalars(problem: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """{tag: value} of the result of one training step."""
    values = {
        f"loss/{problem}": result["loss"],
        f"log_perplexity/{problem}": result["nats"],
        f"gradient_norm/{problem}": result["gradient_norm"],
    }
    if "ctc_left_out" in result:
        values[f"ctc_left_out/{problem}"] = result["ctc_left_out"]
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


def evaluation_scalars(results: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{tag: value} of the results of an evaluation; the tags are those of training."""
    return {
        f"{metric}/{problem}": value
        for problem, values in results.items()
        for metric, value in values.items()
        if metric not in ("examples", "tokens")
    }
