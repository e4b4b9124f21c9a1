"""Constituency parsing: the Penn Treebank, or your own bracketed trees."""

from t2t_mm import registry
from t2t_mm.features import Language
from t2t_mm.problem import TreeProblem


@registry.register_problem
class WsjParse(TreeProblem):
    """English constituency parsing (Wall Street Journal section of the Penn Treebank)."""

    inputs = Language(vocab="wmt_8k")
    targets = Language(vocab="parse_tags", units="symbols")
