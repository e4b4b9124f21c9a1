"""How fast the model learns: validation nats a character after so many steps, and what they cost.

    python benchmarks/learning.py --raw_dir=raw --problem=wmt_ende --steps=1000

Nats are summed over all validation targets, end of sequence included, and divided by the targets'
characters, a newline counted for each. With --range=... --trials=N it draws N settings at random
from a range of hparams, as t2t-mm-tune takes it, and prints a line for each.
"""

import random
import resource
import time

from absl import flags

from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.config import hparams_files
from t2t_mm.config.run import RunConfig
from t2t_mm.tuning import ranges
from t2t_mm.tuning.report import in_words


def run_flags(hparams=""):
    """The flags of a benchmark that trains on raw data."""
    values = app.new_flags()
    flags.DEFINE_string("raw_dir", None, "Raw data, one folder per problem.", flag_values=values)
    flags.DEFINE_string(
        "data_dir", "benchmark_data", "Prepared data and vocabularies.", flag_values=values
    )
    flags.DEFINE_string("hparams_set", "multimodel_tiny", "Named hparams.", flag_values=values)
    flags.DEFINE_string("hparams", hparams, "Changes to single hparams.", flag_values=values)
    return values


FLAGS = run_flags("max_input_length=100,max_target_length=100")
flags.DEFINE_string("problem", "wmt_ende", "Problem whose targets are text.", flag_values=FLAGS)
flags.DEFINE_integer("steps", 1000, "Training steps.", lower_bound=1, flag_values=FLAGS)
flags.DEFINE_integer(
    "seed", 0, "Random seed for initial values, order of the data and dropout.", flag_values=FLAGS
)
flags.DEFINE_string("range", None, "Range of hparams to draw settings from.", flag_values=FLAGS)
flags.DEFINE_integer("trials", 1, "Settings to draw.", lower_bound=1, flag_values=FLAGS)


def main():
    """Prints a line for each setting."""
    from t2t_mm.data.prepare import prepare, resolve

    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams)
    problem = registry.problem(FLAGS.problem).configure(hparams)
    prepare([problem], FLAGS.data_dir, FLAGS.raw_dir)
    (problem,) = resolve([problem], FLAGS.data_dir, hparams)
    characters = count_characters(problem)
    rng = random.Random(FLAGS.seed)
    space = ranges.read(FLAGS.range) if FLAGS.range else None
    print(f"{FLAGS.problem}: {problem.splits()}, {characters:,} validation characters", flush=True)
    for trial in range(FLAGS.trials):
        drawn = draw(space, rng) if space else {}
        nats, seconds, cpu = learn(problem, hparams.replace(**drawn), characters)
        setting = in_words(drawn)
        print(
            f"trial {trial}  {setting}  steps {FLAGS.steps}  {nats:.4f} nats a character  "
            f"{seconds:.0f} s  {cpu:.0f} CPU-seconds",
            flush=True,
        )


def learn(problem, hparams, characters):
    """Trains; returns (validation nats a character, seconds, CPU-seconds), compilation and
    evaluation counted."""
    from t2t_mm.training.trainer import Trainer

    started, cpu_started = time.monotonic(), cpu_seconds()
    config = RunConfig(train_steps=FLAGS.steps, seed=FLAGS.seed, mode="train")
    trainer = Trainer([problem], hparams, config)
    trainer.train()
    result = trainer.evaluate("validation")[problem.name]
    nats = result["log_perplexity"] * result["tokens"] / characters
    return nats, time.monotonic() - started, cpu_seconds() - cpu_started


def count_characters(problem):
    """Characters of all validation targets, a newline counted for each."""
    targets = (
        example["targets"].decode()
        for example in problem.examples("validation").as_numpy_iterator()
    )
    return sum(len(text) + 1 for text in targets)


def draw(space, rng):
    """One value for each field of a space."""
    drawn = {name: values.draw(rng) for name, values in space.searched.items()}
    return {**space.fixed, **drawn}


def cpu_seconds():
    """CPU time of this process, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    app.run(main, FLAGS)
