"""Constituency parsing: the Penn Treebank, or your own bracketed trees."""

from t2t_mm import registry
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Source
from t2t_mm.problem.parsing import TreeProblem


@registry.register_problem
class WsjParse(TreeProblem):
    """English constituency parsing (Wall Street Journal section of the Penn Treebank)."""

    inputs = Language(vocab="wmt_8k")
    targets = Language(vocab="parse_tags", units="symbols")
    source = Source(
        "https://catalog.ldc.upenn.edu/LDC99T42",
        "LDC",
        "60 MB",
        by_hand="the sections 02 to 23 of parsed/mrg/wsj",
        free="mini_parse",
    )
