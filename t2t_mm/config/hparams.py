"""HParams: every hyperparameter of a run, in one frozen, typed, checked dataclass.

    hparams = registry.hparams("multimodel_tiny").replace(hidden_size=256, dropout=0.2)
    hparams = hparams.replace(**parse_overrides("hidden_size=256,dropout=0.2"))

A model may bring hyperparameters of its own, in a dataclass that it is registered with:

    @dataclasses.dataclass(frozen=True)
    class MyHParams(HParams):
        window: int = field(5, "positions that each position sees", low=1, architecture=True)

    @registry.register_model(hparams=MyHParams)
    class MyModel(...): ...

Gin, JSON and the order in which a run's values are put together are in `hparams_files.py`.
"""

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any, ClassVar

from t2t_mm.config import fields
from t2t_mm.errors import UserError


def field(
    default: Any,
    doc: str,
    *,
    architecture: bool = False,
    choices: Iterable[Any] = (),
    low: float | None = None,
    below: float | None = None,
) -> Any:
    """A hyperparameter: as `fields.field`.

    Args:
        default, doc, choices, low, below: as there.
        architecture: whether a checkpoint fixes it: with another value its weights don't fit, or
            mean something else.
    """
    return fields.field(
        default, doc, choices=choices, low=low, below=below, architecture=architecture
    )


_architecture = functools.partial(field, architecture=True)


@dataclasses.dataclass(frozen=True)
class HParams(fields.Fields):
    """Hyperparameters. Frozen: `replace` makes a changed copy. `describe()` says what they mean."""

    title: ClassVar[str] = "hparams"

    # The body.
    hidden_size: int = _architecture(
        128, "channels of the body; even, and a multiple of num_heads", low=2, below=2**15
    )
    encoder_blocks: int = _architecture(6, "convolution blocks of the encoder", low=1, below=1000)
    mixer_blocks: int = _architecture(
        2, "convolution blocks of the input/output mixer", low=1, below=1000
    )
    decoder_blocks: int = _architecture(
        4, "decoder blocks: convolutions, attention to the input", low=1, below=1000
    )
    num_heads: int = _architecture(8, "heads of every attention", low=1, below=2**10)
    attention: bool = _architecture(
        True, "use attention; without it the mixer is given the mean of the encoding"
    )
    categorical_path: str = _architecture(
        "body",
        "what a categorical target runs through: the body, or the encoder alone (Tensor2Tensor's "
        "shortcut)",
        choices=("body", "encoder"),
    )
    dropout: float = field(0.1, "dropout rate on the body's branches", low=0.0, below=1.0)

    # Mixture of experts.
    moe_layers: str = _architecture(
        "both",
        "which halves of the body have a feed-forward layer of experts",
        choices=("both", "encoder", "decoder", "none"),
    )
    feed_forward: str = _architecture(
        "experts",
        "feed-forward layer: experts, or one dense layer of equal FLOPs per position or of equal "
        "parameters",
        choices=("experts", "equal_flops", "equal_params"),
    )
    moe_experts: int = _architecture(10, "experts in each layer", low=1, below=2**18)
    moe_k: int = field(4, "experts that each position is routed to", low=1, below=2**10)
    moe_hidden: int = _architecture(512, "hidden units of one expert", low=1, below=2**18)
    moe_loss: float = field(
        1e-2, "coefficient of the losses that balance importance and load", low=0.0, below=1e3
    )
    moe_noise: bool = _architecture(
        True, "noise on the gates in training, so that all experts are tried"
    )
    moe_capacity: float = field(
        2.0,
        "size of an expert's buffer in training, as a multiple of an even share; positions beyond "
        "it are dropped and counted",
        low=1.0,
        below=1e4,
    )

    # Modality nets and vocabularies.
    share_embeddings: bool = _architecture(
        True, "input, target and softmax weights of a language are shared"
    )
    parse_vocab: str = _architecture(
        "own",
        "vocabulary of parse trees: their own symbols, or the shared subwords",
        choices=("own", "shared"),
    )
    image_size: int = field(
        0,
        "largest height and width of images, in pixels; 0: the problem's own",
        low=0,
        below=2**13,
    )
    audio_frequency_stride: int = _architecture(
        16,
        "by how much the audio net compresses frequency, over all its blocks",
        choices=(1, 2, 4, 8, 16, 32, 64),
    )

    # Data.
    spec_augment: float = field(
        0.0,
        "share of a spectrogram's time and bands that training may mask (SpecAugment)",
        low=0.0,
        below=1.0,
    )
    batch_size: int = field(
        2048, "target positions in a batch; printed as examples at the start", low=1, below=2**24
    )
    max_input_length: int = field(
        512, "longest input trained on, in positions of the body", low=1, below=2**20
    )
    max_target_length: int = field(256, "longest target trained on, in symbols", low=1, below=2**20)
    bucket_growth: float = field(1.1, "ratio of neighbouring length buckets", low=1.01, below=100.0)
    mix: str = field(
        "uniform",
        "how often each problem is trained, where --problems gives no weights",
        choices=("uniform", "proportional", "temperature"),
    )
    mix_temperature: float = field(
        1.0, "mix=temperature: rates proportional to examples^(1/temperature)", low=1.0, below=1e6
    )

    # Optimisation.
    optimizer: str = field(
        "muon",
        "registered optimizer; muon moves matrices along their orthogonalised momentum, and all "
        "else by Adam",
    )
    learning_rate: float = field(
        3e-2, "peak learning rate, reached at the end of the warm-up", low=0.0, below=1e3
    )
    schedule: str = field(
        "linear",
        "registered schedule after the warm-up: constant; 1/sqrt(step) (noam); falling to 0 at the "
        "end of the run (cosine, linear)",
    )
    body_rate: float = field(
        1.0,
        "learning rate of the body, encoder to decoder, as a multiple of that of the nets; "
        "lower it for fine-tuning",
        low=0.0,
        below=1e3,
    )
    frozen: str = field(
        "", "regular expression: weights whose names it matches (encoder/) are not trained"
    )
    warmup_steps: int = field(50, "steps over which the learning rate rises from 0", low=0)
    beta1: float = field(0.9, "Adam: decay of the mean of the gradients", low=0.0, below=1.0)
    beta2: float = field(0.95, "Adam: decay of the mean of their squares", low=0.0, below=1.0)
    epsilon: float = field(1e-8, "Adam: added to the divisor", low=0.0, below=1.0)
    weight_decay: float = field(
        0.0,
        "decoupled decay: AdamW's of all but vectors, Muon's of its matrices",
        low=0.0,
        below=1e3,
    )
    clip_norm: float = field(
        0.1,
        "gradients are scaled down to this global norm: low enough that no problem outweighs "
        "another; 0: never",
        low=0.0,
        below=1e9,
    )
    accumulate: int = field(
        1,
        "parts that a batch is split into, computed one after another to save memory",
        low=1,
        below=2**16,
    )
    rematerialise: bool = field(
        False,
        "recompute the outputs of the body's layers in the backward pass, to save the memory that "
        "would hold them",
    )
    ema_decay: float = field(
        0.0,
        "decay of a moving average of the weights, which is evaluated in their place; 0: none",
        low=0.0,
        below=1.0,
    )
    label_smoothing: float = field(0.0, "probability spread over all symbols", low=0.0, below=1.0)
    ctc_weight: float = field(
        0.0,
        "share of the loss of a CTC head on the encoder, where inputs are sound or a series and "
        "targets a sequence; 0: no head",
        low=0.0,
        below=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_size % self.num_heads or self.hidden_size % 2:
            raise UserError(
                "hparams: hidden_size must be even and a multiple of num_heads, but "
                f"{self.hidden_size} channels don't divide over {self.num_heads} heads"
            )
        if self.moe_k > self.moe_experts:
            raise UserError(
                f"hparams: moe_k={self.moe_k} experts can't be chosen out of "
                f"moe_experts={self.moe_experts}; lower moe_k or raise moe_experts"
            )

    @classmethod
    def architecture_fields(cls) -> tuple[str, ...]:
        """The fields that a checkpoint fixes."""
        return tuple(name for name, each in cls.fields().items() if each.more.get("architecture"))

    def check_resumes(self, saved: "HParams", where: str) -> None:
        """Raises UserError, naming the fields, if a checkpoint's hparams are of another
        architecture.

        Args:
            saved: the checkpoint's.
            where: where it lies.
        """
        fixed = {*self.architecture_fields(), *saved.architecture_fields()}
        conflicts = {
            name: pair
            for name, pair in self.diff(saved).items()
            # beside the weights it has the optimizer's variables, and an average of the weights
            if name in fixed
            or name == "optimizer"
            or (name in ("ema_decay", "ctc_weight") and not all(pair))
        }
        if conflicts:
            shown = ", ".join(f"{name}={old} (now {new})" for name, (new, old) in conflicts.items())
            others = "" if fixed & set(conflicts) else " with --warm_start_from"
            raise UserError(
                f"the checkpoint in {where} was trained with {shown}; use that, or another "
                f"--output_dir{others}"
            )


def parse_overrides(text: str, cls: type[HParams] = HParams) -> dict[str, Any]:
    """The value of `--hparams`, "dropout=0.2,moe_k=2" -> {"dropout": 0.2, "moe_k": 2}.

    Args:
        text: the value of the flag.
        cls: the class of the hyperparameters.

    Raises UserError for an unknown field, one given twice, and text that is no value of the field's
    type.
    """
    return cls.parse(text, "--hparams")
