"""The mini world: a built-in twin of each problem of the paper, and problems with other kinds of
targets; generated within a minute."""

from t2t_mm import registry
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.multi_label.spec import MultiLabel
from t2t_mm.modalities.real.spec import Real
from t2t_mm.problem.base import Problem
from t2t_mm.problem.parsing import TreeProblem

TEXT = Language(vocab="mini_1k", size=1024)  # English, German and French share it
PICTURE = Image(size=64, flip=False)  # "left of" and the moon don't survive a flip
# The main shape is half as wide as the picture: it is known from a quarter of the pixels.
SMALL_PICTURE = Image(size=32, flip=False, crop=1.0)
WHOLE = Image(size=64, flip=False, fit="stretch", crop=1.0)  # where in it something is counts
MINI_WORLD = "t2t_mm.data.mini_world"  # makes the data, without download


class MiniTranslation(Problem):
    """From one language of the mini world to another."""

    dataset = "mini_world/text"
    dataset_module = MINI_WORLD
    inputs = targets = TEXT
    metrics = ("bleu", "chrf")


@registry.register_problem
class MiniEnde(MiniTranslation):
    """English to German (mini world)."""

    input_key, target_key = "en", "de"
    input_command, command = "to-english", "to-german"


@registry.register_problem
class MiniDeen(MiniTranslation):
    """German to English (mini world)."""

    input_key, target_key = "de", "en"
    input_command, command = "to-german", "to-english"


@registry.register_problem
class MiniEnfr(MiniTranslation):
    """English to French (mini world)."""

    input_key, target_key = "en", "fr"
    input_command, command = "to-english", "to-french"


@registry.register_problem
class MiniFren(MiniTranslation):
    """French to English (mini world)."""

    input_key, target_key = "fr", "en"
    input_command, command = "to-french", "to-english"


@registry.register_problem
class MiniParse(TreeProblem):
    """English constituency parsing (mini world)."""

    dataset = "mini_world/text"
    dataset_module = MINI_WORLD
    raw_layout = ""
    inputs = TEXT
    targets = Language(vocab="mini_parse_tags", units="symbols")


@registry.register_problem
class MiniImagenet(Problem):
    """Image classification: the main one of two shapes (mini world)."""

    dataset = "mini_world/image"
    dataset_module = MINI_WORLD
    input_key, target_key = "image", "label"
    command = "to-image-label"
    inputs = SMALL_PICTURE
    targets = Categorical(labels="mini_shapes")
    modifiers = ()


@registry.register_problem
class MiniCaptions(Problem):
    """English captions of pictures (mini world)."""

    dataset = "mini_world/caption"
    dataset_module = MINI_WORLD
    input_key, target_key = "image", "en"
    command = "to-english"
    inputs = PICTURE
    targets = TEXT
    metrics = ("bleu", "cider")
    modifiers = ()


@registry.register_problem
class MiniSpeech(Problem):
    """Transcription of spoken English (mini world)."""

    dataset = "mini_world/speech"
    dataset_module = MINI_WORLD
    input_key, target_key = "audio", "en"
    command = "to-english"
    inputs = Audio(sample_rate=8000, form="spectrogram", bins=40)
    targets = TEXT
    metrics = ("wer", "cer")
    modifiers = ()


@registry.register_problem
class MiniAttributes(Problem):
    """Which colours and shapes a picture shows (mini world)."""

    dataset = "mini_world/scene"
    dataset_module = MINI_WORLD
    input_key, target_key = "image", "attributes"
    command = "to-attributes"
    inputs = WHOLE
    targets = MultiLabel(labels="mini_attributes")
    metrics = ("micro_f1", "macro_f1", "mean_average_precision")
    modifiers = ()


@registry.register_problem
class MiniPosition(Problem):
    """Where the main one of two shapes is: x and y in sides of the picture (mini world)."""

    dataset = "mini_world/scene"
    dataset_module = MINI_WORLD
    input_key, target_key = "image", "position"
    command = "to-position"
    inputs = WHOLE
    targets = Real(quantity="mini_position", size=2)
    metrics = ("rmse", "mae", "pearson", "spearman")
    modifiers = ()


@registry.register_problem
class MiniLanguage(Problem):
    """English sentences from nothing: a language model (mini world)."""

    dataset = "mini_world/text"
    dataset_module = MINI_WORLD
    target_key = "en"
    command = "to-english"
    inputs = None
    targets = TEXT
    modifiers = ()


@registry.register_problem
class MiniQuestion(Problem):
    """A question about a picture: what colour one of its two shapes is (mini world)."""

    dataset = "mini_world/question"
    dataset_module = MINI_WORLD
    target_key = "answer"
    command = "to-answer"
    inputs = {"question": TEXT, "picture": PICTURE}
    targets = TEXT
    modifiers = ()


@registry.register_mixture
def mini8():
    """The mini world's twins of the paper's eight problems, weighted by how long each takes."""
    text = {
        "mini_ende": 0.6,
        "mini_deen": 0.5,
        "mini_enfr": 0.6,
        "mini_fren": 0.5,
        "mini_parse": 0.6,
    }
    return text | {"mini_imagenet": 2.0, "mini_captions": 1.8, "mini_speech": 1.1}


@registry.register_mixture
def mini12():
    """mini8 and the mini world's problems with other targets and inputs, weighted by the steps that
    each needs."""
    others = {
        "mini_attributes": 9.0,
        "mini_position": 1.0,
        "mini_question": 1.5,
        "mini_language": 5.0,
    }
    return mini8() | others
