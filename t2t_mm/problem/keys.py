"""Keys of a data set's features; "captions/text" is the key of a nested one."""

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from t2t_mm import compat
from t2t_mm.problem.damage import opening


def feature(features: Any, key: str) -> Any:
    """The TFDS feature called `key`, None if there is none. Of a sequence, what it is made of."""
    for part in key.split("/"):
        features = getattr(features, "feature", features)
        if not hasattr(features, "keys") or part not in features:
            return None
        features = features[part]
    return getattr(features, "feature", features)


def names(features: Any, prefix: str = "") -> list[str]:
    """The keys of all features."""
    inner = getattr(features, "feature", features)
    if not hasattr(inner, "keys"):
        return [prefix]
    return [
        name
        for part in inner
        for name in names(inner[part], f"{prefix}/{part}" if prefix else part)
    ]


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """{"image": 1, "captions/text": 2} as {"image": 1, "captions": {"text": 2}}."""
    found: dict[str, Any] = {}
    for key, each in values.items():
        *outer, last = key.split("/")
        place = found
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = each
    return found


def value(example: Any, key: str) -> Any:
    """What an example holds under `key`."""
    for part in key.split("/"):
        example = example[part]
    return example


def first(builder: Any, split: str, count: int) -> str:
    """The first examples of a split, "a+b" too, in the builder's own terms: "a+b[:3]"."""
    parts = []
    for name in split.split("+"):
        taken = min(count, builder.info.splits[name].num_examples)
        parts += [f"{name}[:{taken}]"] if taken else []
        count -= taken
    return "+".join(parts)


def read(
    builder: Any, split: str, wanted: dict[str, str], encoded: Collection[str], seed: int | None
) -> Any:
    """The examples of a split of prepared data.

    Args:
        builder: a TFDS builder.
        split: in the builder's own names, "a+b" for two together.
        wanted: {name in our examples: key}; nothing else is read.
        encoded: those of the keys whose values stay encoded, such as pictures.
        seed: of the order of the files, another at each pass; None for the stored order.

    Returns:
        A tf.data.Dataset of {name: value}.

    Raises:
        UserError: the data is damaged.
    """
    import tensorflow_datasets as tfds

    config = tfds.ReadConfig(
        options=untuned(), shuffle_seed=seed, try_autocache=False, skip_prefetch=True
    )
    with opening(Path(builder.data_path)), compat.quiet_tfds():
        data = builder.as_dataset(
            split=split,
            shuffle_files=seed is not None,
            decoders=_decoders(builder, wanted, encoded),
            read_config=config,
        )
    return data.map(lambda example: {name: value(example, key) for name, key in wanted.items()})


def untuned() -> Any:
    """The tf.data.Options of data whose parallel calls and prefetching are all given: nothing is
    tuned. The thread that would tune sleeps for up to a minute at a time, and whoever frees the
    iterator waits for it."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def files(builder: Any, split: str) -> list[tuple[str, int, int]]:
    """(path, records to skip, records to take) of each file of a split, in the builder's own
    terms."""
    with opening(Path(builder.data_path)):
        instructions = builder.info.splits[split].file_instructions
    return [(os.fspath(each.filename), each.skip, each.take) for each in instructions]


def parser(
    builder: Any, wanted: dict[str, str], encoded: Collection[str]
) -> Callable[[Any], dict[str, Any]]:
    """A function that gives {name: value} of a record, in graph; arguments as of `read`."""
    import tensorflow_datasets as tfds

    features, decoders = builder.info.features, _decoders(builder, wanted, encoded)
    if isinstance(decoders, tfds.decode.PartialDecoding):
        with compat.quiet_tfds():
            features, decoders = decoders.extract_features(features), decoders.decoders

    def parse(record: Any) -> dict[str, Any]:
        with compat.quiet_tfds():  # it makes its parser at the first record
            example = features.deserialize_example(record, decoders=decoders)
        return {name: value(example, key) for name, key in wanted.items()}

    return parse


def _decoders(builder: Any, wanted: dict[str, str], encoded: Collection[str]) -> Any:
    """TFDS's decoders that read what is wanted and no more, and leave some of it encoded."""
    import tensorflow_datasets as tfds

    decoders = nested({key: tfds.decode.SkipDecoding() for key in encoded})
    if type(builder.info.features) is not tfds.features.FeaturesDict:
        return decoders  # of another kind, such as a Translation, TFDS reads no part
    parts = nested(dict.fromkeys(wanted.values(), True))
    return tfds.decode.PartialDecoding(parts, decoders=decoders)
