"""Problems: a data set, two modalities, an output space and metrics."""

from t2t_mm.problem.base import Problem, Source, TreeProblem, View, check_nets

__all__ = ["Problem", "Source", "TreeProblem", "View", "check_nets"]
