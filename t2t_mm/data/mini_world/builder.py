"""The TFDS builder of the mini world: `mini_world/text`, `/image`, `/caption`, `/speech`,
`/scene`, `/question`.

Nothing is downloaded.
"""

import dataclasses
import io
from random import Random

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

from t2t_mm.data.mini_world import english, french, german, render, scenes, speech
from t2t_mm.data.mini_world.lexicon import COLOURS, NOUNS, SHAPES
from t2t_mm.data.mini_world.meaning import Clause
from t2t_mm.problem import trees

_DESCRIPTION = (
    "Small scenes of coloured shapes: told in English, German and French by a synchronous grammar, "
    "with their\nPenn Treebank trees; drawn, with the main shape's class or with a caption; and "
    "spoken by a formant\nsynthesiser. Everything follows from the seed, and no scene of one split "
    "occurs in another."
)


@dataclasses.dataclass(kw_only=True)
class MiniWorldConfig(tfds.core.BuilderConfig):
    """How much of the world is generated.

    Attributes:
        content: what is generated: "text", "image", "caption", "speech", "scene" or
            "question".
        train, validation, test: number of examples.
        seed: another seed gives other examples; a scene stays in its split.
    """

    content: str
    train: int
    validation: int
    test: int
    seed: int = 0


class MiniWorld(tfds.core.GeneratorBasedBuilder):
    """The mini world, one configuration for each kind of example."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = (
        MiniWorldConfig(
            name="text",
            description="Sentences in three languages and their trees.",
            content="text",
            train=20_000,
            validation=500,
            test=500,
        ),
        MiniWorldConfig(
            name="image",
            description="Pictures of two shapes and the class of the bigger one.",
            content="image",
            train=6000,
            validation=300,
            test=300,
        ),
        MiniWorldConfig(
            name="caption",
            description="Pictures of one to three groups of shapes and their captions.",
            content="caption",
            train=6000,
            validation=300,
            test=300,
        ),
        MiniWorldConfig(
            name="speech",
            description="Spoken sentences and their transcripts.",
            content="speech",
            train=4000,
            validation=300,
            test=300,
        ),
        MiniWorldConfig(
            name="scene",
            description="Pictures of two shapes: what is seen, and where the bigger one is.",
            content="scene",
            train=6000,
            validation=300,
            test=300,
        ),
        MiniWorldConfig(
            name="question",
            description="Pictures of two shapes, and what colour one of them is.",
            content="question",
            train=6000,
            validation=300,
            test=300,
        ),
    )

    def _info(self) -> tfds.core.DatasetInfo:
        text = tfds.features.Text()
        image = tfds.features.Image(shape=(render.CANVAS, render.CANVAS, 3), encoding_format="png")
        # Raw bytes: TFDS's own Audio stores 64-bit numbers, ten times the space and time.
        audio = tfds.features.Tensor(shape=(None,), dtype=np.int16, encoding="bytes")
        attribute = tfds.features.ClassLabel(names=[*COLOURS, *SHAPES])
        # bytes: otherwise TFDS stores 32 bits
        position = tfds.features.Tensor(shape=(2,), dtype=np.float64, encoding="bytes")
        features = {
            "text": {key: text for key in ("en", "de", "fr", "words", "tree", "symbols")},
            "image": {"image": image, "label": tfds.features.ClassLabel(names=SHAPES)},
            "caption": {"image": image, "en": text},
            "speech": {"audio": audio, "en": text},
            "scene": {
                "image": image,
                "attributes": tfds.features.Sequence(attribute),
                "position": position,
            },
            "question": {
                "picture": image,
                "question": text,
                "answer": text,
                "colour": tfds.features.ClassLabel(names=[*COLOURS]),
            },
        }[self.builder_config.content]
        return tfds.core.DatasetInfo(
            builder=self, description=_DESCRIPTION, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager):
        splits = ("train", "validation", "test")
        return {split: self._generate_examples(split) for split in splits}

    def _generate_examples(self, split: str):
        config = self.builder_config
        sampler, example = {
            "text": (scenes.described, _text),
            "image": (scenes.classified, _image),
            "caption": (scenes.captioned, _caption),
            "speech": (scenes.spoken, _speech),
            "scene": (scenes.classified, _scene),
            "question": (scenes.classified, _question),
        }[config.content]
        rng = Random(f"{config.seed} {config.content} {split}")
        noise = np.random.default_rng(rng.getrandbits(64))
        found = scenes.sample_split(
            sampler, split, getattr(config, split), rng, unique=config.content == "text"
        )
        for key, scene in enumerate(found):
            yield key, example(scene, rng, noise)


def _text(scene: Clause, rng: Random, noise: np.random.Generator) -> dict:
    tree = english.tree(scene)
    words = english.leaves(tree)
    bracketed = english.bracketed(["ROOT", tree])
    return {
        "en": english.sentence(scene),
        "de": german.sentence(scene),
        "fr": french.sentence(scene),
        "words": " ".join(words),
        "tree": bracketed,
        "symbols": trees.linearize(bracketed),
    }


def _image(scene: Clause, rng: Random, noise: np.random.Generator) -> dict:
    return {"image": _picture(scene, rng, noise), "label": scene.what.shape}


def _caption(scene: Clause, rng: Random, noise: np.random.Generator) -> dict:
    return {"image": _picture(scene, rng, noise), "en": english.sentence(scene)}


def _speech(scene: Clause, rng: Random, noise: np.random.Generator) -> dict:
    return {
        "audio": speech.speak(english.leaves(english.tree(scene)), noise),
        "en": english.sentence(scene),
    }


def _scene(scene: Clause, rng: Random, noise: np.random.Generator) -> dict:
    """Colours and shapes that are there, and the middle of the bigger shape, x from the left and y
    from the top, in sides of the picture."""
    shapes = _drawn(scene, rng)
    biggest = max(shapes, key=lambda shape: shape.radius)
    return {
        "image": _png(shapes, noise),
        "attributes": sorted({each for shape in shapes for each in (shape.colour, shape.shape)}),
        "position": np.array([biggest.x, biggest.y]) / render.CANVAS,
    }


def _question(scene: Clause, rng: Random, noise: np.random.Generator) -> dict:
    """What colour one of the two shapes is: the picture alone doesn't say which is meant, and the
    question alone doesn't say what is seen."""
    asked = rng.choice((scene.what, scene.what.place.to))
    noun = f"{asked.size} {NOUNS[asked.shape].en[0]}"
    return {
        "picture": _picture(scene, rng, noise),
        "question": f"What colour is the {noun}?",
        "answer": f"The {noun} is {asked.colour}.",
        "colour": asked.colour,
    }


def _picture(scene: Clause, rng: Random, noise: np.random.Generator) -> io.BytesIO:
    return _png(_drawn(scene, rng), noise)


def _drawn(scene: Clause, rng: Random) -> list[render.Drawn]:
    return [shape for group in render.layout(scene, rng) for shape in group]


def _png(shapes: list[render.Drawn], noise: np.random.Generator) -> io.BytesIO:
    pixels = render.render(shapes, noise)
    png = io.BytesIO()
    PIL.Image.fromarray(pixels).save(png, "png", compress_level=1)  # faster than TFDS's own encoder
    png.seek(0)
    return png
