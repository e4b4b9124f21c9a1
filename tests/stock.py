"""Stock TFDS data sets in small: their real features and splits, with made-up examples."""

import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

TEXTS = [
    "A dog sleeps.",
    "Größe — 猫, naïve",
    "  Two  spaces\tand a tab ",
    "Ein Hund und noch ein Hund.",
]


def pretend(dataset: str, splits, data_dir, count: int = 24):
    """Writes `count` made-up examples for each split of a stock data set, as TFDS would have
    prepared it."""
    builder = tfds.builder(dataset, data_dir=data_dir)
    folder = pathlib.Path(builder.data_path)
    if folder.exists():
        return
    folder.mkdir(parents=True)
    infos = []
    for split in splits:
        template = tfds.core.ShardedFileTemplate(
            data_dir=folder, dataset_name=builder.name, split=split, filetype_suffix="tfrecord"
        )
        with tf.io.TFRecordWriter(
            str(template.sharded_filepath(shard_index=0, num_shards=1))
        ) as writer:
            for i in range(count):
                writer.write(
                    builder.info.features.serialize_example(_value(builder.info.features, i))
                )
        infos.append(
            tfds.core.SplitInfo(
                name=split, shard_lengths=[count], num_bytes=0, filename_template=template
            )
        )
    builder.info.set_splits(tfds.core.SplitDict(infos))
    builder.info.write_to_directory(folder)


def _value(feature, i):
    random = np.random.default_rng(i)
    if isinstance(feature, tfds.features.Translation):  # a dictionary as well
        return {
            language: f"{TEXTS[i % len(TEXTS)]} {language} {i}" for language in feature.languages
        }
    if isinstance(feature, tfds.features.Sequence):  # first, since it has the keys of what is in it
        return [_value(feature.feature, i + j) for j in range(3)]
    if hasattr(feature, "keys"):
        return {key: _value(feature[key], i) for key in feature}
    if isinstance(feature, tfds.features.ClassLabel):
        return i % feature.num_classes
    if isinstance(feature, tfds.features.Image):
        height, width, channels = (
            size or 40 + i % 9 for size in feature.shape[:2] + (feature.shape[2] or 3,)
        )
        return random.integers(0, 255, (height, width, channels), np.uint8)
    if (
        isinstance(feature, tfds.features.Text)
        or feature.np_dtype == np.object_
        or feature.np_dtype == np.str_
    ):
        return f"{TEXTS[i % len(TEXTS)]} {i}"
    if isinstance(feature, tfds.features.Audio):
        return random.integers(-3000, 3000, 4000 + 100 * i).astype(np.int64)
    if isinstance(feature, tfds.features.BBoxFeature):
        return tfds.features.BBox(0.0, 0.0, 1.0, 1.0)
    return np.full([size or 1 for size in feature.shape], i, feature.np_dtype)
