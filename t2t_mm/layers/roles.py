"""What a variable is: a matrix, an embedding, a gate. Optimizers go by this, and not by names.

    self.table = tag(self.add_weight(name="table", shape=(pieces, hidden)), "embedding")

Untagged variables get a role by their number of axes. That is right for dense layers; embeddings,
gates and stacks of vectors have to be tagged.
"""

from typing import Any

ROLES = {
    "matrix": "maps channels to channels, at every position alike; or a stack of such matrices",
    "embedding": "rows that are looked up, or that outputs are compared with",
    "gate": "chooses among experts",
    "depthwise": "taps for each channel",
    "vector": "a bias or a scale; or a stack of them, one for each expert",
    "other": "anything else of four or more axes",
}
_BY_AXES = ("vector", "vector", "matrix", "matrix")


def tag(variable: Any, role: str, expert: bool = False) -> Any:
    """Gives a variable its role.

    Args:
        variable: a keras Variable.
        role: one of ROLES.
        expert: whether its first axis is that of the experts.

    Returns:
        The variable.
    """
    if role not in ROLES:
        raise ValueError(f"a role is one of {', '.join(ROLES)}, not {role!r}")
    variable._role, variable._is_expert = role, expert
    return variable


def role(variable: Any) -> str:
    """What a variable is, one of ROLES."""
    tagged = getattr(variable, "_role", None)
    if tagged is None and variable.name == "embeddings":  # as keras.layers.Embedding names them
        return "embedding"
    axes = len(variable.shape)
    return tagged or (_BY_AXES[axes] if axes < len(_BY_AXES) else "other")


def is_expert(variable: Any) -> bool:
    """Whether the variable's first axis is that of the experts."""
    return getattr(variable, "_is_expert", False)
