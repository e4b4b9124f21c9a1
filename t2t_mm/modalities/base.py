"""The contract of a modality: everything that depends on what one side of a problem is made of.

A modality is a small frozen value, the spec of a side. Two sides whose *resolved* specs are equal
share one modality net: that is how tasks of one domain come to share parameters. Fields that change
the pixels or the file but not the net stand outside equality (`compare=False`).

A new modality is one class in one file: it gives `net` and `encode`, and whatever of the rest
differs from the defaults here, which serve an input of real numbers, [length, ...].

    @registry.register_modality
    @dataclass(frozen=True)
    class Gauges(Modality):
        channels: int = 3
        rank = 2

        def net(self, hparams): ...
        def encode(self, value, training=False, seed=None): ...
"""

import dataclasses
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from t2t_mm import files, registry
from t2t_mm.errors import UserError
from t2t_mm.modalities import lines
from t2t_mm.modalities.fields import Fields
from t2t_mm.modalities.recorded import Recorded

LARGEST = 2**28  # bytes of an input
# What an exported model scores an input that can't be read: JSON has no form for -inf.
NO_SCORE = float(np.finfo(np.float32).min)


@dataclasses.dataclass(frozen=True)
class Modality(Fields, Recorded):
    """One side of a problem.

    Class attributes:
        kind: the registered name; that of the class in snake case if not given.
        as_input, as_target: whether it can be read, and whether it can be predicted.
        is_stored: whether data sets have a value of it; not of an input that is none.
        masked: whether lengths of inputs differ, so that batches carry a mask.
        is_sequence: as a target, whether it has previous outputs and is decoded step by step.
        has_log_prob: as a target, whether a given one has a log-probability: see `given`.
        is_signal: whether an input goes on in time, so that CTC can align a sequence with it.
        is_text: whether an input is the line of a file itself, and not the path of a file.
        prompt: what a person is asked for.
        medium: how a person meets it on the page of t2t-mm-demo: "text", "picture", "sound" or, of
            any other, "file".
        reading_cost: what one input position costs, in halves of a target token.
        shuffle_buffer: examples that may be in memory to be shuffled in training: half of them are
            shuffled together, while the next half is read.
        slow_to_encode: whether encoding is slow, so that summaries look at fewer examples.
        skips_decoding: whether TFDS is to leave the stored value encoded.
        stored, rank: NumPy's kinds of what is stored, and the number of its axes.
        teacher_forced: names of the registered metrics of teacher-forced predictions.
        decoded: names of those of decoded output, for problems that name none themselves.
    """

    kind: ClassVar[str] = ""
    as_input: ClassVar[bool] = True
    as_target: ClassVar[bool] = False
    is_stored: ClassVar[bool] = True
    masked: ClassVar[bool] = True
    is_sequence: ClassVar[bool] = False
    has_log_prob: ClassVar[bool] = False
    is_signal: ClassVar[bool] = False
    is_text: ClassVar[bool] = False
    prompt: ClassVar[str] = "the path of a NumPy file (.npy)"
    medium: ClassVar[str] = "file"
    reading_cost: ClassVar[int] = 2
    shuffle_buffer: ClassVar[int] = 2**10
    slow_to_encode: ClassVar[bool] = False
    skips_decoding: ClassVar[bool] = False
    stored: ClassVar[str] = "fiu"
    rank: ClassVar[int] = 1
    teacher_forced: ClassVar[tuple[str, ...]] = ()
    decoded: ClassVar[tuple[str, ...]] = ("exact_match",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" not in cls.__dict__:
            cls.kind = registry.snake_case(cls.__name__)

    # -- the net

    def net_name(self) -> str:
        """Name of the modality net: equal for equal resolved specs, and for no others."""
        fields = (f for f in dataclasses.fields(self) if f.compare and f.name != "names")
        values = [str(getattr(self, field.name)) for field in fields]
        return "_".join([self.kind, *filter(None, values)])

    def net(self, hparams: Any) -> Any:
        """A new Keras modality net for this spec (modalities.net.ModalityNet)."""
        raise NotImplementedError(f"{type(self).__name__} gives no net")

    def configure(self, hparams: Any) -> "Modality":
        """The spec as `hparams` want it, such as the size of pictures. Idempotent."""
        return self

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "Modality":
        """The spec with sizes filled in from prepared data.

        Args:
            data_dir: where data and vocabularies are prepared.
            stored: the TFDS feature that this side is read from (it knows class names and rates).

        Raises:
            UserError: if what is needed was not prepared, or disagrees with the spec.
        """
        return self

    def expected(self) -> "Modality":
        """The spec with the sizes that are wanted, for a plan of a run whose data is not prepared:
        `resolve` and `learn` fill in those that there are."""
        return self

    def learn(self, values: Callable[[], Iterable[Any]]) -> "Modality":
        """The spec with what it takes from the training data itself, such as a mean; goes after
        `resolve`, and has to give the same for the same data.

        Args:
            values: gives the first raw values of the training split, as arrays, each time it is
                called; none where there is no such split. Reading them takes time.
        """
        return self

    def is_aligned(self, targets: "Modality", hparams: Any) -> bool:
        """Whether a CTC head reads targets off the encoding of these inputs, beside the decoder."""
        return self.is_signal and targets.is_sequence and hparams.ctc_weight > 0

    def row_names(self) -> dict[str, tuple[int, list[str]]]:
        """What the rows of the net's variables stand for, of a resolved spec: a model that starts
        from a run of other pieces or classes keeps the rows of those that it has, too.

        Returns:
            {a variable's name in the net: (its axis, a name for each row)}; {} if none has names:
            a net that `means_the_same` no longer then starts anew.
        """
        return {}

    # -- the pipeline

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        """Raw value -> the tensor that the net takes; a TensorFlow graph function.

        Args:
            value: a tensor, as stored.
            training: turns augmentation on.
            seed: int32 [2], from which augmentation is drawn statelessly; fresh when absent.
        """
        import tensorflow as tf

        return tf.cast(value, tf.float32)

    def encoded(self) -> Any:
        """What `encode` gives, of a spec as `resolve` or `expected` gives it: a tf.TensorSpec, its
        length None where lengths differ."""
        import tensorflow as tf

        kinds = {"f": tf.float32, "i": tf.int64, "u": tf.uint8, "O": tf.string}
        raw = tf.TensorSpec([None] * self.rank, kinds[self.stored[0]])
        encode = tf.function(lambda value: self.encode(value), autograph=False)
        return encode.get_concrete_function(raw).structured_outputs

    def positions(self, encoded: Any) -> Any:
        """Body positions of an encoded example: an int32 scalar, or an int where all have equally
        many (then `encoded` may be None)."""
        import tensorflow as tf

        return tf.shape(encoded)[0]

    def positions_per_subword(self) -> int:
        """How many positions say about as much as one subword of text does. An output may be so
        many times longer, unless its length is asked for."""
        return 1

    def padded_length(self, positions: Any) -> Any:
        """Length of an encoded input that takes so many body positions."""
        return positions

    # -- storage

    def tfds_feature(self, values: Callable[[], Iterable[Any]]) -> Any:
        """The TFDS feature that stores this side.

        Args:
            values: gives all raw values of all splits, each time it is called. Reading them takes
                time: only for what nothing else says, such as the names of classes.
        """
        import tensorflow_datasets as tfds

        return tfds.features.Tensor(
            shape=(None, *[None] * (self.rank - 1)), dtype=np.float32, encoding="bytes"
        )

    def store(self, value: Any, feature: Any) -> Any:
        """A raw value, or the path or content of a file of one, as its TFDS feature takes it.
        ValueError, TypeError, OSError or RuntimeError if it is none."""
        if isinstance(value, str | os.PathLike | bytes):
            return self.read(value)
        value = np.asarray(value)
        if value.ndim != self.rank or value.dtype.kind not in "fiu":
            wanted = f"numbers of {self.rank} axes"
            raise ValueError(f"{wanted} expected, not {value.dtype} {list(value.shape)}")
        if not value.size or not np.isfinite(value).all():
            raise ValueError("no numbers" if not value.size else "numbers that are not finite")
        return value.astype(np.float32)

    def is_blank(self, value: Any) -> bool:
        """Whether nothing is to be seen of a raw value: as an input, it could not be read."""
        return False

    def reads(self, stored: Any) -> bool:
        """Whether a TFDS feature holds raw values of this modality."""
        return np.dtype(stored.np_dtype).kind in self.stored and len(stored.shape) == self.rank

    def from_stored(self, stored: Any) -> Callable[[Any], Any] | None:
        """In graph: a function that makes raw values of this spec of what a TFDS feature holds;
        None where they are the same. UserError if some have no place in this spec."""
        return None

    def file_of(self, value: Any) -> Path | None:
        """The path of the file that a raw value stands for; None if it stands for itself, as a text
        or a name does."""
        is_path = isinstance(value, str | os.PathLike) and not self.is_text
        return Path(value) if is_path else None

    def vocabulary_of(self) -> "Modality | None":
        """The spec of the vocabulary to be prepared for this side; None if there is none."""
        return None

    # -- inputs as a person gives them

    def read(self, value: Any) -> Any:
        """An input as a person gives it, as `encode` takes it: an array, or a NumPy file.

        Raises:
            UserError, OSError, ValueError: if it is none.
        """
        if isinstance(value, str | os.PathLike):
            value = files.content(value, LARGEST)
        elif hasattr(value, "read"):
            value = files.within(value, LARGEST)
        if isinstance(value, bytes):
            try:
                value = np.load(io.BytesIO(value), allow_pickle=False)
            except Exception as error:  # of all kinds, for an empty file or a broken archive
                raise ValueError(f"no NumPy file: {error}") from error
        return self.store(value, None)

    def sent(self, value: Any) -> bytes:
        """What `read` gives, as an exported model is sent it: a serialised tensor."""
        import tensorflow as tf

        return tf.io.serialize_tensor(tf.constant(value, tf.float32)).numpy()

    def read_in_graph(self, content: Any) -> Any:
        """In graph: what `sent` gives, a string scalar, as `encode` takes it, or a failure."""
        import tensorflow as tf

        value = tf.io.parse_tensor(content, tf.float32)
        value = tf.debugging.assert_all_finite(value, "numbers that are not finite")
        with tf.control_dependencies([tf.debugging.assert_rank(value, self.rank)]):
            return tf.ensure_shape(value, [None] * self.rank)

    def sample(self) -> bytes:
        """An input of some length, as a client would send it."""
        return self.sent(np.zeros([16] * self.rank, np.float32))

    # -- as a target

    def loss(self, logits: Any, targets: Any, mask: Any, smoothing: float = 0.0) -> tuple:
        """Mean loss over real target positions.

        Args:
            logits: float [batch, length, classes]; of a target that is no sequence, length is 1.
            targets: as encoded, int32 [batch, length], or [batch, length, ...].
            mask: bool [batch, length].
            smoothing: label smoothing.

        Returns:
            (objective, nats, tokens): float32 scalars; see `cross_entropy.cross_entropy`.
        """
        from t2t_mm.modalities.cross_entropy import cross_entropy

        return cross_entropy(logits, targets, mask, smoothing)

    def measured(self, logits: Any, targets: Any) -> tuple[Any, Any]:
        """In graph: predictions and targets, as for `loss`, as the teacher-forced metrics take
        them."""
        return logits, targets

    def without_inputs(self) -> tuple[str, ...]:
        """Names of further teacher-forced metrics, for problems without inputs: perplexities."""
        return ()

    def amounts(self, ids: Any, mask: Any) -> dict[str, Any]:
        """In graph, of text: {"words", "characters"}, how many there are in target ids of a batch
        where the mask is true; ids int32 and mask bool [batch, length], both float64 scalars."""
        raise NotImplementedError(f"{type(self).__name__} is no text")

    def decode(self, ids: Any) -> str:
        """Target ids of one example, as a person reads them."""
        raise NotImplementedError(f"{type(self).__name__} is no target")

    def texts(self, value: Any) -> list[str]:
        """A raw target as a person reads it: one text, or several, each as good as another."""
        raise NotImplementedError(f"{type(self).__name__} is no target")

    def given(self, value: Any) -> list[int]:
        """A target as a person gives it, to be scored: its ids, an end of sequence included.

        Raises:
            UserError: if it is none, or targets of this kind have no probability.
        """
        raise UserError(f"targets of the kind {self.kind} have no log-probability")

    def given_in_graph(self, texts: Any) -> Any:
        """In graph: `given`, of strings [n], as ragged int32 [n, length]; nothing in the place of
        what is no target. Class names stand for classes."""
        raise UserError(f"targets of the kind {self.kind} have no log-probability")

    def pieces(self) -> list[str]:
        """What the ids of a target stand for, by number."""
        raise NotImplementedError(f"{type(self).__name__} has no pieces")

    def detokenize(self, ids: Any) -> Any:
        """In graph, of a sequence: ids int32 [n, length] -> strings [n]."""
        raise NotImplementedError(f"{type(self).__name__} is no sequence")

    def answers(self, logits: Any, top: int) -> list[dict]:
        """Of a target that is no sequence: the answer for each row of logits [rows, classes]."""
        raise NotImplementedError(f"{type(self).__name__} has no answers")

    def answers_in_graph(self, logits: Any, is_good: Any) -> dict[str, Any]:
        """In graph: the outputs of an exported model, {name: tensor [rows, ...]}.

        Args:
            logits: float32 [rows, classes].
            is_good: bool [rows], false for an input that could not be read.
        """
        raise NotImplementedError(f"{type(self).__name__} has no answers")

    def answer_from(self, found: dict[str, Any], top: int) -> dict:
        """The answer from an exported model's outputs for one input, {name: array}."""
        raise NotImplementedError(f"{type(self).__name__} has no answers")

    def no_answer(self) -> dict:
        """The answer to an input that an exported model could not read."""
        return {"error": "it can't be read"}

    def as_line(self, answer: dict, best: int = 1) -> str:
        """An answer as a line of output: its text, or with tabs between the `best` texts and their
        scores."""
        if best == 1:
            return lines.one_line(answer["outputs"])
        best_first = sorted(answer["n_best"], key=lambda pair: -pair[1])
        return lines.ranked(best_first[:best])

    def scored(self, line: str) -> str:
        """The part of a line of output that metrics see."""
        return line.split("\t")[0]

    def resources(self) -> list:
        """The objects that hold TensorFlow resources, which have to hang on what is exported."""
        return []

    # -- to look at

    def describe(self, value: Any) -> list[str]:
        """Lines that show a raw value: the first says what it is."""
        return [f"{type(self).__name__.lower()} {list(np.shape(value))}"]

    def picture(self, encoded: np.ndarray) -> Any:
        """An encoded value as a PIL image of what the net is given; None if it is no picture."""
        return None

    def sound(self, value: Any) -> bytes | None:
        """An input, as `told` gives it, as a WAV file; None if there is nothing to hear."""
        return None

    def position_labels(self, encoded: Any, count: int | None = None) -> list[str]:
        """A label for each body position of an encoded value, without batch.

        Args:
            encoded: the tensor.
            count: how many positions there are, where the spec doesn't say.
        """
        return [str(i + 1) for i in range(count or int(self.positions(encoded)))]
