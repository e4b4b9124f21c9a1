"""Problems: a data set, two modalities, an output space and metrics."""

from t2t_mm.problem.base import Problem, Source, check_nets
from t2t_mm.problem.parsing import TreeProblem
from t2t_mm.problem.views import View

__all__ = ["Problem", "Source", "TreeProblem", "View", "check_nets"]
