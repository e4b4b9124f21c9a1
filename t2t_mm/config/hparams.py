"""HParams: every hyperparameter of a run, in one frozen, typed, checked dataclass.

    hparams = registry.hparams("multimodel_tiny").replace(hidden_size=256, dropout=0.2)
    hparams = hparams.replace(**parse_overrides("hidden_size=256,dropout=0.2"))

Whatever goes wrong with a field — no such name, wrong type, out of range — is a UserError that says
what was expected. Gin, JSON and the order in which a run's values are put together are in
`hparams_io.py`.
"""

import dataclasses
import difflib
import math
import numbers
from typing import Any

from t2t_mm.errors import UserError


def _field(default, doc: str, *, architecture=False, choices=(), low=None, below=None):
    """A field with its documentation and what it may hold: `choices`, or low <= value < below."""
    metadata = {
        "doc": doc,
        "architecture": architecture,
        "choices": choices,
        "low": low,
        "below": below,
    }
    return dataclasses.field(default=default, metadata=metadata)


def _architecture(default, doc: str, **checks):
    """A field that a checkpoint fixes: with another value its weights don't fit, or mean something
    else."""
    return _field(default, doc, architecture=True, **checks)


@dataclasses.dataclass(frozen=True)
class HParams:
    """Hyperparameters. Frozen; `replace` makes a changed copy. `describe()` prints what each field
    means."""

    # The body.
    hidden_size: int = _architecture(
        128, "channels of the body; even, and a multiple of num_heads", low=2
    )
    encoder_blocks: int = _architecture(6, "convolution blocks of the encoder", low=1)
    mixer_blocks: int = _architecture(2, "convolution blocks of the input/output mixer", low=1)
    decoder_blocks: int = _architecture(
        4, "decoder blocks: convolutions, attention to the input", low=1
    )
    num_heads: int = _architecture(8, "heads of every attention", low=1)
    attention: bool = _architecture(
        True, "attend; without, the mixer is given the mean of the encoding"
    )
    categorical_path: str = _architecture(
        "body",
        "what a categorical target runs through: the body, or the encoder alone (Tensor2Tensor's "
        "shortcut)",
        choices=("body", "encoder"),
    )
    dropout: float = _field(0.1, "dropout rate on the body's branches", low=0.0, below=1.0)

    # Mixture of experts.
    moe_layers: str = _architecture(
        "both",
        "which halves of the body have a feed-forward layer of experts",
        choices=("both", "encoder", "decoder", "none"),
    )
    feed_forward: str = _architecture(
        "experts",
        "what that layer is: experts, or one dense layer of equal FLOPs a position or of equal "
        "parameters",
        choices=("experts", "equal_flops", "equal_params"),
    )
    moe_experts: int = _architecture(10, "experts in each layer", low=1)
    moe_k: int = _field(4, "experts that read each position", low=1)
    moe_hidden: int = _architecture(512, "hidden units of one expert", low=1)
    moe_loss: float = _field(
        1e-2, "coefficient of the losses that balance importance and load", low=0.0
    )
    moe_noise: bool = _architecture(
        True, "noise on the gates in training, so that all experts are tried"
    )
    moe_capacity: float = _field(
        2.0,
        "places in an expert's buffer, in even shares; what finds none is dropped and counted",
        low=1.0,
    )

    # Modality nets and vocabularies.
    share_embeddings: bool = _architecture(
        True, "input, target and softmax weights of a language are one"
    )
    parse_vocab: str = _architecture(
        "own",
        "vocabulary of parse trees: their own symbols, or the shared subwords",
        choices=("own", "shared"),
    )
    image_size: int = _field(
        0, "height and width that images are brought to; 0: the problem's own", low=0
    )
    audio_frequency_stride: int = _architecture(
        16,
        "by how much the audio net compresses frequency, over all its blocks",
        choices=(1, 2, 4, 8, 16, 32, 64),
    )

    # Data.
    spec_augment: float = _field(
        0.0,
        "share of time and of bands of a spectrogram that training may hide (SpecAugment)",
        low=0.0,
        below=1.0,
    )
    batch_size: int = _field(
        2048, "target positions in a batch; printed as examples at the start", low=1
    )
    max_input_length: int = _field(512, "longest input trained on, in positions of the body", low=1)
    max_target_length: int = _field(256, "longest target trained on, in symbols", low=1)
    bucket_growth: float = _field(1.1, "ratio of neighbouring length buckets", low=1.01)
    mix: str = _field(
        "uniform",
        "how often each problem is trained, where --problems gives no weights",
        choices=("uniform", "proportional", "temperature"),
    )
    mix_temperature: float = _field(
        1.0, "mix=temperature: rates go with examples^(1/temperature)", low=1.0
    )

    # Optimisation.
    optimizer: str = _field(
        "muon",
        "muon (matrices along their orthogonalised momentum, all else by Adam), or one of "
        "keras.optimizers",
        choices=("muon", "adam", "adamw", "adafactor"),
    )
    learning_rate: float = _field(
        3e-2, "peak learning rate, reached at the end of the warm-up", low=0.0
    )
    schedule: str = _field(
        "linear",
        "after the warm-up: constant; 1/sqrt(step) (noam); or falling to 0 at --train_steps "
        "(cosine, linear)",
        choices=("constant", "noam", "cosine", "linear"),
    )
    body_rate: float = _field(
        1.0,
        "learning rate of the body, encoder to decoder, as a multiple of that of the nets; "
        "fine-tuning wants less",
        low=0.0,
    )
    frozen: str = _field(
        "", "regular expression: weights in whose names it is found (encoder/) are not trained"
    )
    warmup_steps: int = _field(50, "steps over which the learning rate rises from 0", low=0)
    beta1: float = _field(0.9, "Adam: decay of the mean of the gradients", low=0.0, below=1.0)
    beta2: float = _field(0.95, "Adam: decay of the mean of their squares", low=0.0, below=1.0)
    epsilon: float = _field(1e-8, "Adam: added to the divisor", low=0.0)
    weight_decay: float = _field(
        0.0, "decoupled decay: AdamW's of all but vectors, Muon's of its matrices", low=0.0
    )
    clip_norm: float = _field(
        0.1,
        "gradients are scaled down to this global norm: low enough that no problem outweighs "
        "another; 0: never",
        low=0.0,
    )
    accumulate: int = _field(
        1, "parts that a batch is worked through in, one after another, to save memory", low=1
    )
    rematerialise: bool = _field(
        False,
        "compute what the body's layers put out again for the gradient, to save the memory that "
        "keeps it",
    )
    ema_decay: float = _field(
        0.0,
        "decay of a moving average of the weights, which is evaluated in their place; 0: none",
        low=0.0,
        below=1.0,
    )
    label_smoothing: float = _field(0.0, "probability spread over all symbols", low=0.0, below=1.0)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))
        if self.hidden_size % self.num_heads or self.hidden_size % 2:
            raise UserError(
                "hparams: hidden_size must be even and a multiple of num_heads, but "
                f"{self.hidden_size} channels don't divide over {self.num_heads} heads"
            )
        if self.moe_k > self.moe_experts:
            raise UserError(
                f"hparams: moe_k={self.moe_k} experts can't be chosen out of "
                f"moe_experts={self.moe_experts}; "
                "lower moe_k or raise moe_experts"
            )

    def replace(self, **values) -> "HParams":
        """A copy with some fields changed. UserError for an unknown field or a value that doesn't
        fit."""
        for name in values:
            field_named(name)
        return dataclasses.replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """{field: value}, in the order of the class."""
        return dataclasses.asdict(self)

    def diff(self, other: "HParams") -> dict[str, tuple]:
        """{field: (own value, the other's)} for the fields in which they differ."""
        mine, theirs = self.to_dict(), other.to_dict()
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}

    def check_resumes(self, saved: "HParams", where: str):
        """Raises UserError, naming the fields, if `saved`, of a checkpoint, is another
        architecture."""
        conflicts = {
            name: pair
            for name, pair in self.diff(saved).items()
            if name in ARCHITECTURE_FIELDS
            or name == "optimizer"
            or name == "ema_decay"
            and not all(pair)
        }  # what it has beside the weights
        if conflicts:
            told = ", ".join(f"{name}={old} (now {new})" for name, (new, old) in conflicts.items())
            raise UserError(
                f"the checkpoint in {where} was trained with {told}; use that, or another "
                "--output_dir"
                + ("" if set(conflicts) & set(ARCHITECTURE_FIELDS) else " with --warm_start_from")
            )

    def describe(self) -> str:
        """One aligned line a field: name, value, meaning and choices."""
        rows = [
            (f.name, repr(getattr(self, f.name)), _meaning(f)) for f in dataclasses.fields(self)
        ]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"{name:{widths[0]}}  {value:{widths[1]}}  {doc}" for name, value, doc in rows
        )


_FIELDS = {field.name: field for field in dataclasses.fields(HParams)}
ARCHITECTURE_FIELDS = tuple(
    name for name, field in _FIELDS.items() if field.metadata["architecture"]
)


def field_named(name: str) -> dataclasses.Field:
    """The field of that name; a UserError with the nearest names if there is none."""
    if name not in _FIELDS:
        near = difflib.get_close_matches(name, _FIELDS, n=3)
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"the fields are {', '.join(_FIELDS)}"
        )
        raise UserError(f"hparams: there is no field '{name}'; {hint}")
    return _FIELDS[name]


def parse_overrides(text: str) -> dict[str, Any]:
    """The value of `--hparams`, "hidden_size=256,dropout=0.2" -> {"hidden_size": 256, "dropout":
    0.2}.

    Raises UserError for an unknown field, one given twice, and text that is no value of the field's
    type.
    """
    values = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UserError(f"--hparams: expected name=value,name=value, but '{part}' has no '='")
        field = field_named(name)
        if name in values:
            raise UserError(f"--hparams: {name} is given twice; give it once")
        values[name] = _checked(field, _parsed(field, value))
    return values


def _parsed(field: dataclasses.Field, text: str):
    """Text -> a value of the field's type, or the text itself where it is none (`_checked` says
    so)."""
    if field.type is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return field.type(text)
    except ValueError:
        return text


def _checked(field: dataclasses.Field, value):
    """The value in the field's type; a UserError if it isn't of that type, or out of range."""
    if field.type is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        value = int(value)
    elif field.type is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
        value = float(value)
    limits = field.metadata
    bad = not isinstance(value, field.type) or (field.type is int and isinstance(value, bool))
    bad = bad or (limits["choices"] and value not in limits["choices"])
    bad = bad or (limits["low"] is not None and not limits["low"] <= value < math.inf)
    bad = bad or (limits["below"] is not None and not value < limits["below"])
    if bad:
        raise UserError(
            f"hparams: {field.name} is {_wanted(field)} ({limits['doc']}), not {value!r}"
        )
    return value


def _wanted(field: dataclasses.Field) -> str:
    """What the field may hold, in words: "one of body, encoder"; "an int of at least 1"."""
    limits = field.metadata
    if limits["choices"]:
        return f"one of {', '.join(map(str, limits['choices']))}"
    wanted = {int: "an int", float: "a float", bool: "true or false", str: "a string"}[field.type]
    if limits["low"] is not None:
        wanted += f" of at least {limits['low']}"
    if limits["below"] is not None:
        wanted += f" and below {limits['below']}"
    return wanted


def _meaning(field: dataclasses.Field) -> str:
    choices = field.metadata["choices"]
    return field.metadata["doc"] + (f" [{' | '.join(map(str, choices))}]" if choices else "")
