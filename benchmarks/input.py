"""Input pipelines: how fast they are by themselves, and how long the trainer waits for them.

    python benchmarks/input.py --raw_dir=raw --data_dir=/tmp/input

For each problem: examples and megabytes (as stored) for each second of one core, from reading to
batches; which share of the positions of inputs and targets is padding; then the share of a training
run's time that passes waiting for the next batch (`multimodel_tiny`, pictures of 128 pixels;
`--steps=0` trains nothing).
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PROBLEMS = "wmt_ende,wsj_parse,imagenet,coco_captions,wsj_speech,wsj_speech_waveform"
COLUMNS = (
    "problem",
    "batches",
    "examples/CPU-s",
    "MB/CPU-s",
    "CPU-s a batch",
    "padded inputs",
    "targets",
    "s a step",
    "waiting",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", default=PROBLEMS, help="names, with commas between")
    parser.add_argument("--raw_dir", default="raw")
    parser.add_argument(
        "--data_dir", default="data", help="where the data is prepared, if it isn't yet"
    )
    parser.add_argument("--image_size", type=int, default=128)
    parser.add_argument(
        "--batches", type=int, default=40, help="batches of each problem that are read"
    )
    parser.add_argument(
        "--steps", type=int, default=15, help="steps of each problem that are trained"
    )
    args = parser.parse_args()

    from t2t_mm import registry
    from t2t_mm.data.prepare import prepare, resolve

    hparams = registry.hparams("multimodel_tiny").replace(image_size=args.image_size)
    problems = [registry.problem(name).configure(hparams) for name in args.problems.split(",")]
    prepare(problems, args.data_dir, args.raw_dir, log=lambda line: None)
    print(" ".join(f"{name:>20}" if i == 0 else f"{name:>14}" for i, name in enumerate(COLUMNS)))
    for problem in resolve(problems, args.data_dir, hparams):
        rates = reading(problem, hparams, args.batches)
        step, waiting = training(problem, hparams, args.steps) if args.steps else (0.0, 0.0)
        values = (
            f"{args.batches:14d} {rates[0]:14.0f} {rates[1]:14.2f} {rates[2]:14.3f} "
            f"{rates[3]:14.1%} {rates[4]:14.1%} {step:14.3f} {waiting:14.1%}"
        )
        print(f"{problem.name:>20} {values}", flush=True)


def reading(problem, hparams, count):
    """(examples, megabytes) for each CPU-second, CPU-seconds a batch, shares of padding in inputs
    and targets."""
    import numpy as np

    from t2t_mm.data.pipeline.batching import batches

    info = problem.builder.info.splits["train"]
    data = iter(batches(problem, "train", hparams, training=True, seed=1))
    next(data)  # fills the shuffle buffer
    before, examples = time.process_time(), 0
    masks = {"inputs_mask": np.zeros(2, int), "targets_mask": np.zeros(2, int)}  # real ones, all
    for _ in range(count):
        batch = next(data)
        examples += len(batch["targets"])
        for name in masks.keys() & batch.keys():  # pictures have none
            masks[name] += int(np.sum(batch[name])), int(np.size(batch[name]))
    seconds = time.process_time() - before
    padded = (1 - real / size if size else 0.0 for real, size in masks.values())
    return (
        examples / seconds,
        examples * info.num_bytes / info.num_examples / 1e6 / seconds,
        seconds / count,
        *padded,
    )


def training(problem, hparams, steps):
    """(seconds per step, share of them spent waiting for a batch), after the first steps have
    compiled."""
    import numpy as np

    from t2t_mm.config.run import RunConfig
    from t2t_mm.reporting.console import Silent
    from t2t_mm.training.trainer import Trainer

    trainer = Trainer([problem], hparams, RunConfig(mode="train"), console=Silent())
    trainer.train(3)
    waited, started = 0.0, time.monotonic()
    for _ in range(steps):
        before = time.monotonic()
        batch = trainer.inputs.next(problem.name, 3)
        waited += time.monotonic() - before
        float(trainer._train_step(problem.name, batch, np.float32(1e-3))["loss"])
    seconds = time.monotonic() - started
    return seconds / steps, waited / seconds


if __name__ == "__main__":
    main()
