"""What a joint model is worth to a problem it never saw: fine-tuned from it against trained from
scratch.

    python benchmarks/fine_tuning.py --raw_dir=raw --joint=wmt_ende+imagenet --problem=wsj_parse \\
        --seeds=3

One joint run; then for every seed the problem is trained twice for the same steps, with the same
data in the same order: once with all initial values drawn, once with the joint model's weights
where they fit. The figure is the validation log-perplexity, in nats a symbol. With --norescale the
weights are taken as they are.
"""

import statistics
import time

from absl import flags
from learning import run_flags

from t2t_mm import mixtures, registry
from t2t_mm.cli import app
from t2t_mm.config import hparams_files
from t2t_mm.config.run import RunConfig

FLAGS = run_flags()
flags.DEFINE_string("joint", "wmt_ende+imagenet", "Problems of the joint model.", flag_values=FLAGS)
flags.DEFINE_string("problem", "wsj_parse", "The problem after them.", flag_values=FLAGS)
flags.DEFINE_string(
    "output_dir",
    "benchmark_output/joint",
    "Of the joint run; one that has ended is taken as it is.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "tuned_hparams",
    "",
    "Further changes, for fine-tuning alone: body_rate=0.3,frozen=encoder/",
    flag_values=FLAGS,
)
flags.DEFINE_bool("rescale", True, "Fine-tune with --warm_start_rescale.", flag_values=FLAGS)
flags.DEFINE_integer(
    "joint_steps", 800, "Steps of the joint run.", lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_integer("steps", 250, "Steps of each run after it.", lower_bound=1, flag_values=FLAGS)
flags.DEFINE_integer("seeds", 3, "Runs of each kind.", lower_bound=1, flag_values=FLAGS)


def main():
    """Prints a line for each seed, and the means."""
    from t2t_mm.data.prepare import prepare, resolve

    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams)
    more = ",".join(filter(None, [FLAGS.hparams, FLAGS.tuned_hparams]))
    tuned = hparams_files.resolve(FLAGS.hparams_set, overrides=more)
    names = [*mixtures.parse(FLAGS.joint), FLAGS.problem]
    problems = [registry.problem(name).configure(hparams) for name in names]
    prepare(problems, FLAGS.data_dir, FLAGS.raw_dir)
    *joint, problem = resolve(problems, FLAGS.data_dir, hparams)
    train(joint, hparams, FLAGS.joint_steps, FLAGS.output_dir)
    print(f"{FLAGS.problem} after {FLAGS.steps} steps, validation nats a symbol", flush=True)
    print(f"{'seed':>6} {'scratch':>9} {'tuned':>9} {'seconds':>9}", flush=True)
    found = []
    for seed in range(FLAGS.seeds):
        began = time.monotonic()
        scratch = train([problem], hparams, FLAGS.steps, seed=seed)
        start = {"warm_start_from": FLAGS.output_dir, "warm_start_rescale": FLAGS.rescale}
        found.append((scratch, train([problem], tuned, FLAGS.steps, seed=seed, **start)))
        print(
            f"{seed:6} {scratch:9.4f} {found[-1][1]:9.4f} {time.monotonic() - began:9.0f}",
            flush=True,
        )
    scratch, after = (statistics.mean(figures) for figures in zip(*found, strict=True))
    print(f"{'mean':>6} {scratch:9.4f} {after:9.4f}", flush=True)


def train(problems, hparams, steps, output_dir=None, **options):
    """Trains; returns the last problem's validation log-perplexity."""
    from t2t_mm.reporting.console import Silent
    from t2t_mm.training.trainer import Trainer

    config = RunConfig(train_steps=steps, mode="train", **options)
    trainer = Trainer(problems, hparams, config, output_dir, console=Silent())
    trainer.train()
    return trainer.evaluate("validation")[problems[-1].name]["log_perplexity"]


if __name__ == "__main__":
    app.run(main, FLAGS)
