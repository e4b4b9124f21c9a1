"""Questions that the paper leaves open: experts or only capacity, and what a trained model is worth
to a new problem."""

from typing import Any

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.studies.study import Contrast, Setup, Study, against

SIZES = (0.5, 1.0, 2.0)  # of the width, relative to the set's
LAYERS = {  # {what stands where the experts do: hparams modifier}
    "experts": "",
    "dense, equal FLOPs": "dense_flops",
    "dense, equal parameters": "dense_params",
}
SHARES = (10, 30, 100, 300)  # percent of --train_examples


@registry.register_study
def capacity(setup: Setup) -> Study:
    """Are the experts worth more than a dense layer with as many FLOPs, or with as many parameters?
    Each at half, once and twice the set's width."""
    base = hparams_files.resolve(setup.hparams_set, overrides=setup.hparams)
    arms, contrasts = [], list[Contrast]()
    sizes: dict[str, list[str]] = {name: [] for name in LAYERS}
    for size in SIZES:
        width, units = (int(size * value) for value in (base.hidden_size, base.moe_hidden))
        if width % base.num_heads:
            raise UserError(
                f"capacity halves the width: hidden_size={base.hidden_size} would be {width}, "
                f"which num_heads={base.num_heads} does not divide. Give another --hparams."
            )
        hparams = f"hidden_size={width},moe_hidden={units}"
        experts, flops, parameters = (
            setup.arm(f"{name}, width {width}", modifier=modifier, hparams=hparams)
            for name, modifier in LAYERS.items()
        )
        for name, arm in zip(LAYERS, (experts, flops, parameters), strict=True):
            sizes[name].append(arm.name)
        arms += [experts, flops, parameters]
        contrasts += [*against(flops, [experts]), *against(parameters, [experts])]
    paper = "Not measured there: it is the open question of its readers."
    return Study(arms, contrasts, paper=paper, sizes=sizes)


@registry.register_study
def transfer(setup: Setup) -> Study:
    """How few examples does a new problem need, if the model starts from one that was trained on
    others?

    The last of --problems is the new one. It is trained on 10, 30, 100 and 300% of
    --train_examples (100, if not given) examples, from random weights and from those of a joint
    model of the others.
    """
    if len(setup.problems) < 2:
        raise UserError("transfer needs problems to start from: give --problems=a+b+new.")
    if 0 < setup.train_examples < 10:
        raise UserError(
            f"transfer trains on 10, 30, 100 and 300% of --train_examples={setup.train_examples}: "
            "give at least 10."
        )
    *others, new = setup.problems
    start = setup.arm("the others", problems=others, train_examples=0)
    arms, contrasts = [start], list[Contrast]()
    for share in SHARES:
        count = max(1, (setup.train_examples or 100) * share // 100)
        fields: dict[str, Any] = {"problems": [new], "train_examples": count}
        scratch = setup.arm(f"{count} examples, from scratch", **fields)
        tuned = setup.arm(f"{count} examples, after the others", **fields, starts_from=start.name)
        arms += [scratch, tuned]
        contrasts += against(scratch, [tuned])
    return Study(
        arms,
        contrasts,
        paper="Not measured there; problems with little data gained most from joint training.",
    )
