"""RunConfig: every option of a run, in one frozen, typed, checked dataclass.

    config = RunConfig(train_steps=2000, keep_best="mini_ende/log_perplexity", patience=5)

The flags of t2t_mm_trainer.py are made from it, `run.json` in the output directory records it, and
each option says what it means if a resumed run is given another value than before.
"""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, ClassVar

from t2t_mm import mixtures
from t2t_mm.config import fields
from t2t_mm.config.hold_out import HoldOut
from t2t_mm.errors import UserError
from t2t_mm.registry import RegistryError

GROUPS = ("data", "run", "evaluation", "devices")  # the sections of --help
# What another value than before means when a run goes on: it can't; it is logged, since the result
# is another; nothing.
REFUSED, LOGGED, FREE = "refused", "logged", "free"


def option(default: Any, doc: str, group: str, *, resume: str = FREE, **limits: Any) -> Any:
    """An option: as `fields.field`.

    Args:
        default, doc, limits: as there.
        group: one of GROUPS.
        resume: REFUSED, LOGGED or FREE.
    """
    return fields.field(default, doc, group=group, resume=resume, **limits)


@dataclasses.dataclass(frozen=True)
class RunConfig(fields.Fields):
    """Options of a run. Frozen: `replace` makes a changed copy. `describe()` says what they
    mean."""

    title: ClassVar[str] = "options"

    problems: str = option(
        "",
        "problems or mixtures, joined with +, each with a weight if wanted: a:2+b",
        "data",
        resume=LOGGED,
    )
    data_dir: str = option("", "directory of prepared data and vocabularies", "data")
    raw_dir: str = option(
        "", "your own data, one folder per problem; needed only with generate_data", "data"
    )
    generate_data: bool | str = option(
        False,
        "first prepare data and vocabularies that are missing; again: also those that exist",
        "data",
        choices=(False, True, "again"),
    )
    hold_out: str = option(
        "",
        "with generate_data: splits to cut from the training examples where they have no files of "
        "their own: validation:0.05+test:0.05+seed:1",
        "data",
    )
    train_examples: int = option(
        0,
        "train on so many examples of each problem, the first of the data; 0: on all",
        "data",
        resume=LOGGED,
        low=0,
    )

    mode: str = option(
        "train_and_evaluate",
        "what to do; evaluate takes problems and hparams_set of the run, if not given",
        "run",
        choices=("train_and_evaluate", "train", "evaluate"),
    )
    model: str = option("multimodel", "registered model", "run", resume=REFUSED)
    hparams_set: str = option(
        "",
        "named hparams, with modifiers: set+modifier; if not given the model's <model>_tiny",
        "run",
    )
    hparams: str = option("", "changes to single hparams: hidden_size=256,dropout=0.2", "run")
    gin_file: tuple[str, ...] = option((), "gin file that binds hparams; may be repeated", "run")
    gin_bindings: tuple[str, ...] = option(
        (), "gin binding, such as hparams.hidden_size=256; may be repeated", "run"
    )
    train_steps: int = option(
        1000,
        "steps of the whole run, counted from the first; where schedules end",
        "run",
        resume=LOGGED,
        low=1,
    )
    seed: int = option(
        0,
        "random seed for initial values, sampling of problems, order of the data and dropout",
        "run",
        resume=LOGGED,
        low=0,
    )
    save_every: int = option(500, "steps between checkpoints", "run", low=1)
    keep_checkpoints: int = option(3, "how many of the newest checkpoints to keep", "run", low=1)
    checkpoint: str = option(
        "newest",
        "which checkpoint mode=evaluate and warm_start_from read: newest, best or a step",
        "run",
    )
    warm_start_from: str = option(
        "",
        "output directory of another run: its weights are the initial values where they fit",
        "run",
    )
    warm_start_rescale: bool = option(
        False,
        "rescale the loaded body's matrices to the norm of fresh ones: for problems that the other "
        "run has never seen",
        "run",
    )
    skip_nonfinite: bool = option(
        False, "skip steps whose loss or gradient is not finite, and count them", "run"
    )
    log_json: bool = option(False, "print one JSON object per line, for machines", "run")

    eval_split: str = option(
        "validation",
        "split to evaluate on",
        "evaluation",
        choices=("train", "validation", "test"),
    )
    eval_every: int = option(
        1000, "steps between evaluations; 0: only at the end", "evaluation", low=0
    )
    eval_steps: int = option(
        0,
        "batches of each problem in an evaluation; 0: the whole split",
        "evaluation",
        low=0,
    )
    decode_examples: int = option(
        0,
        "examples of each problem that an evaluation also decodes and scores: BLEU, WER, ...",
        "evaluation",
        low=0,
    )
    keep_best: str = option(
        "",
        "keep the checkpoint that is best by this metric: wmt_ende/log_perplexity",
        "evaluation",
        resume=LOGGED,
    )
    patience: int = option(
        0,
        "end training after this many evaluations without a better keep_best; 0: never",
        "evaluation",
        resume=LOGGED,
        low=0,
    )
    continuous: bool = option(
        False,
        "with mode=evaluate: evaluate every new checkpoint of a run, until it ends",
        "evaluation",
    )

    strategy: str = option(
        "auto",
        "devices to train on; multi_worker reads TF_CONFIG, auto uses what it finds",
        "devices",
        choices=("auto", "one_device", "mirrored", "multi_worker", "tpu"),
    )
    expert_parallel: str = option(
        "auto",
        "share out the experts and their optimizer's state over the replicas of all machines, "
        "which send each other tokens instead of gradients; auto: where it can be done, experts of "
        "64 million parameters a layer or more",
        "devices",
        choices=("auto", "on", "off"),
    )
    precision: str = option(
        "float32",
        "bfloat16 keeps weights and losses in float32",
        "devices",
        resume=LOGGED,
        choices=("float32", "bfloat16"),
    )
    jit_compile: bool = option(
        False,
        "compile with XLA, once per batch shape: faster on accelerators",
        "devices",
        resume=LOGGED,
    )
    steps_per_execution: int = option(
        1, "steps queued on the device before waiting for it", "devices", low=1, below=10**6
    )
    deterministic: bool = option(
        False,
        "use deterministic operations: bit-identical results, but slower",
        "devices",
        resume=LOGGED,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        HoldOut.parse(self.hold_out, "--hold_out")
        for is_broken, message in _RULES:
            if is_broken(self):
                raise UserError(message.format(self))

    def weights(self) -> dict[str, float | None]:
        """{problem: weight, or None}, as `problems` says; {} if it says nothing."""
        return mixtures.parse(self.problems) if self.problems else {}

    def decisive(self) -> dict[str, Any]:
        """{option: value} of those that make another run of it: all that are not FREE to differ."""
        return {name: getattr(self, name) for name in self.fields() if self._resume(name) != FREE}

    def changes(self, saved: "RunConfig") -> dict[str, tuple[Any, Any]]:
        """{option: (value now, value then)} of what differs from `saved`, of the run that goes on,
        and is not FREE to differ.

        Raises:
            UserError: if a REFUSED option differs.
        """
        differ = {
            name: pair
            for name, pair in self.diff(saved).items()
            if self._resume(name) != FREE and not (name == "problems" and same_mixture(*pair))
        }
        refused = [
            f"{name}={then}, not {now}"
            for name, (now, then) in differ.items()
            if self._resume(name) == REFUSED
        ]
        if refused:
            raise UserError(
                f"The run was started with {', '.join(refused)}. Give that, or another "
                "--output_dir."
            )
        return differ

    def _resume(self, name: str) -> str:
        return self.fields()[name].more["resume"]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Back from `to_dict`, also by way of JSON; an option that is not there has its default.

        Raises:
            UserError: for an unknown option, or a value that doesn't fit.
        """
        return cls().replace(**values)


# What options have to do with each other.
_RULES: tuple[tuple[Callable[[RunConfig], Any], str], ...] = (
    (
        lambda config: config.warm_start_rescale and not config.warm_start_from,
        "--warm_start_rescale needs --warm_start_from, the run whose weights are rescaled.",
    ),
    (
        lambda config: (
            config.checkpoint != "newest"
            and (config.continuous or config.mode != "evaluate" and not config.warm_start_from)
        ),
        "--checkpoint={0.checkpoint} is for --mode=evaluate without --continuous, and for "
        "--warm_start_from.",
    ),
    (
        lambda config: config.hold_out and not config.generate_data,
        "--hold_out={0.hold_out} needs --generate_data: it says how data is prepared.",
    ),
    (
        lambda config: config.continuous and config.mode != "evaluate",
        "--continuous is for --mode=evaluate, beside a run with --mode=train.",
    ),
    (
        lambda config: config.patience and not config.keep_best,
        "--patience needs --keep_best, the metric that it waits for: wmt_ende/log_perplexity.",
    ),
    (
        lambda config: config.keep_best and not re.fullmatch("[^/]+/.+", config.keep_best),
        "--keep_best={0.keep_best} is not problem/metric, as in wmt_ende/log_perplexity.",
    ),
    (
        lambda config: config.keep_best and config.mode != "train_and_evaluate",
        "--keep_best needs evaluations: --mode=train_and_evaluate, every --eval_every steps.",
    ),
    (
        lambda config: config.keep_best and not config.eval_every,
        "--keep_best needs evaluations: --eval_every=0 makes none but the last. Give "
        "--eval_every=500.",
    ),
    (
        lambda config: config.skip_nonfinite and config.steps_per_execution > 1,
        "--skip_nonfinite decides after each step, --steps_per_execution="
        "{0.steps_per_execution} looks only after every {0.steps_per_execution}: leave one of "
        "them out.",
    ),
)


def same_mixture(now: str, then: str) -> bool:
    """Whether two values of --problems mean the same problems with the same weights, whatever their
    order."""
    try:
        return mixtures.parse(now) == mixtures.parse(then)
    except RegistryError:  # of a problem or mixture that is not registered, or no longer
        return sorted(now.split("+")) == sorted(then.split("+"))
