"""A problem whose targets are real numbers."""

from t2t_mm import Language, Problem, Real, registry


@registry.register_problem
class Degrees(Problem):
    """How warm it is by night and by day."""

    command = "to-degrees"
    inputs = Language(vocab="weather", units="characters")
    targets = Real(quantity="degrees", size=2, objective="gaussian")

    def generate(self, split, raw_dir):
        for i in range({"train": 40, "validation": 6}.get(split, 0)):
            yield {"inputs": f"It is {('cold', 'warm')[i % 2]}, {i}.", "targets": [i % 2, 20.0 + i]}
