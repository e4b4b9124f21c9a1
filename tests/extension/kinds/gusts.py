"""A problem whose inputs are measured over time."""

import numpy as np

from t2t_mm import Categorical, Problem, Series, registry


@registry.register_problem
class Gusts(Problem):
    """How fast the wind changes."""

    command = "to-gusts"
    inputs = Series(channels=2, rate=20, time_stride=2)
    targets = Categorical(labels="gusts")

    def generate(self, split, raw_dir):
        for i in range({"train": 40, "validation": 6}.get(split, 0)):
            angles = np.arange(20 + i)[:, None] / (i % 2 + 1) + [0, 1]
            yield {"inputs": np.sin(angles), "targets": ("fast", "slow")[i % 2]}
