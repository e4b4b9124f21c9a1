"""A user's own problem, of text and classes, read by its `generate`."""

from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem


class Mood(Problem):
    """Whether a sentence is glad or sad."""

    name = "mood"
    command = "to-mood"
    inputs = Language(vocab="mood", size=300)
    targets = Categorical(labels="mood")

    def generate(self, split, raw_dir):
        with open(f"{raw_dir}/mood/{split}.tsv") as lines:
            for line in lines:
                label, text = line.rstrip("\n").split("\t")
                yield {"inputs": text, "targets": label}
