"""A problem without inputs: a language model."""

from t2t_mm import Language, Problem, registry


@registry.register_problem
class Weather(Problem):
    """What people say of the weather."""

    command = "to-weather"
    inputs = None
    targets = Language(vocab="weather", units="characters")

    def generate(self, split, raw_dir):
        for i in range({"train": 60, "validation": 8}.get(split, 0)):
            yield {"targets": f"It is {'very ' * (i % 3)}{('cold', 'warm')[i % 2]}, number {i}."}
