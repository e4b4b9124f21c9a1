"""A problem with several inputs, one of which may be absent."""

from pathlib import Path

from t2t_mm import Image, Language, Problem, registry


@registry.register_problem
class Asked(Problem):
    """Questions about a picture."""

    command = "to-answer"
    inputs = {"question": Language(vocab="weather", units="characters"), "picture": Image(size=64)}
    optional_inputs = ("picture",)
    input_key = {"picture": "photo/file"}
    target_key = "answer"
    targets = Language(vocab="weather", units="characters")

    def generate(self, split, raw_dir):
        for i in range({"train": 40, "validation": 6}.get(split, 0)):
            example = {"question": f"How {('dark', 'warm')[i % 2]} is it?", "answer": f"{i % 3}."}
            path = Path(raw_dir) / f"{i % 3}.png"
            yield example if i % 5 == 0 else example | {"photo/file": str(path)}
