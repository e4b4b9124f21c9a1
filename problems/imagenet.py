"""Image classification: ImageNet, or your own folder of pictures."""

from t2t_mm import registry
from t2t_mm.features import Categorical, Image
from t2t_mm.problem import Problem


@registry.register_problem
class Imagenet(Problem):
    """Image classification (ImageNet 2012, or as many classes as the raw folder has)."""

    dataset = "imagenet2012"
    stock_splits = {"train": "train", "validation": "validation"}  # its test pictures have no labels
    raw_layout = "image_folder"
    input_key, target_key = "image", "label"
    command = "to-image-label"
    inputs = Image(size=299)
    targets = Categorical(labels="imagenet")
    modifiers = ()
