"""Image classification: ImageNet, smaller free data sets, or your own folder of pictures."""

from t2t_mm import registry
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.problem.base import Problem, Source


class Classification(Problem):
    """From a picture to its class."""

    input_key, target_key = "image", "label"
    command = "to-image-label"
    modifiers = ()


@registry.register_problem
class Imagenet(Classification):
    """Image classification (ImageNet 2012, or as many classes as the raw folder has)."""

    dataset = "imagenet2012"
    # its test pictures have no labels
    stock_splits = {"train": "train", "validation": "validation"}
    raw_layout = "image_folder"
    inputs = Image(size=299)
    targets = Categorical(labels="imagenet")
    source = Source(
        "https://image-net.org/download-images",
        "non-commercial research",
        "145 GB",
        by_hand="ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar",
        free="imagenette",
    )


@registry.register_problem
class Imagenette(Classification):
    """Image classification: ten easy classes of ImageNet."""

    dataset = "imagenette/320px-v2"
    stock_splits = {"train": "train", "validation": "validation"}
    raw_layout = "image_folder"
    inputs = Image(size=160)
    targets = Categorical(labels="imagenette")
    source = Source(
        "https://github.com/fastai/imagenette", "Apache-2.0 (pictures: ImageNet's)", "342 MB"
    )


@registry.register_problem
class Cifar10(Classification):
    """Image classification: ten classes of 32×32 pixels."""

    dataset = "cifar10"
    stock_splits = {"train": "train", "validation": "test", "test": "test"}
    inputs = Image(size=32)
    targets = Categorical(labels="cifar10")
    source = Source("https://www.cs.toronto.edu/~kriz/cifar.html", "none stated", "170 MB")


@registry.register_problem
class FashionMnist(Classification):
    """Image classification: ten kinds of clothes, grey, 28×28 pixels."""

    dataset = "fashion_mnist"
    stock_splits = {"train": "train", "validation": "test", "test": "test"}
    inputs = Image(size=28, channels=1)
    targets = Categorical(labels="fashion_mnist")
    source = Source("https://github.com/zalandoresearch/fashion-mnist", "MIT", "31 MB")
