"""The grammar of `--problems`: names joined with +, with weights, and what mixtures stand for.

    mixtures.parse("gum_parse:2+mini8")  # {"gum_parse": 2.0, "mini_ende": 1.0, ...}

Names are those of the registry.
"""

import math
from collections.abc import Iterable

from t2t_mm import registry
from t2t_mm.registry import RegistryError

LEAST = 1e-9  # weight; others are added to it, and none may be lost


def parse(text: str) -> dict[str, float | None]:
    """The value of `--problems` -> {problem name: weight}, in the order given.

    Names are joined with `+`; `:w` after a name is its weight; a mixture stands for its members.
    When no weight is given anywhere, all are None and `hparams.mix` sets the rates. Otherwise all
    are numbers, and what has no weight weighs 1. A weight on a mixture is that of the whole, shared
    by its members.

    Raises RegistryError for an unknown name, a weight that isn't positive, and a problem that is
    named twice.
    """
    weights: dict[str, float | None] = {}
    origin: dict[str, str] = {}
    for part in text.split("+"):
        name, colon, weight = (piece.strip() for piece in part.partition(":"))
        if not name or "," in name:
            raise RegistryError(
                f"--problems='{text}': names are joined with +, as in wmt_ende:2+imagenet"
            )
        members = _expand(name, _weight(weight, part) if colon else None, within=())
        for member, share in members.items():
            if member in weights:
                raise RegistryError(
                    f"--problems='{text}': {member} is named twice, by {origin[member]} and by "
                    f"{name}; name it once, with a weight if it should come more often"
                )
            weights[member], origin[member] = share, name
    return _complete(weights)


def _weight(text: float | str, where: str) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not LEAST <= value <= 1 / LEAST:
        limits, shown = f"from {LEAST:g} to {1 / LEAST:g}", str(text)[:40]
        raise RegistryError(
            f"'{where[:80]}': a weight is a positive number, {limits}, not '{shown}'"
        )
    return value


def _expand(name: str, weight: float | None, within: Iterable[str]) -> dict[str, float | None]:
    """{problem: weight} of one problem or mixture; `within` holds the mixtures around it."""
    if name not in registry.list_mixtures():
        registry.problem(name)  # raises if unknown
        return {name: weight}
    place = registry.find("mixture", name).place
    if name in within:
        raise RegistryError(f"{place}: the mixture '{name}' contains itself")
    members: dict[str, float | None] = {}
    for member, own in registry.mixture(name).items():
        own = None if own is None else _weight(own, f"{name}: {member}")
        for problem, share in _expand(member, own, (*within, name)).items():
            if problem in members:
                raise RegistryError(f"{place}: the mixture '{name}' names {problem} twice")
            members[problem] = share
    if weight is None:
        return members
    shares = {member: 1.0 if share is None else share for member, share in members.items()}
    return {member: weight * share / sum(shares.values()) for member, share in shares.items()}


def _complete(weights: dict[str, float | None]) -> dict[str, float | None]:
    if all(weight is None for weight in weights.values()):
        return weights
    return {name: 1.0 if weight is None else weight for name, weight in weights.items()}
