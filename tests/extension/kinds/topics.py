"""A problem whose targets are sets of labels."""

from t2t_mm import Language, MultiLabel, Problem, registry


@registry.register_problem
class Topics(Problem):
    """What a message is about."""

    command = "to-topics"
    inputs = Language(vocab="weather", units="characters")
    targets = MultiLabel(labels="topics")

    def generate(self, split, raw_dir):
        for i in range({"train": 40, "validation": 6}.get(split, 0)):
            yield {"inputs": f"Message {i}.", "targets": [[], ["rain"], ["rain", "wind"]][i % 3]}
