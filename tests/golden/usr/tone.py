"""A user's problem, written for version 0.1.0: every later version must take it as it is."""

from t2t_mm import registry
from t2t_mm.features import Categorical, Language
from t2t_mm.problem import Problem


@registry.register_problem
class Tone(Problem):
    """Tone of a sentence: lines of label, tab, sentence in tone/train.tsv, tone/validation.tsv."""

    command = "to-tone"
    inputs = Language(vocab="tone", size=1024)
    targets = Categorical(labels="tone")

    def generate(self, split, raw_dir):
        with open(f"{raw_dir}/tone/{split}.tsv") as lines:
            for line in lines:
                label, sentence = line.rstrip("\n").split("\t")
                yield {"inputs": sentence, "targets": label}
