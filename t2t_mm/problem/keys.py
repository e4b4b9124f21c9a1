"""Keys of a data set's features, in which "captions/text" lies deeper."""


def feature(features, key: str):
    """The TFDS feature called `key`, None if there is none. Of a sequence it is what it is a
    sequence of."""
    for part in key.split("/"):
        features = getattr(features, "feature", features)
        if not hasattr(features, "keys") or part not in features:
            return None
        features = features[part]
    return getattr(features, "feature", features)


def names(features, prefix="") -> list:
    """The keys of all features."""
    inner = getattr(features, "feature", features)
    if not hasattr(inner, "keys"):
        return [prefix]
    return [
        name
        for part in inner
        for name in names(inner[part], f"{prefix}/{part}" if prefix else part)
    ]


def tree(keys) -> dict:
    """{"image": True, "captions": {"text": True}}: what TFDS takes as the wish for these features
    alone."""
    wanted = {}
    for key in keys:
        *outer, last = key.split("/")
        place = wanted
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = True
    return wanted


def value(example, key: str):
    """What an example holds under `key`."""
    for part in key.split("/"):
        example = example[part]
    return example
