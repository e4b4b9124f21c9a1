"""What a problem does with its values: the hooks that a subclass overrides.

The defaults follow from the modalities of the two sides. What is special about a problem belongs
in one of these methods, so that nothing outside asks which class a problem is of.
"""

from typing import Any

from t2t_mm.modalities.base import Modality

OF_CTC = ("ctc_error_rate", "ctc_left_out")  # registered metrics of a CTC head


class Hooks:
    """The values of a problem, from what is stored or typed to what a person reads.

    Attributes:
        inputs, targets: the modalities of the two sides.
        metrics: names of metrics of decoded text.
        rewrites_outputs: whether an exported model has to call `postprocess_in_graph`.
    """

    inputs: Modality
    targets: Modality
    metrics: tuple[str, ...] = ()
    rewrites_outputs: bool = False

    @property
    def has_inputs(self) -> bool:
        """Whether there is anything to answer; a language model has no input."""
        return self.inputs.is_stored

    @property
    def teacher_forced(self) -> tuple[str, ...]:
        """The metrics of predictions that are given the true previous targets."""
        further = () if self.has_inputs else self.targets.without_inputs()
        return (*self.targets.teacher_forced, *further)

    def evaluated_by(self, hparams: Any) -> tuple[str, ...]:
        """The metrics that evaluations of a model with these hyperparameters give without decoding:
        the teacher-forced ones, and those of a CTC head where it has one."""
        is_aligned = self.inputs.is_aligned(self.targets, hparams)
        return (*self.teacher_forced, *(OF_CTC if is_aligned else ()))

    @property
    def measured_by(self) -> tuple[str, ...]:
        """The metrics of decoded output: its own, or those of the targets' modality; without
        inputs none, as no output is the one that is wanted."""
        return (self.metrics or self.targets.decoded) if self.has_inputs else ()

    def preprocess(self, value: Any) -> Any:
        """In graph: a raw input as a person gives it -> as the data set has it.

        What runs in graph asks for no tensor in Python's `if` or `while`; `tf.cond` and
        `tf.while_loop` do.
        """
        return value

    def encode_inputs(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        """Raw input -> tensor for the input net: in training, decoding and exported models alike.

        Args:
            value: a tensor, as the data set has it.
            training: turns augmentation on.
            seed: int32 [2], from which augmentation is drawn statelessly; fresh when absent.
        """
        return self.inputs.encode(value, training, seed)

    def encode_targets(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        """Raw target -> int32 [length]; arguments as of `encode_inputs`."""
        return self.targets.encode(value, training, seed)

    def decode_targets(self, ids: Any) -> str:
        """Target ids of one example -> text, symbols, or a class name."""
        return self.targets.decode(ids)

    def postprocess(self, text: str, source: str | None) -> str:
        """Decoded text, or that of a reference, as a person reads it; metrics see the result.

        Args:
            text: what `decode_targets` gives.
            source: the text of the input, as the data set has it; None if it is not text.
        """
        return text

    def given_target(self, text: Any) -> Any:
        """A target as a person gives it -> as the data set has it: undoes `postprocess`."""
        return text

    def findings(self) -> dict[str, Any]:
        """What `resolve` found in the data and answering needs, as JSON: a run keeps it."""
        return {}

    def with_findings(self, values: dict[str, Any]) -> Any:
        """A copy with the findings that a run has kept; {} where it kept none."""
        return self

    def postprocess_in_graph(self, texts: Any, sources: Any) -> Any:
        """`postprocess` of an exported model: strings [n], strings [n] -> strings [n]."""
        return texts

    def drawn(self, answer: str) -> list[str]:
        """Lines that draw an answer, as `postprocess` gives it; none if it is as it is read."""
        return []

    def describe_target(self, text: str, source: str | None) -> list[str]:
        """More lines that show a target to a person; arguments as of `postprocess`."""
        return []
