"""The experiments of "One Model To Learn Them All" (arXiv 1706.05137), with the controls that its
readers asked for."""

from collections.abc import Callable
from typing import Any

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.studies.study import Contrast, Setup, Study, against


@registry.register_study
def joint_vs_single(setup: Setup) -> Study:
    """One model on all problems against one model for each (the paper's table 2).

    The joint model takes --train_steps steps. Each single model is trained twice: for as many steps
    as its problem gets in the joint run, and for as many as the joint run has in all.
    """
    count = len(setup.problems)
    if count < 2:
        raise UserError("joint_vs_single compares several problems: give --problems=a+b.")
    joint = setup.arm("joint")
    arms, contrasts = [joint], list[Contrast]()
    for problem in setup.problems:
        steps = max(1, setup.train_steps // count)
        alone = setup.arm(f"{problem} alone", problems=[problem], train_steps=steps)
        longer = setup.arm(f"{problem} alone, all steps", problems=[problem])
        arms += [alone, longer]
        contrasts += [*against(alone, [joint]), *against(longer, [joint])]
    return Study(
        arms,
        contrasts,
        paper="The joint model was a little worse on ImageNet (accuracy 66% against 67%), equal on "
        "translation (72% against 71%), and better where data is short: speech 41% against 23%, "
        "parsing 98% against 97%.",
    )


@registry.register_study
def parsing_with_others(setup: Setup) -> Study:
    """Parsing alone, with images, and with all problems (the paper's table 3).

    Each arm takes as many steps of parsing: --train_steps.
    """
    parsing = _first(setup, "a parsing problem", lambda each: "bracket_f1" in each.metrics)
    images = _first(
        setup,
        "a problem that gives classes to pictures",
        lambda each: not (each.targets.is_sequence or each.inputs.is_text),
    )
    metrics = ("log_perplexity", "accuracy", "accuracy_per_sequence", "bracket_f1")
    alone = setup.arm("parsing alone", problems=[parsing])
    arms = [alone]
    groups = {"parsing with images": (parsing, images), "parsing with all": setup.problems}
    if len(setup.problems) == 2:  # these are all
        del groups["parsing with all"]
    for name, problems in groups.items():
        steps = setup.train_steps * len(problems)
        arms.append(setup.arm(name, problems=problems, train_steps=steps, measured=(parsing,)))
    return Study(
        arms,
        against(alone, arms[1:], parsing, metrics),
        decoded=(parsing,),
        paper="Log-perplexity 0.20 alone, 0.16 with ImageNet, 0.15 with all eight; accuracy 97.1%, "
        "97.5%, 97.9%; whole trees 11.7%, 12.7%, 14.5%.",
    )


@registry.register_study
def blocks(setup: Setup) -> Study:
    """The model without experts, and without attention (the paper's table 4), and the controls that
    the paper lacks: dense layers of equal FLOPs and of equal parameters, and a Transformer of equal
    parameters, at half the learning rate, as `transformer_tiny` has it."""
    whole = setup.arm("all blocks")
    rate = hparams_files.resolve(setup.hparams_set, overrides=setup.hparams).learning_rate / 2
    others = [
        setup.arm("no experts", modifier="no_moe"),
        setup.arm("no attention", modifier="no_attention"),
        setup.arm("dense, equal FLOPs", modifier="dense_flops"),
        setup.arm("dense, equal parameters", modifier="dense_params"),
        setup.arm(
            "transformer",
            model="transformer",
            as_large_as=whole.name,
            hparams=f"learning_rate={rate:g}",
        ),
    ]
    return Study(
        [whole, *others],
        against(whole, others),
        paper="Without experts: ImageNet 66% against 67%, English to French 74% against 76%. "
        "Without attention: 67% and 72%. There was no dense layer of the experts' size to compare "
        "with.",
    )


def _first(setup: Setup, what: str, fits: Callable[[Any], bool]) -> str:
    """The first problem that fits."""
    for name in setup.problems:
        if fits(registry.problem(name)):
            return name
    raise UserError(f"This study needs {what} among --problems={'+'.join(setup.problems)}.")
