"""Image captions: COCO, or your own pictures in its layout."""

from typing import Any

from t2t_mm import registry
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem, Source


@registry.register_problem
class CocoCaptions(Problem):
    """Image captions (COCO 2014 in Karpathy's splits, or the raw folder's)."""

    dataset = "coco_captions/2014"
    stock_splits = {"train": "train+restval", "validation": "val", "test": "test"}
    raw_layout = "coco"
    input_key, target_key = "image", "captions/text"
    command = "to-english"
    # "left" and what is at the edges matter to a caption
    inputs = Image(size=299, fit="stretch", flip=False)
    targets = Language(vocab="wmt_8k")
    metrics = ("cider", "bleu", "rouge_l")
    modifiers = ()
    source = Source(
        "https://cocodataset.org/#download",
        "CC BY 4.0 (pictures: their owners')",
        "21 GB",
        free="mini_captions",
    )

    def encode_targets(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        """A caption on one line: many of the stock data set end in a line break."""
        import tensorflow as tf

        line = tf.strings.strip(tf.strings.regex_replace(value, r"\s+", " "))
        return super().encode_targets(line, training, seed)
